"""Networks of the user's own files: only jobs and the library import them, never a page."""

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from smd.errors import UserError
from smd.nets.fitting import fitted
from smd.nets.last_layer import Unfit, last_line
from smd.paths import nets_root
from smd.registry.own_nets import problem_of_own, source_of

_modules: dict[tuple[str, str], ModuleType] = {}  # by path and digest of the file


def from_file(
    argument: str, shape: tuple[int, ...], classes: int, pretrained: bool = False
) -> nn.Module:
    """What a function of a file in SMD_NETS builds, such as "mine.py:build".

    shape: (C, H, W) or (C, D, H, W). The function is called as build(shape, classes), and with
    pretrained=True where that is asked for. Raises UserError where there is none, it raises, or
    what it returns is no network that answers such images with that many logits.
    """
    if problem := problem_of_own(argument):
        raise UserError(problem)
    file, _, name = argument.partition(":")
    path = nets_root() / file
    function: Any = getattr(_imported(path), name, None)
    words = {"pretrained": True} if pretrained else {}
    _refuse_signature(argument, function, words)
    with _one_sentence(path, f"{argument} raised"):
        network = function(shape, classes, **words)
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{argument} returns {type(network).__name__}: it must return a torch.nn.Module."
        )
    try:
        return fitted(network, shape, classes, refit=False)
    except Unfit as error:
        size = "x".join(map(str, shape))
        raise UserError(
            f"{argument} does not fit images of {size} and {classes} classes: {error}."
            f"{_where(error, path)} Change {path}."
        ) from error


def digest(argument: str) -> str:
    """SHA-256 of the file of "mine.py:build", with the files beside it that it imports where it
    has been imported; raises UserError where there is none."""
    path = nets_root() / argument.partition(":")[0]
    total = hashlib.sha256(source_of(path))
    for other in _imported_beside(path):
        total.update(source_of(other))
    return total.hexdigest()


def _imported_beside(path: Path) -> list[Path]:
    """Files of the same folder that are imported in this process, sorted."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    beside = {Path(file) for file in files if file and Path(file).parent == path.parent}
    return sorted(beside - {path})


def _imported(path: Path) -> ModuleType:
    """The file as a module, run once for each of its contents."""
    source = source_of(path)
    key = (str(path), hashlib.sha256(source).hexdigest())
    if key in _modules:
        return _modules[key]
    if path.stat().st_mode & 0o002 or path.parent.stat().st_mode & 0o002:
        raise UserError(f"Anybody may write {path} or its folder: it is not run (chmod o-w).")
    spec = spec_from_loader(f"smd_own_{path.stem}", None, origin=str(path))
    assert spec is not None
    module = module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[spec.name] = module  # as dataclasses want it
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that it hides no package
    with _one_sentence(path, f"{path} cannot be imported"):
        exec(compile(source, str(path), "exec"), module.__dict__)
    _modules[key] = module
    return module


def _refuse_signature(argument: str, function: Any, words: dict[str, bool]) -> None:
    if not callable(function):
        raise UserError(f"{argument} is no function: write def build(shape, classes).")
    try:
        inspect.signature(function).bind((1, 8, 8), 2, **words)
    except TypeError as error:
        if words and _takes(function):
            raise UserError(
                f"{argument} has no pretrained weights: write def build(shape, classes,"
                " pretrained=False), or start without them."
            ) from None
        raise UserError(f"{argument} is not called as build(shape, classes): {error}.") from None
    except ValueError:  # a builtin that does not tell
        return


def _takes(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind((1, 8, 8), 2)
    except TypeError:
        return False
    return True


@contextmanager
def _one_sentence(path: Path, what: str) -> Iterator[None]:
    """Within, whatever is raised becomes one UserError: the error's last line, and where it is."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise UserError(f"{what}: {last_line(error)}.{_where(error, path)}") from error


def _where(error: BaseException, path: Path) -> str:
    """The last line of that file in an error's traceback or in that of its cause: " (line 3)"."""
    chain: list[BaseException] = [error, *([error.__cause__] if error.__cause__ else [])]
    if isinstance(error, SyntaxError) and error.lineno:
        return f" It is line {error.lineno} of {path}."
    frames = [each for one in chain for each in traceback.extract_tb(one.__traceback__)]
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f" It is line {lines[-1]} of {path}." if lines else ""

"""Networks of the user's own files, `mine.py:build` in the folder SMD_NETS.

They are looked at as text and never imported here.
"""

import ast
import re
from pathlib import Path

from smd.errors import UserError
from smd.files import foreign
from smd.paths import nets_root

OWN_NAME = re.compile(r"[A-Za-z_]\w*\.py:[A-Za-z_]\w*", re.ASCII)
FIRST = ("shape", "classes")  # what the first two parameters of a builder are called
LONGEST = foreign.MEGABYTE  # of a file
MOST = 200  # files that are looked at


def own_networks() -> list[str]:
    """Every function (shape, classes) of the folder's files, as "mine.py:build"; broken files are
    left out, see `own_problems`."""
    return [f"{path.name}:{name}" for path in _files() for name in _builders_or_none(path)]


def own_problems() -> list[str]:
    """What keeps files of the folder from being read, a sentence each."""
    sentences = []
    for path in _files():
        try:
            _builders(path)
        except UserError as error:
            sentences.append(str(error))
    return sentences


def problem_of_own(name: str) -> str:
    """Why "mine.py:build" cannot be built, as far as the text tells, in a sentence; ""."""
    file, _, function = name.partition(":")
    if not OWN_NAME.fullmatch(name):
        return f"'{name[:100]}' is no FILE.py:FUNCTION of the folder {nets_root()}."
    try:
        builders, others = _functions(nets_root() / file)
    except UserError as error:
        return str(error)
    if function in builders or function in others:
        return ""
    known = f"it has {', '.join(builders)}" if builders else "write def build(shape, classes)"
    return f"{nets_root() / file} has no function '{function}': {known}."


def source_of(path: Path) -> bytes:
    """The text of an own file; raises UserError where there is no ordinary file of that name."""
    try:
        return foreign.content(path, LONGEST)
    except FileNotFoundError:
        raise UserError(
            f"There is no file {path}: put it there, or point SMD_NETS at its folder."
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check who may.") from None


def _files() -> list[Path]:
    try:
        paths = sorted(path for path in nets_root().iterdir() if path.suffix == ".py")
    except OSError:  # there is no such folder, as is usual
        return []
    return [path for path in paths if OWN_NAME.fullmatch(f"{path.name}:build")][:MOST]


def _builders(path: Path) -> list[str]:
    return _functions(path)[0]


def _builders_or_none(path: Path) -> list[str]:
    try:
        return _builders(path)
    except UserError:
        return []


def _functions(path: Path) -> tuple[list[str], list[str]]:
    """Names on a file's top level: functions (shape, classes, ...), and everything else."""
    try:
        tree = ast.parse(source_of(path), str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise UserError(f"{path} is no Python that can be read: {why}{line}.") from None
    builders = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and tuple(each.arg for each in (*node.args.posonlyargs, *node.args.args)[:2]) == FIRST
    ]
    return builders, [name for node in tree.body for name in _names(node) if name not in builders]


def _names(node: ast.stmt) -> list[str]:
    """What a statement gives a name to, imports included."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    inside = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return [each.id for each in inside if isinstance(each.ctx, ast.Store)]

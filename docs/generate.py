"""Writes the parts of the documentation that the code knows itself: `python docs/generate.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->` in one of the pages, so that it
can be read without building anything. `make docs` writes all of them; a test says when one is old.
"""

import argparse
import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smd.registry import Param

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGES = ("smd", "app")
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def summary(path: Path) -> str:
    """The first sentence of a module's docstring, on one line; "" without one."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[a-z0-9)`/])\. (?=[A-Z`])", paragraph)[0].rstrip(".")


def sources(folder: Path) -> list[Path]:
    """Modules and packages in a folder: its own modules first, then packages, by name."""
    modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    return modules + sorted(path.parent for path in folder.glob("*/__init__.py"))


def lines_of(folder: Path, depth: int = 1) -> Iterator[tuple[str, str]]:
    """Every module below a folder: its name, indented, and what it is."""
    for path in sources(folder):
        inside = path / "__init__.py" if path.is_dir() else path
        name = f"{path.name}/" if path.is_dir() else path.name
        yield "  " * depth + name, summary(inside)
        if path.is_dir():
            yield from lines_of(path, depth + 1)


def tree() -> str:
    """All modules, one a line, each with the first sentence of its docstring."""
    rows = []
    for package in PACKAGES:
        rows += [(f"{package}/", summary(ROOT / package / "__init__.py"))]
        rows += lines_of(ROOT / package)
    return "\n".join(["```text", *(f"{name:<28}{text}".rstrip() for name, text in rows), "```"])


def room_of(module: str) -> str:
    """The room that a module of smd belongs to: "core" for "smd.core.pgd"; "smd" for loose ones."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (ROOT / "smd" / parts[1]).is_dir() else parts[0]


def imported(path: Path) -> set[str]:
    """Modules of smd that a file imports, names imported from packages included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "smd"}


def arrows() -> dict[str, set[str]]:
    """What every room of smd imports of the other rooms; loose modules are left out."""
    known = {}
    for folder in sorted(path.parent for path in (ROOT / "smd").glob("*/__init__.py")):
        modules = {room_of(name) for path in folder.rglob("*.py") for name in imported(path)}
        known[folder.name] = modules - {folder.name, "smd"}
    return known


def order(known: dict[str, set[str]]) -> list[str]:
    """The rooms from the bottom, each after what it imports; ValueError for a circle."""
    placed: list[str] = []
    while rest := [room for room in known if room not in placed]:
        ready = [room for room in rest if known[room] <= set(placed)]
        if not ready:
            raise ValueError(f"Rooms that import each other: {', '.join(rest)}.")
        placed += ready
    return placed


def rooms() -> str:
    """A table of the rooms of smd from the bottom: what each is and what it imports."""
    known = arrows()
    placed = order(known)
    rows = ["| room | what it is | imports |", "| --- | --- | --- |"]
    for room in placed:
        below = ", ".join(other for other in placed if other in known[room]) or "none"
        rows.append(f"| `{room}` | {summary(ROOT / 'smd' / room / '__init__.py')} | {below} |")
    return "\n".join(rows)


def usage(action: argparse.Action) -> str:
    """How an argument is written: `run ...` or `--eps LEVELS`."""
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return f"{value} ..." if action.nargs in ("+", "*") else str(value)
    flag = ", ".join(action.option_strings)
    return flag if action.nargs == 0 else f"{flag} {value}"


def argument(action: argparse.Action) -> str:
    """One row of a command's table."""
    text = (action.help or "") % {**vars(action), "prog": "python -m smd"}
    return f"| `{usage(action)}` | {text} |".replace("<", "&lt;")


def command(name: str, sub: argparse.ArgumentParser, text: str) -> str:
    """A section on one command: what it does and its arguments."""
    shown = [
        action
        for action in sub._actions
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]
    table = ["| argument | what it is |", "| --- | --- |", *map(argument, shown)]
    return "\n".join([f"### {name}", "", f"{text[:1].upper()}{text[1:]}.", "", *table, ""])


def commands() -> str:
    """A section for every command, from its parser."""
    from smd.__main__ import parser

    every = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    listed = {choice.dest.split(" ")[0]: choice.help or "" for choice in every._choices_actions}
    sections = [command(name, every.choices[name], text) for name, text in listed.items()]
    return "\n".join(sections).rstrip()


def networks() -> str:
    """A table of the networks: name, title, sides that they take, source."""
    from smd import registry

    rows = ["| name | network | sides | source |", "| --- | --- | --- | --- |"]
    for net in registry.NETWORKS.values():
        low, high = net.sizes
        unit = registry.WHAT[net.dims][1]
        rows.append(f"| `{net.name}` | {net.title} | {low} to {high} {unit} | {net.source} |")
    return "\n".join(rows)


def described(title: str, thing: object, level: int = 2) -> list[str]:
    """A section on a public function, class or property: how it is called, and its docstring."""
    lines = ["#" * level + f" {title}", ""]
    if dataclasses.is_dataclass(thing):
        lines += ["```text", *fields(thing), "```", ""]
    elif callable(thing) and not is_error(thing):
        lines += ["```text", f"{title}{signature(thing)}", "```", ""]
    return [*lines, inspect.getdoc(thing) or "", ""]


def is_error(thing: object) -> bool:
    """Whether it is an exception, which takes no arguments worth showing."""
    return inspect.isclass(thing) and issubclass(thing, Exception)


def signature(thing: Callable[..., object]) -> str:
    """A signature as it is written: no `self`, no quoted types, `Tensor` for `torch.Tensor`."""
    given = inspect.signature(thing)
    own = [p for p in given.parameters.values() if p.name != "self"]
    text = re.sub(r"(: |-> )'([^']+)'", r"\1\2", str(given.replace(parameters=own)))
    return wrapped(re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", text))


def wrapped(text: str) -> str:
    """A signature with an argument a line where it is long."""
    if len(text) <= 80:
        return text
    depth, lines = 0, [""]
    for before, letter in zip(" " + text, text, strict=False):
        depth += (letter in "([{") - (letter in ")]}")
        first = depth == 1 and before == "(" and letter != ")"
        if first or (depth == 1 and before == "," and letter == " "):
            lines.append("    " if first else "   ")
        elif depth == 0 and letter == ")":
            lines.append("")
        lines[-1] += letter
    return "\n".join(lines)


def fields(kind: type) -> list[str]:
    """The public fields of a dataclass as its source has them, comments included."""
    source = inspect.cleandoc("\n" + inspect.getsource(kind)).splitlines()
    body = ast.parse("\n".join(source)).body[0].body
    listed = [node for node in body if isinstance(node, ast.AnnAssign)]
    lines = source[body[1].lineno - 1 : listed[-1].end_lineno]
    while lines and lines[-1].strip().startswith(("_", "#")):
        lines.pop()
    return inspect.cleandoc("\n" + "\n".join(lines)).splitlines()


def members(name: str, kind: type) -> list[str]:
    """Sections on the public methods and properties that a class defines itself."""
    public = {n: m for n, m in vars(kind).items() if not n.startswith("_")}
    shown = {n: m for n, m in public.items() if inspect.isfunction(m) or isinstance(m, property)}
    return [line for n, m in shown.items() for line in described(f"{name}.{n}", m, 3)]


def defenses() -> list[str]:
    """A table of the defenses for one's own loop and their knobs."""
    from smd import registry

    rows = ["## Defenses", "", "| class | source | knobs |", "| --- | --- | --- |"]
    for entry in registry.DEFENSES.values():
        knobs = [f"`{p.name}` ({shown(p)}): {p.help}" for p in entry.params]
        name = entry.target.partition(":")[2]
        rows.append(f"| `smd.{name}` | {entry.source} | {'; '.join(knobs) or 'none'} |")
    return [*rows, ""]


def shown(knob: "Param") -> str:
    """A knob's default as a person writes it."""
    if knob.kind == "level":
        return f"{255 * float(knob.default):g}/255"
    return str(knob.default)


def api() -> str:
    """A section for every public name of smd but the defenses, which are a table."""
    import smd
    from smd import registry

    kinds = {entry.target.partition(":")[2] for entry in registry.DEFENSES.values()}
    names = sorted(set(smd.__all__) - kinds, key=lambda n: (n[:1].isupper(), n))
    lines = []
    for name in names:
        thing = getattr(smd, name)
        lines += described(f"smd.{name}", thing)
        lines += members(name, thing) if inspect.isclass(thing) else []
    return "\n".join([*lines, *defenses()]).rstrip()


def offered() -> str:
    """Which network is offered for own images of a size, and why."""
    from smd import registry
    from smd.registry import offers

    return offers.why(registry.DATASETS["folder"].net)


PARTS: dict[str, Callable[[], str]] = {
    "tree": tree,
    "rooms": rooms,
    "commands": commands,
    "api": api,
    "networks": networks,
    "offered": offered,
}


def page(text: str) -> str:
    """A page with its generated parts written anew."""
    return PART.sub(lambda m: f"{m[1]}\n{PARTS[m[2]]()}\n\n{m[3]}", text)


def pages() -> dict[Path, str]:
    """Every page that has generated parts, as it should be."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    return {path: page(text) for path, text in texts.items() if PART.search(text)}


def main() -> None:
    """Write the pages that are old, and name them."""
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()

"""Who may know whom: pages stay free of torch, SQL stays in the store, files stay short."""

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

from smd.paths import AROUND as REPOSITORY

SOURCES = sorted([*(REPOSITORY / "smd").rglob("*.py"), *(REPOSITORY / "app").rglob("*.py")])
HEAVY = {"torch", "torchvision", "umap", "safetensors"}
# What pages may import of smd.
LIGHT = {
    "analysis.agreement",
    "analysis.balanced",
    "analysis.clinical",
    "analysis.clinical_layout",
    "analysis.clinical_measures",
    "analysis.clinical_sources",
    "analysis.clinical_tables",
    "analysis.clinical_threshold",
    "analysis.flags",
    "analysis.forces",
    "analysis.gaps",
    "analysis.ranking",
    "children",
    "config.commands",
    "config.notes",
    "config.options",
    "config.parsing",
    "config.schema",
    "config.types",
    "config.validation",
    "core.kinds",
    "core.schedule",
    "data",
    "devices",
    "several",
    "errors",
    "evaluation.examples",
    "evaluation.final_margins",
    "experiments.published",
    "experiments.sweep",
    "export",
    "files.foreign",
    "frames",
    "limits",
    "jobs",
    "jobs.system_metrics",
    "paths",
    "registry",
    "registry.recipes",
    "report.page",
    "runs.example",
    "runs.folders",
    "runs.image_sets",
    "runs.job_titles",
    "runs.names",
    "runs.notes",
    "store.query",
    "store.query_examples",
    "store.reader",
    "terminal.progress",
    "training.monitor_size",
    "units",
}


@cache
def tree_of(path):
    """A file as Python parses it."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path, top_level_only=False):
    """Modules that a file imports, "smd.x" for `from smd import x`."""
    tree = tree_of(path)
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_pages_import_only_the_light_half():
    """Each import of smd is one of LIGHT or something inside it; packages around these tell
    nothing."""
    for path in (REPOSITORY / "app").rglob("*.py"):
        names = {name.removeprefix("smd.") for name in imports(path) if name.startswith("smd.")}
        outside = {n for n in names if not any(n == ok or n.startswith(f"{ok}.") for ok in LIGHT)}
        assert {n for n in outside if not any(ok.startswith(f"{n}.") for ok in LIGHT)} == set(), (
            path
        )
        assert not {name.split(".")[0] for name in imports(path)} & HEAVY, path


PAGE_MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in (REPOSITORY / "app").rglob("*.py")
    if path.name not in ("__init__.py", "main.py", "dashboard.py") and path.parent.name != "views"
)


@pytest.mark.slow
def test_no_page_module_pulls_in_torch():
    code = f"import sys, {', '.join(PAGE_MODULES)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


@pytest.mark.slow
def test_the_engine_needs_neither_duckdb_nor_streamlit():
    code = (
        "import sys; sys.modules['duckdb'] = sys.modules['streamlit'] = None\n"
        "import smd.training.loop, smd.evaluation.evaluate, smd.nets.wrn, smd.nets.paper\n"
        "import smd.defenses.smd, smd.attacks.autoattack, smd.estimators.min_norm"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_only_views_and_main_run_streamlit_in_the_app_and_nothing_of_smd_does():
    """But for the benchmark that speaks to the server as a browser does."""
    users = {p for p in SOURCES if any(n.split(".")[0] == "streamlit" for n in imports(p))}
    users.remove(REPOSITORY / "smd" / "bench" / "sessions.py")
    assert all(REPOSITORY / "app" in p.parents for p in users)


def test_one_function_shows_all_tables():
    """It is the one that knows what stands in a cell without a value."""
    users = {
        p.name
        for p in SOURCES
        if "st.dataframe(" in p.read_text() or ".dataframe(" in p.read_text()
    }
    assert users == {"tables.py"}


def test_nothing_knows_the_benchmarks():
    users = {
        p
        for p in SOURCES
        if any(n == "smd.bench" or n.startswith("smd.bench.") for n in imports(p))
    }
    assert users
    assert {p.parent for p in users} == {REPOSITORY / "smd" / "bench"}


def test_the_python_api_knows_the_rooms_below_and_only_the_gate_knows_it():
    """smd/__init__.py names what it offers; commands, benchmarks and pages are no part of it."""
    around = REPOSITORY / "smd" / "api"
    rooms = {n.split(".")[1] for p in around.glob("*.py") for n in imports(p) if n[:4] == "smd."}
    assert rooms
    assert not rooms & {"cli", "bench", "terminal"}
    users = {p for p in SOURCES if any(f"{n}.".startswith("smd.api.") for n in imports(p))}
    assert {p for p in users if p.parent != around} == {REPOSITORY / "smd" / "__init__.py"}


def test_sql_lives_in_the_store():
    sql = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|CREATE TABLE)\b")
    outside = [p for p in SOURCES if sql.search(p.read_text()) and "store" not in p.parts]
    assert outside == []


def test_only_the_stores_writer_writes():
    sql = re.compile(r"\b(INSERT INTO|DELETE FROM)\b")
    writers = {p.name for p in SOURCES if sql.search(p.read_text())}
    assert writers == {"writer.py", "schema.py"}


def test_files_are_short_and_say_what_they_are_for():
    assert [path for path in SOURCES if len(path.read_text().splitlines()) > 300] == []
    assert [path for path in SOURCES if not ast.get_docstring(tree_of(path))] == []


LONGEST = {"app": 34, "smd": 34}  # lines of a function, or of code on top level
DECLARED = (  # what a module says rather than does
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
)


def lines(node):
    """How many lines a piece of a file has."""
    return node.end_lineno - node.lineno + 1


def on_top_level(tree):
    """The statements of a module that do something when it is imported; its docstring does not."""
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    return [node for node in body if not isinstance(node, DECLARED)]


def test_functions_and_top_level_code_are_short():
    long = []
    for path in SOURCES:
        tree, longest = tree_of(path), LONGEST[path.relative_to(REPOSITORY).parts[0]]
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        long += [(path, node.name) for node in functions if lines(node) > longest]
        long += [(path, "top level")] * (sum(map(lines, on_top_level(tree))) > longest)
    assert long == []


VIEWS = sorted((REPOSITORY / "app" / "views").glob("*.py"))


@pytest.mark.parametrize("path", VIEWS, ids=lambda p: p.name)
def test_a_page_is_a_function_and_its_module_only_declares(path):
    """A view is imported once and its page called at every rerun, with the run and the selection
    that it is of as arguments."""
    tree = tree_of(path)
    assert on_top_level(tree) == []
    calls = {ast.unparse(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    values = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    shown = [call for value in values for call in ast.walk(value) if isinstance(call, ast.Call)]
    assert not [ast.unparse(call) for call in shown if ast.unparse(call.func).startswith("st.")]
    assert not calls & {"run_picker.picked", "picked"}
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert path.name == "__init__.py" or "page" in names


@pytest.mark.parametrize(
    "code, doing",
    [
        ("import a\nX = 1\ndef page(run): a.show(run)", 0),
        ("import a\na.show()", 1),
        ("for x in (): pass", 1),
    ],
)
def test_code_on_top_level_is_found(code, doing):
    assert len(on_top_level(ast.parse(code))) == doing


OPENERS_OF_BYTES = {
    "os.open",
    "tarfile.open",
    "gzip.open",
    "bz2.open",
    "lzma.open",
    "Image.open",
    "opened.open",
}


def speaks_the_machines_encoding(call):
    """Whether a call reads or writes text in whatever encoding the machine has."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {word.arg: word.value for word in call.keywords}
    if "encoding" in given or None in given:
        return False
    if {"text", "universal_newlines"} & given.keys() and name in (
        "run",
        "Popen",
        "check_output",
        "check_call",
        "call",
    ):
        return True
    if name in ("read_text", "write_text"):
        return True
    first = {"open": 0 if isinstance(call.func, ast.Attribute) else 1, "fdopen": 1}.get(name)
    if first is None or ast.unparse(call.func) in OPENERS_OF_BYTES:
        return False
    mode = given.get("mode") or (call.args[first] if len(call.args) > first else None)
    return "b" not in ast.unparse(mode).lower() if mode is not None else True


@pytest.mark.parametrize(
    "code, found",
    [
        ("p.read_text()", True),
        ("p.read_text(encoding='utf-8')", False),
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("p.open('w')", True),
        ("p.open('wb')", False),
        ("run(c, text=True)", True),
        ("run(c)", False),
        ("run(c, text=True, encoding='utf-8')", False),
        ("os.fdopen(3, 'w')", True),
        ("os.open(p, 0)", False),
        ("p.write_text(t)", True),
    ],
)
def test_text_in_the_machines_encoding_is_found(code, found):
    assert speaks_the_machines_encoding(ast.parse(code).body[0].value) == found


def test_every_text_is_utf8_whatever_the_machine_speaks():
    calls = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
    ]
    wrong = [(path, call) for path, call in calls if speaks_the_machines_encoding(call)]
    assert [(path, ast.unparse(call)) for path, call in wrong] == []


def test_every_registry_entry_can_be_loaded():
    from smd import registry

    for table in (
        registry.DATASETS,
        registry.NETWORKS,
        registry.DEFENSES,
        registry.ATTACKS,
        registry.ESTIMATORS,
    ):
        for entry in table.values():
            assert callable(registry.load(entry.target)), entry.name


# The rooms from the bottom; each may import what stands above it in this table, and nothing else.
ROOMS = (
    "errors",
    "units",
    "version",
    "paths",
    "program",
    "children",
    "hardware",
    "devices",
    "several",
    "crew",
    "frames",
    "limits",
    "stats",
    "files",
    "terminal",
    "ranks",
    "core",
    "registry",
    "config",
    "data",
    "nets",
    "dealing",
    "weights",
    "defenses",
    "training",
    "attacks",
    "evaluation",
    "estimators",
    "store",
    "export",
    "analysis",
    "jobs",
    "runs",
    "report",
    "experiments",
    "sinks",
    "tasks",
    "cluster",
    "publish",
    "api",
    "cli",
    "bench",
    "__main__",
)


def arrows():
    """(importing room, imported room, importing file) of all of smd; the package itself is free: it
    hands on what is asked of it, and tells its version."""
    for path in sorted((REPOSITORY / "smd").rglob("*.py")):
        room = path.relative_to(REPOSITORY / "smd").with_suffix("").parts[0]
        for name in imports(path):
            _, _, inside = name.partition("smd.")
            target = inside.split(".")[0]
            if name.startswith("smd.") and target in ROOMS and room not in (target, "__init__"):
                yield room, target, path


def test_every_module_is_in_a_room():
    rooms = {path.stem for path in (REPOSITORY / "smd").iterdir() if path.suffix == ".py"}
    rooms |= {path.parent.name for path in (REPOSITORY / "smd").glob("*/__init__.py")}
    assert rooms - {"__init__"} == set(ROOMS)


@pytest.mark.slow
def test_no_room_imports_one_above_it():
    """So there is no circle either."""
    upward = [arrow for arrow in arrows() if ROOMS.index(arrow[1]) > ROOMS.index(arrow[0])]
    assert upward == []
    assert {"config", "jobs", "tasks"} <= {room for room, _, _ in arrows()}

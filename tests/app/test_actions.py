"""What pages do besides looking goes through app/actions.py, which asks who is there.

Viewers only look.
"""

import ast
import inspect
from pathlib import Path

import kinds
import paging
import pytest

from app import actions
from app.server import access, login
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    TrainConfig,
)
from smd.data.request import Request
from smd.errors import UserError
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY
from smd.runs.notes import Notes

APP = REPOSITORY / "app"
# All that pages may take of the modules of smd that act, since it only looks. What is not named
# here is an act.
LOOKS = {
    "smd.devices": set(),  # constants
    "smd.limits": {"share_memory_among_threads"},  # of this process
    "smd.jobs.launch": {"log_tail", "wake_all"},  # what runners queued goes on, whoever looks
    "smd.runs.example": {"bring", "is_example", "own"},  # into an empty folder, whoever looks
    "smd.runs.folders": {
        "Run",
        "all_runs",
        "nameless",
        "jobs_of",
        "with_absolute_path",
    },
    "smd.runs.image_sets": {"names_of", "of_split", "read"},
    "smd.runs.notes": {"Notes", "listed", "read"},
    "smd.config.validation": {"of_norm", "of_normalisation"},
    "smd.experiments.sweep": {"Member", "configs", "members"},
    "smd.data": {"Images", "arrays", "cached", "disk", "filenames", "find", "sources", "uploads"},
    "smd.data.disk": {"show"},
    "smd.data.browsing": {"Listing"},
    "smd.data.filenames": {"read"},
    "smd.data.sources": {"holds_arrays", "members"},  # of what `acts.source` found
    "smd.data.arrays": {"shape"},
    "smd.data.uploads": {"Upload", "check_room", "folder", "limit", "listed"},
    "smd.jobs": {"State", "Status", "elsewhere", "read"},
    "smd.report.page": {"report"},  # the text; writing a file of it acts
    "smd.store.query": {"ask", "tables"},  # reads a store in a process that can do nothing else
}
# Modules of smd that change nothing, whatever of them is called. One that is in neither list counts
# as acting.
PURE = {
    "analysis.agreement",
    "analysis.balanced",
    "analysis.clinical",
    "analysis.clinical_layout",
    "analysis.clinical_sources",
    "analysis.clinical_tables",
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
    "core.kinds",
    "core.schedule",
    "data.archive",
    "data.cautions",
    "data.decode",
    "data.file_kinds",
    "data.intensity",
    "data.layout",
    "data.leaks",
    "data.request",
    "data.scans",
    "data.spacing",
    "data.split",
    "data.validation",
    "errors",
    "evaluation.examples",
    "evaluation.final_margins",
    "experiments.published",
    "export",
    "files.foreign",
    "frames",
    "jobs.endings",
    "jobs.kinds",
    "jobs.overview",
    "jobs.system_metrics",
    "paths",
    "registry",
    "registry.recipes",
    "runs.job_titles",
    "runs.names",
    "several",
    "store.query_examples",
    "store.reader",
    "terminal.progress",
    "training.monitor_size",
    "units",
}
# of paths
WRITES = {"write_text", "write_bytes", "unlink", "rmdir", "mkdir", "symlink_to", "touch", "chmod"}
OUTSIDE = (
    "subprocess",
    "shutil",
    "os",
    "smd.files.durable",
    "smd.jobs.transitions",
    "smd.jobs.worker",
    "tempfile",
)
ALLOWED = {  # file -> what of OUTSIDE it may have
    "duration.py": {"subprocess"},  # called by acts alone
    "proxy_login.py": {"os.environ"},
    "login.py": {"os.environ", "os.path"},
    "main.py": {"os.environ"},
}


def files():
    return [path for path in sorted(APP.rglob("*.py")) if path.name != "actions.py"]


def names_of(tree):
    """Local name -> the module or thing that it stands for; of the app's own, its path from some
    package on."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = f"{node.module}." if node.module else ""
            found |= {alias.asname or alias.name: f"{start}{alias.name}" for alias in node.names}
    return found


def taken(tree):
    """Every thing of a module that a file names, with its whole path: "smd.runs.folders.delete"."""
    known = names_of(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in known
        ):
            yield f"{known[node.value.id]}.{node.attr}"
    yield from known.values()


def acting(tree):
    """What of these is an act, or may be one."""
    for name in taken(tree):
        if name.endswith("duration.probe") or (name.startswith("smd.") and not looks(name)):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):  # all of a module at once
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "smd")
        if isinstance(node, ast.Attribute) and node.attr in WRITES:
            yield node.attr


def looks(name):
    """Whether this thing of smd, or this module, is one to look with."""
    if name in LOOKS or any(
        f"smd.{pure}".startswith(f"{name}.") or name == f"smd.{pure}" for pure in PURE
    ):
        return True
    module, _, thing = name.rpartition(".")
    if module in LOOKS:
        return thing in LOOKS[module] or thing.isupper()  # a constant
    return any(name.startswith(f"smd.{pure}.") for pure in PURE)


@pytest.mark.parametrize("path", files(), ids=lambda p: p.name)
def test_only_acts_acts(path):
    tree = ast.parse(path.read_text())
    found = sorted(set(acting(tree)))
    assert not found, (
        f"{found}: call it through actions.py; if it changes nothing, name it in LOOKS or PURE"
    )
    known = names_of(tree)
    modules = {
        name
        for name in known.values()
        if name.startswith(OUTSIDE) and name.split(".")[0] in OUTSIDE
    }
    used = {
        name for name in taken(tree) if any(name == m or name.startswith(f"{m}.") for m in OUTSIDE)
    } - modules
    allowed = ALLOWED.get(path.name, set())
    assert not {
        name for name in used if not any(name == ok or name.startswith(f"{ok}.") for ok in allowed)
    }
    assert used or not modules


@pytest.mark.parametrize(
    "act",
    [
        "from smd.runs import folders\nfolders.delete(run)",
        "from smd.runs.folders import delete",
        "from smd.runs import folders as f\nf.create(c)",
        "from smd.jobs import launch\nact = launch.cancel",
        "from smd import data as sets\nsets.load('folder', path)",
        "from smd.runs import notes\nui.attempt(notes.change, run)",
        "from . import duration\nduration.probe(asked)",
        "from smd.experiments import sweep\nsweep.start(wanted)",
        "from smd.data import sources\nsources.find(path)",
        "from smd import located\nlocated.locate(run, path)",
        "from smd.jobs import worker",
        "import smd.files.durable",
        "import smd.runs.folders\nsmd.runs.folders.delete(run)",
        "(run.folder / 'notes.json').unlink()",
    ],
)
def test_an_act_elsewhere_would_be_found(act):
    assert set(acting(ast.parse(act)))


PUBLIC = [
    name
    for name, thing in vars(actions).items()
    if inspect.isfunction(thing)
    and thing.__module__ == "app.actions"
    and name[0] != "_"
    and name not in ("guarded", "button")
]


def test_every_act_is_guarded():
    functions = [
        node
        for node in ast.parse((APP / "actions.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    decorated = {
        f.name for f in functions if "guarded" in [ast.unparse(d) for d in f.decorator_list]
    }
    assert set(PUBLIC) == decorated
    assert len(PUBLIC) > 10


@pytest.fixture
def person(monkeypatch):
    """Somebody looks: call it with a role."""

    def looks(role, name="vera"):
        monkeypatch.setattr(login, "person", lambda: access.Person(name, role))

    return looks


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_no_act_is_for_viewers(name, role, person):
    person(role)
    with pytest.raises(UserError, match="You may look and export"):
        getattr(actions, name)(*[None] * len(inspect.signature(getattr(actions, name)).parameters))


def test_who_has_not_logged_in_does_nothing(monkeypatch):
    monkeypatch.setattr(login, "person", lambda: None)
    with pytest.raises(UserError):
        actions.train(TrainConfig())
    assert not login.may_act()


def test_runners_use_images_below_the_data_alone(person, tmp_path, monkeypatch):
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("SMD_DATA", str(root))
    person("runner")
    asked = TrainConfig(data="folder", data_path=str(tmp_path))
    for act in (
        lambda: actions.train(asked),
        lambda: actions.start_sweep([TrainConfig(), asked]),
        lambda: actions.probe(asked),
        lambda: actions.import_network(ImportConfig(file=str(tmp_path / "weights.pt"))),
        lambda: actions.source(str(tmp_path)),
        lambda: actions.suited_net(Request(str(tmp_path))),
        lambda: actions.known_images(Request(str(tmp_path)), 0.0),
        lambda: actions.import_images(print, Request(str(tmp_path))),
        lambda: actions.guessed_columns(Request(str(root), labels=str(tmp_path / "t.csv")), 0.0),
    ):
        with pytest.raises(UserError, match="lie below"):
            act()
    assert actions.source(str(root)) == root
    assert not list((Path(tmp_path) / "runs").glob("*"))


def test_without_a_login_all_paths_are_free(tmp_path):
    assert actions.source(str(tmp_path)) == tmp_path
    assert login.person() == login.FREE


def open_page(view, run):
    return paging.open_page(view, run=run.id)


VIEWS = (
    "train",
    "import",
    "live",
    "embedding",
    "margins",
    "samples",
    "attacks",
    "agreement",
    "compare",
    "figures",
    "query",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "view, kind",
    [
        *((view, "finished") for view in VIEWS),
        ("live", "failed"),
        ("live", "running"),
        ("train", "running"),
    ],
)
def test_a_viewer_has_no_button_that_acts(view, kind, person, request, monkeypatch):
    """Pressed are all that they can press: nothing is done, whichever these are."""
    run = kinds.make(kind, request)
    person("viewer")
    done = []
    monkeypatch.setattr(
        actions.login, "require_runner", lambda: done.append(1) or pytest.fail("an act was tried")
    )
    app = open_page(view, run)
    assert not app.exception
    # one of alike ones
    enabled = {button.label: button.key for button in app.button if not button.disabled}.values()
    typed = [
        field.key for field in [*app.text_input, *app.text_area, *app.toggle] if not field.disabled
    ]
    assert not [key for key in typed if key.startswith(("train-", "notes-", "pin-", "hide-"))]
    for key in enabled:
        if key in [button.key for button in app.button]:
            app.button(key=key).click().run()
        assert not app.exception
    assert done == []


def test_a_viewer_sees_no_form_and_why(person, request):
    run = kinds.make("finished", request)
    person("viewer")
    app = open_page("train", run)
    assert not [button for button in app.button if button.key == "train"]
    assert login.ONLY_LOOKING in [caption.value for caption in app.caption]
    assert any("vera, viewer" in caption.value for caption in app.sidebar.caption)


def test_without_a_login_nothing_is_said_of_it(request):
    run = kinds.make("finished", request)
    app = open_page("live", run)
    words = " ".join(str(element.value) for element in [*app.caption, *app.markdown])
    assert "runner" not in words and "viewer" not in words
    assert not any(button.disabled for button in app.button)
    assert "log-out" not in [button.key for button in app.button]


def test_starting_a_job_of_each_kind(person, monkeypatch, request):
    run = kinds.make("finished", request)
    person("runner")
    started = []
    monkeypatch.setattr(launch, "submit", started.append)
    for asked in (
        AttackConfig(run.id, n=10),
        EstimateConfig(run.id, n=10),
        EmbeddingConfig(run.id, n=10),
    ):
        actions.start(run, asked)
    assert [folder.parent.name for folder in started] == ["attacks", "margins", "maps"]
    actions.note(run, lambda before: Notes("seen"))


def test_a_job_remembers_who_started_it(person, monkeypatch):
    person("runner", "ada")
    run = actions.train(TrainConfig())
    assert run.status.started_by == "ada"
    assert "started by ada" in " ".join(caption.value for caption in open_page("live", run).caption)
    actions.cancel(run.folder)
    assert run.status.started_by == "ada"
    monkeypatch.setattr(login, "person", lambda: login.FREE)  # the login is switched off again
    actions.resume(run.folder)
    assert run.status.started_by == "ada"
    person("runner", "grace")
    actions.cancel(run.folder)
    actions.resume(run.folder)
    assert run.status.started_by == "grace"
    monkeypatch.setattr(login, "person", lambda: login.FREE)
    assert actions.train(TrainConfig()).status.started_by == ""

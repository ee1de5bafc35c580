"""The pages: links lead somewhere, commands and examples work, generated parts are as the code."""

import ast
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from smd.__main__ import parser
from smd.paths import AROUND as REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")])
MANUAL = [path for path in PAGES if path.name not in ("CHANGELOG.md", "CONTRIBUTING.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"https?://[^\s)>|]+")
# Commands that open the dashboard, make environments or take longer than a test may: of these it
# is only tested that they exist.
NOT_RUN = ("make ", "pip ", "streamlit ", "pytest")
# What the first training does by itself, in seconds rather than in a minute.
QUICKER = {"python -m smd train": "python -m smd train --epochs 2 --against std --n-margins 10"}


def name_of(path):
    return str(path.relative_to(REPOSITORY))


def prose(text):
    """A page without its code, where nothing is a link."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def anchors(path):
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}


def blocks(path, *languages):
    """The code blocks of a page in one of these languages."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


def commands(block):
    """The commands of a shell block, without comments, a continued one on one line."""
    lines = block.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [command for command in words if command]


def shell(path):
    return [command for block in blocks(path, "sh") for command in commands(block)]


def problem(page, target):
    """What is wrong with a link on a page; "" for one that leads somewhere."""
    address, _, anchor = target.partition("#")
    if address.startswith("http"):
        return ""
    path = (page.parent / address).resolve() if address else page
    if not path.exists():
        return f"{target}: there is no such file"
    if anchor and anchor not in anchors(path):
        return f"{target}: there is no such heading"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page):
    targets = LINK.findall(prose(page.read_text(encoding="utf-8")))
    assert [p for target in targets if (p := problem(page, target))] == []


@pytest.mark.parametrize(
    "target, wrong",
    [
        ("README.md", False),
        ("README.md#two-commands", False),
        ("README.md#three-commands", True),
        ("docs/nowhere.png", True),
        ("#nowhere", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(target, wrong):
    assert bool(problem(REPOSITORY / "README.md", target)) == wrong


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_addresses_are_secure_and_real(page):
    addresses = ADDRESS.findall(prose(page.read_text(encoding="utf-8")))
    outside = [a for a in addresses if not a.startswith("http://localhost")]
    assert [a for a in outside if not a.startswith("https://")] == []
    assert [a for a in outside if re.search(r"example\.|TODO|your-|OWNER|[<{]", a)] == []


def test_readme_is_short_and_leads_to_every_page():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    reached = {(REPOSITORY / target).resolve() for target in LINK.findall(text)}
    index = DOCS / "index.md"
    reached |= {(DOCS / t).resolve() for t in LINK.findall(index.read_text(encoding="utf-8"))}
    assert [name_of(p) for p in PAGES if p not in reached and p != index] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_block_exists(page):
    rules = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for command in shell(page):
        if command[0] == "make":
            assert re.search(rf"^{command[1]}:", rules, re.MULTILINE), command
        if command[:3] == ["python", "-m", "smd"]:
            parser().parse_args(command[3:])  # ends the test with its message if it is wrong
        if command[:2] == ["streamlit", "run"]:
            assert (REPOSITORY / command[2]).exists(), command


@pytest.mark.slow
def test_the_shell_blocks_of_readme_run(tmp_path):
    """In their order, as a person would run them; the training ends with its table."""
    environment = {**os.environ, "SMD_RUNS": str(tmp_path / "runs")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    printed = ""
    for block in blocks(REPOSITORY / "README.md", "sh"):
        lines = [QUICKER.get(x, x) for x in block.splitlines() if not x.startswith(NOT_RUN)]
        done = subprocess.run(
            ["bash", "-ec", "\n".join(lines)],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    assert re.search(r"\bSMD .*\d\d\.\d\d\n.*\bSTD .*\d\d\.\d\d", printed), printed


EXAMPLES = [
    pytest.param(code, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, code in enumerate(blocks(page, "python"))
]


def given():
    """What the pages' examples leave to their reader: a network, its optimizer and images."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, y = torch.rand(16, 1, 28, 28), torch.arange(16) % 10
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    return {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), 1e-3),
        "data": TensorDataset(x, y),
        "x_test": x[:4],
        "y_test": y[:4],
    }


@pytest.mark.slow
@pytest.mark.parametrize("code", EXAMPLES)
def test_python_blocks_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "<block>", "exec"), {"__name__": "__main__", **given()})


def generate():
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_generated_parts_are_as_the_code():
    pages = generate().pages()
    generated = {"api.md", "architecture.md", "command-line.md"}
    generated |= {"own-images.md", "own-networks.md"}
    assert {path.name for path in pages} == generated
    old = [name_of(p) for p, text in pages.items() if p.read_text(encoding="utf-8") != text]
    assert old == [], "run `python docs/generate.py`"


def test_the_tree_has_every_module_and_what_it_is():
    tree = generate().tree()
    sources = [p for room in ("smd", "app") for p in (REPOSITORY / room).rglob("*.py")]
    modules = [p for p in sources if p.name != "__init__.py"]
    lines = [line.split(maxsplit=1) for line in tree.splitlines()[1:-1]]
    assert len([line for line in lines if line[0].endswith(".py")]) == len(modules)
    assert [line[0] for line in lines if len(line) < 2] == []


def test_every_page_is_in_the_side_bar():
    tree = ast.parse((DOCS / "conf.py").read_text(encoding="utf-8"))
    (contents,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "CONTENTS"
    )
    listed = [
        (DOCS / f"{page}.md").resolve() for part in contents.values() for page in part.split()
    ]
    assert sorted(listed) == [path for path in PAGES if path != REPOSITORY / "README.md"]


def test_the_extra_for_docs_is_what_make_docs_installs():
    lines = (DOCS / "requirements.txt").read_text(encoding="utf-8").splitlines()
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert extras["docs"] == [line for line in lines if not line.startswith("#")]


def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="`make docs` installs it")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-c", DOCS, REPOSITORY, tmp_path / "site"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "docs" / "evaluation.html").exists()

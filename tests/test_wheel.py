"""The package as people install it: its content, and its use outside of any checkout."""

import json
import os
import re
import shutil
import signal
import site
import socket
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from contextlib import closing

import pytest
from waiting import until

from smd import __version__
from smd.__main__ import main
from smd.paths import AROUND as REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
OPENED = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
import smd_app
page = AppTest.from_file(str(Path(smd_app.__file__).with_name("dashboard.py")), default_timeout=60)
page.run()
print([title.value for title in page.title], [str(error.value) for error in page.exception])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the files of this checkout without asking the net."""
    out = tmp_path_factory.mktemp("wheel")
    words = ["wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(out)]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=REPOSITORY, check=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment with the wheel, and this one's packages under it."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)
    (library,) = place.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(library)
    (library / "packages.pth").write_text("\n".join(site.getsitepackages()))
    program = place / "bin" / "smd"
    program.write_text(
        f"#!{place / 'bin' / 'python'}\nfrom smd.__main__ import command\ncommand()\n"
    )
    program.chmod(0o755)
    return place / "bin"


@pytest.fixture
def use(installed, tmp_path):
    """Run a program of that environment in an empty folder, as a user who has set nothing."""
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}

    def run(program, *words, **options):
        command = [str(installed / program), *map(str, words)]
        return subprocess.Popen(
            command, cwd=home, env=own, text=True, stdout=subprocess.PIPE, **options
        )

    return run


def said(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    return out


def test_nothing_secret_is_packed(tmp_path):
    """The secrets of a login that is set up in a checkout stay there."""
    for name in ("smd", "app", ".streamlit", "pyproject.toml", "README.md", "LICENSE"):
        place = REPOSITORY / name
        copy = shutil.copytree if place.is_dir() else shutil.copy
        copy(place, tmp_path / name)
    for folder in (".streamlit", "app/.streamlit"):
        (tmp_path / folder / "secrets.toml").write_text("[auth]")
    subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=tmp_path, check=True)
    (wheel,), (source,) = (tmp_path / "dist").glob("*.whl"), (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(source) as packed:
        names = [*zipfile.ZipFile(wheel).namelist(), *packed.getnames()]
    assert len([name for name in names if name.endswith("config.toml")]) == 3
    assert not [name for name in names if "secrets" in name]


def test_every_package_it_needs_is_in_the_notices():
    noted = (REPOSITORY / "THIRD_PARTY_NOTICES.md").read_text()
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["gpu"], *extras["login"]]
    names = [re.split("[<>=]", each)[0] for each in needed]
    assert [name for name in names if name not in noted] == []


def test_the_citation_is_of_this_version():
    cited = (REPOSITORY / "CITATION.cff").read_text().splitlines()
    assert f"version: {__version__}" in cited


def test_it_holds_the_package_and_the_dashboard_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"smd", "smd_app", f"smd_studio-{__version__}.dist-info"}
    assert {
        "smd/py.typed",
        "smd/data/digits.npz",
        "smd/experiments/published.csv",
        "smd/runs/example.zip",
        "smd_app/icon.png",
        "smd_app/main.py",
        "smd_app/.streamlit/config.toml",
        f"smd_studio-{__version__}.dist-info/licenses/LICENSE",
        f"smd_studio-{__version__}.dist-info/licenses/THIRD_PARTY_NOTICES.md",
    } <= set(names)
    python = {name for name in names if name.endswith(".py")}
    places = {"smd": "smd", "app": "smd_app"}
    here = {
        f"{installed}/{path.relative_to(REPOSITORY / folder)}"
        for folder, installed in places.items()
        for path in (REPOSITORY / folder).rglob("*.py")
    }
    assert python == here


def test_the_requirements_are_the_same_in_both_files():
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    listed = {line.partition("#")[0].strip() for line in lines} - {""}
    assert listed == {*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]}


@pytest.mark.slow
def test_a_network_is_trained_attacked_and_listed_outside_the_checkout(use, tmp_path):
    words = ["--epochs", 1, "--n-train", 100, "--n-test", 20, "--n-margins", 0]
    assert "SMD" in said(use("smd", "train", *words))
    assert "CE-PGD" in said(use("smd", "attack", "last", "--n", 10, "--eps", "8/255"))
    (run,) = (tmp_path / "home" / ".local" / "share" / "smd-studio" / "runs").glob("2*")
    listed = json.loads(said(use("smd", "runs", "--format", "json")))
    assert listed[0]["run"] == run.name
    assert listed[0]["state"] == "finished"
    about = json.loads((run / "provenance.json").read_text())
    assert about["commit"] is None  # a repository around the environment is somebody else's
    assert len(said(use("python", "-P", "-c", OPENED)).split("[]")) == 2


@pytest.mark.slow
def test_a_queued_run_is_trained_in_the_background(use, tmp_path):
    words = ["--epochs", 1, "--n-train", 100, "--n-test", 20, "--n-margins", 0, "--background"]
    name = said(use("smd", "train", *words)).strip()
    status = tmp_path / "home/.local/share/smd-studio/runs" / name / "status.json"
    until(lambda: json.loads(status.read_text())["state"] in ("finished", "failed"), "the run")
    assert json.loads(status.read_text())["state"] == "finished"


@pytest.mark.slow
def test_the_dashboard_is_served_from_any_folder(use):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = use("smd", "app", "--port", port, "--", "--server.headless=true")

    def answers():
        assert process.poll() is None
        try:
            url = f"http://localhost:{port}/_stcore/health"
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        until(answers, "the dashboard")
    finally:
        process.send_signal(signal.SIGINT)  # Ctrl-C
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"http://localhost:{port}" in out


def test_what_is_missing_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("smd.cli.app.find_spec", lambda name: None)
    assert main(["app"]) == 1
    assert "-m pip install streamlit" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr("smd.cli.app.CHECKOUT", tmp_path)
    assert main(["app"]) == 1
    assert f"{tmp_path}/app/main.py is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_commands_and_places_are_told_as_they_are_there(use):
    told = said(use("smd", "--help"))
    assert "usage: smd " in told
    assert "~/.local/share/smd-studio/runs" in told
    process = use("smd", "attack", "last", stderr=subprocess.STDOUT)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "python -m" not in out


def test_the_python_on_the_path_may_have_a_module_of_the_same_name_in_its_folder(use, tmp_path):
    """What lies in the folder where a command is typed is never run."""
    (tmp_path / "home" / "smd.py").write_text("raise SystemExit('not me')")
    (tmp_path / "home" / "data.py").write_text("raise SystemExit('nor me')")
    assert "SMD Studio" in said(use("smd", "--version"))

"""The package as people install it: its content, and its use outside of any checkout."""

import json
import os
import site
import socket
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from contextlib import closing

import pytest
from waiting import until

from smd import __version__
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


def test_it_holds_the_package_and_the_dashboard_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"smd", "smd_app", f"smd_studio-{__version__}.dist-info"}
    assert {
        "smd/py.typed",
        "smd/data/digits.npz",
        "smd/experiments/published.csv",
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


def test_a_queued_run_is_trained_in_the_background(use, tmp_path):
    words = ["--epochs", 1, "--n-train", 100, "--n-test", 20, "--n-margins", 0, "--background"]
    name = said(use("smd", "train", *words)).strip()
    status = tmp_path / "home/.local/share/smd-studio/runs" / name / "status.json"
    until(lambda: json.loads(status.read_text())["state"] in ("finished", "failed"), "the run")
    assert json.loads(status.read_text())["state"] == "finished"


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
        process.terminate()
        out, _ = process.communicate(timeout=30)
    assert f"http://localhost:{port}" in out


def test_the_python_on_the_path_may_have_a_module_of_the_same_name_in_its_folder(use, tmp_path):
    """What lies in the folder where a command is typed is never run."""
    (tmp_path / "home" / "smd.py").write_text("raise SystemExit('not me')")
    (tmp_path / "home" / "data.py").write_text("raise SystemExit('nor me')")
    assert "SMD Studio" in said(use("smd", "--version"))

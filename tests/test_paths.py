"""Where things lie: beside the code in a checkout, with the user where the package is installed."""

from pathlib import Path

import pytest

from smd import paths
from smd.paths import AROUND as REPOSITORY


def a_place(folder, *files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_this_is_a_checkout():
    assert paths._checkout(REPOSITORY) == REPOSITORY


@pytest.mark.parametrize(
    "files", [(), ("smd_app/main.py",), ("smd_app/main.py", "app/main.py")], ids=len
)
def test_an_environment_is_none_whatever_else_is_installed(tmp_path, files):
    """`app/main.py` is what many call theirs."""
    assert paths._checkout(a_place(tmp_path, *files)) is None


@pytest.mark.parametrize("name", ["runs", "data"])
@pytest.mark.parametrize("base", [None, "elsewhere"])
def test_help_says_where_an_installed_package_keeps_things(tmp_path, monkeypatch, name, base):
    monkeypatch.setattr(paths, "CHECKOUT", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(f"SMD_{name.upper()}", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if base:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / base))
    root = {"runs": paths.runs_root, "data": paths.data_root}[name]()
    assert root == tmp_path / (base or ".local/share") / "smd-studio" / name
    assert Path(paths.usual(name)).expanduser() == root


def test_help_says_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SMD_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert paths.usual("cache") == "~/.cache/smd-studio"
    assert Path(paths.usual("cache")).expanduser() == paths.cache_root()


def test_a_checkout_keeps_its_runs_and_data(monkeypatch):
    for name in ("runs", "data"):
        monkeypatch.delenv(f"SMD_{name.upper()}", raising=False)
        assert paths.usual(name) == f"{name}/"
    assert (paths.runs_root(), paths.data_root()) == (REPOSITORY / "runs", REPOSITORY / "data")

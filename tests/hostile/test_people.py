"""Several people on one machine.

A folder that a group shares, one that others only look at, users without a home.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import making_stranger
import pytest
from making_machines import as_user, mounts, read_only
from paging import switch
from streamlit.testing.v1 import AppTest

from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import schema

pytestmark = pytest.mark.slow

GROUP, ANNA, BEN = 54321, 54322, 54323
ALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from smd import jobs, paths
from smd.config.schema import TrainConfig
from smd.__main__ import main
from smd.runs import folders
paths.share()
runs_made = [folders.create(TrainConfig(device="cpu")) for _ in range(int(sys.argv[2]))]
codes = [main(words) for words in json.loads(sys.argv[3])]
print("codes", codes, [run.status.state for run in folders.all_runs()])
"""


@pytest.fixture
def place():
    """A folder that everybody can enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="people-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def shared(folder, mode):
    folder.mkdir()
    os.chown(folder, 0, GROUP)
    folder.chmod(mode)
    return str(folder)


def acts(user, made, *commands, **env):
    """(the line that says how all went, what was said on stderr) of one user's commands, in one
    process."""
    code = [
        sys.executable,
        "-c",
        ALL,
        REPOSITORY,
        made,
        str(list(map(list, commands))).replace("'", '"'),
    ]
    command = as_user(user, GROUP, *code, **env)
    done = subprocess.run(
        command, cwd="/", capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1], done.stderr


def test_a_group_goes_on_with_each_others_runs(place):
    env = {"SMD_RUNS": shared(place / "runs", 0o2775), "SMD_CACHE": shared(place / "cache", 0o2775)}
    said, errors = acts(ANNA, 1, ["runs"], **env)
    assert (said, errors) == ("codes [0] ['queued']", "")
    for path in [*Path(env["SMD_RUNS"]).rglob("*")]:
        assert path.stat().st_gid == GROUP
        assert path.stat().st_mode & 0o060 == 0o060, path
    said, errors = acts(BEN, 0, ["note", "last", "--text", "mine too"], ["cancel", "last"], **env)
    assert (said, errors) == ("codes [0, 0] ['cancelled']", "")
    said, errors = acts(ANNA, 0, ["delete", "last", "--yes"], **env)
    assert (said, errors) == ("codes [0] []", "")


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_others_can_look_and_are_told_what_they_cannot_do(place, mode):
    env = {"SMD_RUNS": shared(place / "runs", 0o777)}
    assert acts(ANNA, 1, ["cancel", "last"], **env)[0] == "codes [0] ['cancelled']"
    Path(env["SMD_RUNS"]).chmod(mode)
    commands = (
        ["runs"],
        ["note", "last", "--text", "x"],
        ["resume", "last"],
        ["delete", "last", "--yes"],
    )
    said, errors = acts(BEN, 0, *commands, **env)
    assert said == "codes [0, 1, 1, 1] ['cancelled']"
    lines = errors.strip().splitlines()
    assert len(lines) == 3
    assert all("is not yours to" in line for line in lines)


def test_the_jobs_of_two_users_use_a_device_in_turn(place):
    env = {"SMD_RUNS": shared(place / "runs", 0o2775)}
    hold = (
        "import sys; sys.path.insert(0, sys.argv[1]); from smd.jobs.locks import device_lock;"
        "lock = device_lock('cpu'); print(lock.acquire(wait=False), flush=True); input()"
    )
    words = [sys.executable, "-c", f"import os; os.umask(0o077); exec({hold!r})", REPOSITORY]
    users = [
        subprocess.Popen(
            as_user(user, GROUP, *words, **env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
        )
        for user in (ANNA, BEN)
    ]
    answers = [user.stdout.readline() for user in users]
    for user in users:
        user.communicate(b"\n")
    assert sorted(answers) == [b"False\n", b"True\n"]


@pytest.mark.parametrize(
    "home", [{}, {"HOME": "/"}, {"HOME": "/nonexistent"}, {"HOME": "/root"}, {"HOME": ""}]
)
def test_a_user_without_name_and_home_works_all_the_same(place, home):
    env = {"SMD_RUNS": shared(place / "runs", 0o777), "TMPDIR": str(place / "temporary"), **home}
    (place / "temporary").mkdir()
    (place / "temporary").chmod(0o1777)
    said, errors = acts(ANNA, 1, ["runs"], ["cancel", "last"], **env)
    assert (said, errors) == ("codes [0, 0] ['cancelled']", "")


def test_a_user_who_can_write_nowhere_is_told_so_in_a_sentence(place):
    env = {"SMD_RUNS": str(place / "runs"), "TMPDIR": "/nonexistent"}
    said, errors = acts(ANNA, 0, ["runs"], ["train", "--background"], **env)
    assert said == "codes [0, 1] []"
    assert len(errors.strip().splitlines()) == 1
    assert "is not yours to use" in errors


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


@mounts
def test_runs_that_can_only_be_looked_at_are_shown_on_every_page_which_say_so_once(own_runs):
    run = making_stranger.run(own_runs, "20240101-000001-digits-smd-900d")
    with duckdb.connect(str(run / "run.duckdb")) as con:  # of the version before this one
        con.execute("".join(schema.STEPS[:-1]))
        con.execute("INSERT INTO meta VALUES ('schema', ?)", [str(schema.VERSION - 1)])
    before = {path: path.read_bytes() for path in own_runs.rglob("*") if path.is_file()}
    with read_only(own_runs):
        app = AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60)
        app.query_params["run"] = run.name
        app.run()
        for view in VIEWS:
            switch(app, view)
            assert not app.exception, view
            assert sum("can only be looked at" in info.value for info in app.info) == 1
            assert [e.value for e in app.error] == [], view
        with pytest.raises(UserError, match="read-only"):
            folders.create(TrainConfig(device="cpu"))
    assert {path: path.read_bytes() for path in own_runs.rglob("*") if path.is_file()} == before

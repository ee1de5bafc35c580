"""Pages beside a broken run.

It is shown with a sentence, all others as they are, and nothing ends in an error.
"""

import pytest
from paging import open_page

from tests.hostile import making_stores
from tests.hostile import making_stranger as making

pytestmark = pytest.mark.slow

BAD, GOOD = "20240101-000000-digits-smd-0bad", "20240101-000001-digits-smd-900d"
CASES = [
    ("config.json", "params", []),
    ("config.json", "defense", None),
    ("config.json", "seed", {}),
    ("config.json", "epochs", 10**30),
    ("config.json", "data", ["digits"]),
    ("config.json", "levels", 1),
    ("status.json", "created", 1e308),
    ("status.json", "created", True),
    ("status.json", "device", "a/b"),
    ("status.json", "stage", "x\x00"),
    ("status.json", "pid", 10**30),
    ("status.json", "state", []),
    ("notes.json", "tags", {"a": 1}),
    ("notes.json", "text", ["# x"]),
    ("notes.json", "pinned", "yes"),
]


def opened(view):
    return open_page(view, run=BAD)


@pytest.fixture
def bad(own_runs):
    making.run(own_runs, GOOD)
    return making.run(own_runs, BAD)


@pytest.mark.parametrize(("file", "field", "value"), CASES)
def test_a_wrong_value_breaks_no_page(bad, file, field, value):
    import json

    making.dump(bad / file, {**json.loads((bad / file).read_text()), field: value})
    for view in ("train", "live", "compare"):
        opened(view)


@pytest.mark.parametrize(
    "raw",
    [b'{"created": NaN}', making.DEEP.encode(), b"\xff", b""],
    ids=["nan", "deep", "utf", "none"],
)
def test_nor_does_a_file_that_is_no_json(bad, raw):
    for file in ("config.json", "status.json"):
        (bad / file).write_bytes(raw)
    for view in ("train", "live", "compare", "attacks"):
        opened(view)


@pytest.mark.parametrize("thing", ["link", "pipe", "folder", "device"])
def test_nor_does_what_is_no_file(bad, tmp_path, thing):
    (tmp_path / "victim").write_text("{}")
    for file in ("status.json", "notes.json", "log.txt", "run.duckdb"):
        making.put(bad / file, thing, tmp_path / "victim")
    for view in ("train", "live", "compare"):
        opened(view)


@pytest.mark.parametrize("case", ["epochs are a view", "a macro named as a function", "version -3"])
def test_nor_does_a_store_of_another_making(bad, case):
    making_stores.store(bad / "run.duckdb", making_stores.STATEMENTS[case])
    for view in ("train", "live", "compare", "margins", "attacks", "query"):
        opened(view)

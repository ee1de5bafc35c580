"""Every query of the store yields the rows that stand beside it."""

import importlib
import pkgutil
import re
import types
from typing import get_args, get_origin, get_type_hints

import numpy as np
import pytest
from storing import N, attack, epoch

from smd import store
from smd.store import attack_tables, reader
from smd.store.records import (
    EmbeddingRecord,
    EstimateRecord,
    Margins,
    Points,
    ScoreRecord,
    Scores,
    StageRecord,
)
from smd.store.run_tables import frame
from smd.store.sql import Query, bin255
from smd.store.writer import Recorder
from smd.units import bin255 as bin_in_python

VALUES = {  # of every name that a query asks for
    "attack_id": "one",
    "bins": 16,
    "embedding_id": "map",
    "end": 4,
    "epoch": 4,
    "epochs": 30,
    "eps": 8 / 255,
    "estimate_id": "own",
    "ids": [0, 1],
    "idx": 1,
    "levels": [0.0, 8 / 255],
    "name": "weight",
    "norm": "Linf",
    "picked": False,
    "weights": "last",
    "split": "test",
    "score_id": "scores",
    "start": 4,
}
NAMES = re.compile(r"\$(\w+)")
KINDS = {int: "iu", float: "f", bool: "b", str: "OTU", list: "O"}  # numpy's letters
ABOUT = {
    "seed": 0,
    "split": "test",
    "n": 2,
    "package": "smd",
    "version": "1",
    "seconds": 1.0,
    "job": "job",
    "created": 1.0,
}


def queries():
    """Name -> query, of all modules of the store."""
    found = {}
    for module in pkgutil.iter_modules(store.__path__, "smd.store."):
        if module.name.endswith("_tables"):
            room = importlib.import_module(module.name)
            own = {f"{module.name}.{k}": v for k, v in vars(room).items() if isinstance(v, Query)}
            found |= own
    return found


QUERIES = queries()


@pytest.fixture
def path(finished):
    """A finished run's store, with an attack, an estimate and an embedding besides."""
    path = finished[0].store
    recorder = Recorder(path)
    recorder.epoch(epoch(4, states={"weight": np.ones(N)}))
    stages = (StageRecord("ce", 2, 1, 1.0),)
    attack(recorder, id="one", ok=(1, 0), stage=(-1, 1), stages=stages, flags={"square": "2 %"})
    idx, yes = np.arange(2), np.ones(2, bool)
    estimate = EstimateRecord(id="own", method="pgd", eps=0.1, norm="Linf", **ABOUT)
    recorder.estimate(estimate, Margins(idx, np.float32([0.1, 0.2]), yes, yes))
    proof = EstimateRecord(id="proven", method="certified", eps=0.0, norm="Linf", **ABOUT)
    recorder.estimate(proof, Margins(idx, np.float32([0.05, 0.1]), yes, ~yes))
    smooth = EstimateRecord(id="smooth", method="smoothing", eps=0.25, norm="L2", **ABOUT)
    recorder.estimate(smooth, Margins(idx, np.float32([0.05, 0.1]), yes, ~yes))
    embedding = EmbeddingRecord(id="map", pairs=0, eps=0.1, **ABOUT)
    spots = np.float32([0, 1])
    recorder.embedding(embedding, Points(idx, ~yes, spots, spots, idx, yes))
    score = ScoreRecord(id="scores", eps=0.1, norm="Linf", steps=5, **ABOUT)
    recorder.score(score, Scores(idx, np.float32([[1, -1], [-2, 2]])))
    recorder.flush()
    return path


def differences(table, row):
    """What a frame's columns have against a row type; empty where they agree."""
    hints = get_type_hints(row)
    if list(table.columns) != list(hints):
        return [f"{list(table.columns)} are not {list(hints)}"]
    return [
        f"{name} is {table[name].dtype}, not {hint}"
        for name, hint in hints.items()
        if table[name].dtype.kind not in letters(hint)
    ]


def letters(hint):
    """The kinds of column that hold such values; whole numbers with gaps come as floats."""
    if isinstance(hint, types.UnionType):
        assert get_args(hint)[1] is types.NoneType
        return KINDS[get_args(hint)[0]] + "f"
    return KINDS[get_origin(hint) or hint]


@pytest.mark.slow
def test_every_query_yields_its_rows(path):
    tables = {
        name: frame(path, query, **{key: VALUES[key] for key in NAMES.findall(query.text)})
        for name, query in QUERIES.items()
    }
    wrong = {name: differences(tables[name], query.row) for name, query in QUERIES.items()}
    assert {name: said for name, said in wrong.items() if said} == {}
    assert len(tables) > 25
    empty = [name for name, table in tables.items() if table.empty]
    # the digits are no files, and nothing tells groups of them
    assert empty == ["smd.store.run_tables.PATHS", "smd.store.score_tables.GROUPS"]


def test_what_is_added_to_rows_is_declared_too(path):
    assert differences(reader.attack_table(path), attack_tables.AccuracyRow) == []
    assert differences(reader.image_verdicts(path), attack_tables.ImageVerdictRow) == []


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"idx": int, "n": int}, {"idx": float, "kind": str}])
def test_another_column_or_kind_would_be_seen(path, wrong):
    table = reader.margins(path, 1)[["idx", "kind"]]
    assert differences(table, types.SimpleNamespace(__annotations__=wrong, __mro__=())) != []


def test_bins_are_the_same_in_sql_and_in_python(path):
    steps = np.arange(256, dtype=np.float32) / np.float32(255)
    query = Query(dict, f"SELECT {bin255()} AS bin FROM (SELECT unnest($margins::FLOAT[]) margin)")
    assert list(frame(path, query, margins=steps.tolist())["bin"]) == [*bin_in_python(steps)]
    assert [*bin_in_python(steps)] == [*range(256)]


def test_no_other_place_knows_the_shift():
    """What a bin is stands in units alone, and in SQL made from it."""
    import smd.paths

    own = {"units.py", "literal.py"}  # a benchmark follows the paper's text on its own
    pattern = re.compile(r"255 \+ (1e-4|0\.0001)|floor\(.*1e-4")
    users = {
        p.name
        for room in ("smd", "app")
        for p in (smd.paths.AROUND / room).rglob("*.py")
        if pattern.search(p.read_text(encoding="utf-8"))
    }
    assert users <= own

"""What holds for any JSON in a run's files and for any files among own images, tried on a few of
each."""

import json

import making_images as making
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smd import jobs
from smd.config import schema
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, TrainConfig
from smd.data import file_kinds, filenames, layout, load
from smd.errors import UserError
from smd.runs import folders as runs
from tests.hostile import making_stranger as stranger

FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KINDS = {
    kind: schema.to_json(kind() if kind is TrainConfig else kind("last"))
    for kind in (TrainConfig, AttackConfig, EstimateConfig, EmbeddingConfig)
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bad(own_runs):
    return runs.Run("20240101-000000-digits-smd-0bad", stranger.run(own_runs))


def changed(right):
    """The object with any values in some of its fields, and perhaps fields more."""
    some = st.dictionaries(st.sampled_from(sorted(right)), ANY, max_size=3)
    more = st.dictionaries(st.text(max_size=8), ANY, max_size=1)
    return st.tuples(some, more).map(lambda two: right | two[1] | two[0])


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(st.data())
def test_a_config_is_read_as_it_can_be_written_or_refused(bad, kind, data):
    stranger.dump(bad.folder / "config.json", data.draw(changed(KINDS[kind])))
    try:
        found = schema.read(kind, bad.folder / "config.json")
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert schema.from_json(kind, json.loads(json.dumps(schema.to_json(found)))) == found


STATUS = (
    "schema",
    "kind",
    "state",
    "created",
    "started",
    "ended",
    "heartbeat",
    "pid",
    "done",
    "total",
    "eta",
    "error",
)


@FEW
@given(st.dictionaries(st.sampled_from(STATUS), ANY))
def test_a_status_is_read_whatever_it_says(bad, said):
    stranger.dump(bad.folder / "status.json", said)
    found = jobs.read(bad.folder)
    assert found.state in ("queued", "running", "finished", "cancelled", "failed", "lost")
    assert 0 <= found.created < jobs.LATEST
    assert isinstance(found.error, str)


@FEW
@given(st.sets(st.integers(0, 5)))
def test_leaving_out_any_broken_files_is_as_if_they_were_not_there(tmp_path_factory, broken):
    tmp = tmp_path_factory.mktemp("broken")
    files = {
        f"{name}/{i}.png": making.picture(10 * i + len(name))
        for name in ("a", "bb")
        for i in range(6)
    }
    spoilt = {f"a/{i}.png" for i in broken} | {f"bb/{i}.png" for i in broken if i % 2}
    source = making.zip_of(
        tmp / "own.zip", {name: b"" if name in spoilt else files[name] for name in files}
    )
    if len(broken) == 6:
        with pytest.raises(UserError, match="class 'a' would be without"):
            load("folder", str(source), skip_broken=True)
        return
    rest = making.zip_of(
        tmp / "rest.zip", {name: data for name, data in files.items() if name not in spoilt}
    )
    found, wanted = load("folder", str(source), skip_broken=True), load("folder", str(rest))
    for kept in ("pixels", "labels", "split"):
        np.testing.assert_array_equal(getattr(found, kept), getattr(wanted, kept))
    n = 12 - len(spoilt)
    assert filenames.read(found.key, n) == filenames.read(wanted.key, n)
    assert bool(found.notes) == bool(spoilt)


WORDS = st.sampled_from(["cat", "dog", "images", "train", "training_set", "test", "data"])


@FEW
@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=12))
def test_any_tree_is_planned_whole_or_refused_in_a_sentence(folders):
    paths = {f"{'/'.join(parts)}/{k}.png" for k, parts in enumerate(folders)}
    try:
        plan = layout.plan(paths, "here")
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert set(plan.names) == paths
    for name, label, split in zip(plan.names, plan.labels, plan.split, strict=True):
        parts = name.split("/")[:-1]
        assert plan.classes[label] in parts
        assert split == 0 or split in {file_kinds.split_of(part) for part in parts}


def test_a_field_whose_name_is_a_line_break_is_told_in_one_line(bad):
    stranger.dump(bad.folder / "config.json", KINDS[AttackConfig] | {"\n": 1})
    with pytest.raises(UserError, match=r"does not know: '\\n'\.$"):
        schema.read(AttackConfig, bad.folder / "config.json")

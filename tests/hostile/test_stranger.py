"""A run folder from elsewhere.

What lies in it is neither followed nor waited for, and harms no other run.
"""

import json
import random

import pytest

from smd import jobs
from smd.config import schema
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, TrainConfig
from smd.errors import UserError
from smd.evaluation import examples, final_margins
from smd.files import foreign
from smd.jobs import launch, logs, worker
from smd.runs import folders, image_sets, notes, provenance
from smd.runs.job_titles import job_title
from tests.conftest import smd
from tests.hostile import making_stranger as making

SECRET = "SECRET-of-this-user"


@pytest.fixture
def victim(tmp_path):
    """A file of the user's own that no run may show or change."""
    path = tmp_path / "victim"
    path.write_text(
        json.dumps(
            {"text": SECRET, "tags": [SECRET], "state": SECRET, "data": SECRET, "commit": SECRET}
        )
    )
    return path


@pytest.fixture
def bad(own_runs):
    return folders.Run("20240101-000000-digits-smd-0bad", making.run(own_runs))


def looked_at(run):
    """All that pages and commands read of a run's small files, as one text; what is refused is its
    sentence."""
    reads = [
        lambda: run.config,
        lambda: run.status,
        lambda: notes.read(run),
        lambda: image_sets.read(run),
        lambda: run.about,
        lambda: logs.tail(run.log),
        lambda: final_margins.read(run.folder),
        lambda: job_title(run.folder),
        lambda: folders.all_runs(),
        lambda: worker.queued(),
        lambda: examples.names(run.folder),
    ]
    return "\n".join(map(told, reads))


def told(read):
    try:
        return repr(read())
    except UserError as error:
        assert "Traceback" not in str(error)
        return str(error)


FILES = [
    "config.json",
    "status.json",
    "notes.json",
    "image-sets.json",
    "provenance.json",
    "log.txt",
    "final-margins.json",
]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("thing", making.THINGS)
def test_what_is_no_ordinary_file_is_neither_followed_nor_waited_for(bad, victim, file, thing):
    making.put(bad.folder / file, thing, victim)
    before = victim.read_text()
    assert SECRET not in looked_at(bad)
    launch.wake_all()
    assert victim.read_text() == before


@pytest.mark.parametrize("thing", making.THINGS)
def test_the_opener_says_what_lies_there(tmp_path, victim, thing):
    making.put(tmp_path / "file", thing, victim)
    with pytest.raises(UserError, match=r"no ordinary file"):
        foreign.content(tmp_path / "file")


def test_an_ordinary_file_is_read_and_a_long_one_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert foreign.content(tmp_path / "file", 5) == b"12345"
    with pytest.raises(UserError, match="larger"):
        foreign.content(tmp_path / "file", 4)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="larger"):
        foreign.json_object(tmp_path / "huge")


@pytest.mark.parametrize("thing", ["link", "dangling", "folder", "socket"])
def test_a_lock_that_is_no_file_is_refused(bad, victim, thing):
    making.put(bad.folder / ".lock", thing, victim)
    with pytest.raises(UserError, match="no ordinary file"):
        notes.write(bad, notes.Notes("mine"))
    assert not victim.with_name("gone").exists()


def test_a_pipe_as_lock_blocks_nobody(bad, victim):
    making.put(bad.folder / ".lock", "pipe", victim)
    assert notes.write(bad, notes.Notes("mine")).text == "mine"


@pytest.mark.parametrize("kind", ["attacks", "margins", "maps"])
def test_folders_of_jobs_that_are_links_are_left_alone(bad, tmp_path, kind):
    elsewhere = making.run(tmp_path / "elsewhere")
    (bad.folder / kind).symlink_to(elsewhere.parent)
    assert folders.jobs_of(bad) == []
    makes = {
        "attacks": (folders.create_job, AttackConfig(bad.id)),
        "margins": (folders.create_job, EstimateConfig(bad.id)),
        "maps": (folders.create_job, EmbeddingConfig(bad.id)),
    }
    make, asked = makes[kind]
    with pytest.raises(UserError, match="a link"):
        make(bad, asked)
    assert [path.name for path in elsewhere.parent.iterdir()] == [elsewhere.name]
    (bad.folder / kind).unlink()
    (bad.folder / kind).mkdir()
    (bad.folder / kind / "one").symlink_to(elsewhere)
    assert folders.jobs_of(bad) == []


def test_adversarial_images_are_neither_written_nor_read_through_a_link(bad, tmp_path):
    import numpy as np

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.npz").write_bytes(b"x")
    (bad.folder / "adv").symlink_to(elsewhere)
    one = examples.Examples(
        "test",
        "ce-pgd",
        np.zeros(1, np.int32),
        np.zeros(1, np.int64),
        np.zeros(1, np.float32),
        np.zeros((1, 1, 2, 2), np.float32),
        np.zeros((1, 2)),
        np.zeros((1, 2)),
    )
    with pytest.raises(UserError, match="a link"):
        examples.write(bad.adv / "new.npz", one)
    with pytest.raises(UserError, match="a link"):
        examples.read(bad.adv / "mine.npz")
    assert examples.names(bad.folder) == []
    assert [path.name for path in elsewhere.iterdir()] == ["mine.npz"]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["config.json", "status.json", "notes.json", "provenance.json"])
def test_a_wrong_value_in_any_field_is_a_sentence_and_never_an_error(bad, file):
    tried = 0
    for _field, _value in making.spoiled(bad.folder, file):
        looked_at(bad)
        tried += 1
    assert tried >= 80


@pytest.mark.parametrize(
    "file",
    [
        "config.json",
        "status.json",
        "notes.json",
        "image-sets.json",
        "provenance.json",
        "final-margins.json",
    ],
)
def test_what_is_no_json_of_ours_is_a_sentence(bad, file):
    for content in making.RAW:
        (bad.folder / file).write_bytes(content)
        looked_at(bad)


KINDS = [TrainConfig, AttackConfig, EstimateConfig, EmbeddingConfig]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_any_json_is_parsed_or_refused(bad, seed):
    """What is read can be used: dates, titles, and back to JSON."""
    chance = random.Random(seed)
    rights = [schema.to_json(kind() if kind is TrainConfig else kind("last")) for kind in KINDS]
    status, noted = (
        json.loads((bad.folder / name).read_text()) for name in ("status.json", "notes.json")
    )
    for _ in range(60):
        for kind, right in zip(KINDS, rights, strict=True):
            making.dump(bad.folder / "config.json", making.mixed(chance, right))
            try:
                found = schema.read(kind, bad.folder / "config.json")
            except UserError:
                continue
            assert schema.from_json(kind, json.loads(json.dumps(schema.to_json(found)))) == found
        making.dump(bad.folder / "status.json", making.mixed(chance, status))
        found = jobs.read(bad.folder)
        assert 0 <= found.created < jobs.LATEST
        making.dump(bad.folder / "notes.json", making.mixed(chance, noted))
        kept = notes.read(bad)
        assert notes.write(bad, kept) == kept


def test_one_bad_run_leaves_the_list_of_all_others(bad, own_runs):
    making.run(own_runs, "20240101-000001-digits-smd-900d")
    (bad.folder / "config.json").write_text(making.DEEP)
    (bad.folder / "status.json").write_text('{"created": NaN}')
    done = smd("runs", root=own_runs)
    assert "900d" in done.stdout and "0bad" in done.stdout
    assert "status.json cannot be read" in done.stdout
    assert provenance.read(bad.provenance)["commit"] is None

"""`--sound`: what broke in a smaller ball is broken in a larger one; the certified is robust."""

import numpy as np
import pytest
import torch

from smd.attacks.carried import NAME
from smd.attacks.stages import Ascent
from smd.config.schema import AttackConfig
from smd.export import attack_title
from smd.runs import folders
from smd.store import reader
from smd.store.records import EstimateRecord, Margins
from smd.store.writer import Recorder
from smd.tasks.attack import attack_run

LEVELS = (8 / 255, 16 / 255, 32 / 255)
ASKED = {"levels": LEVELS, "seeds": (0, 1), "n": 40, "batch": 16, "keep": 0}
ABOUT = {"package": "smd", "version": "1", "seconds": 1.0, "job": "j", "created": 1.0}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def attack_of(run, **fields):
    asked = AttackConfig(run.id, **{"params": {"steps": 2}, "seeds": (0,), **fields})
    folder = folders.create_job(run, asked, claim=True)
    attack_run(folder, folder / "log.txt")
    return folder


@pytest.fixture
def tried(monkeypatch):
    """(level, seed, images) of every batch that an attack is tried on."""
    batches = []
    plain = Ascent.perturb

    def counted(stage, model, x, y, context):
        batches.append((context.eps, context.seed, len(x)))
        return plain(stage, model, x, y, context)

    monkeypatch.setattr(Ascent, "perturb", counted)
    return batches


def verdicts(run, folder):
    """ok of each image, by (level, seed) of a job."""
    rows = reader.attack_runs(run.store)
    own = rows[(rows["job"] == folder.name) & (rows["eps"] > 0)]
    return {
        (round(255 * row.eps), row.seed): reader.attack_results(run.store, row.id)
        for row in own.itertuples()
    }


@pytest.mark.slow(20)
def test_it_is_never_less_strict_than_what_the_store_knows_and_spares_what_is_known(run, tried):
    alone = verdicts(run, attack_of(run, **ASKED))
    before = len(tried)
    found = verdicts(run, attack_of(run, **ASKED, sound=True))
    for (level, seed), table in found.items():
        for (other, at), earlier in [*alone.items(), *found.items()]:
            known = earlier is not table and (earlier is alone.get((other, at)) or at <= seed)
            if other <= level and known:
                assert not (table["ok"] & ~earlier["ok"]).any()
    passes = [sum(n for *_, n in part) for part in (tried[:before], tried[before:])]
    assert passes[1] < passes[0]
    (title,) = {attack_title(r.name, r.note) for r in reader.attack_table(run.store).itertuples()
                if "sound" in r.note}  # fmt: skip
    assert title.endswith("sound=yes")
    stages = reader.attack_stages(run.store)
    assert stages.loc[stages["name"] == NAME, "broken"].sum() > 0


def test_an_attack_leaves_out_what_is_certified_and_believes_its_own_witness(run, tried):
    first = next(iter(verdicts(run, attack_of(run, levels=(32 / 255,), n=40)).values()))
    known = reader.broken(run.store, "test")  # the training ended with attacks of its own
    fallen = set(known.loc[known["distance"] <= 32 / 255, "idx"])
    broken = first.loc[first["stage"] > 0, "idx"].iloc[0]
    left = first.loc[first["ok"] & ~first["idx"].isin(fallen), "idx"]
    safe = left.iloc[:5].tolist()
    ids, yes = np.array([*safe, broken]), np.ones(6, bool)
    record = EstimateRecord("c", "certified", 0.0, "Linf", 0, "test", 6, **ABOUT)
    recorder = Recorder(run.store)
    recorder.estimate(record, Margins(ids, np.full(6, 32.1 / 255, np.float32), yes, ~yes))
    recorder.flush()
    before = len(tried)
    again = next(iter(verdicts(run, attack_of(run, levels=(32 / 255,), n=40, sound=True)).values()))
    again = again.set_index("idx")
    assert again.loc[safe, "ok"].all()
    assert not again.loc[broken, "ok"]  # though a certificate says otherwise
    assert sum(n for *_, n in tried[before:]) == len(left) - len(safe)

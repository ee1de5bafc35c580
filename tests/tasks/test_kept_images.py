"""Every adversarial image that is kept still is what the table says.

In its ball, misclassified by saved weights.
"""

import numpy as np
import pytest
import torch

from smd.attacks import AttackPlan
from smd.config.schema import AttackConfig
from smd.core.lp import length
from smd.evaluation import evaluate, judging
from smd.evaluation import examples as adv
from smd.evaluation import state as evaluation_state
from smd.evaluation.judging import SLACK, Judged
from smd.evaluation.state import Kept
from smd.runs import folders
from smd.store import reader
from smd.tasks.opening import network_and_images

pytestmark = pytest.mark.slow

LEVEL = {"Linf": 32 / 255, "L2": 1.25}


def attack_of(run, **fields):
    from smd.tasks.attack import attack_run

    asked = {"params": {"steps": 2}, "levels": (32 / 255,), "n": 20, "seeds": (0,), "device": "cpu"}
    folder = folders.create_job(run, AttackConfig(run.id, **{**asked, **fields}), claim=True)
    attack_run(folder, folder / "log.txt")
    return folder


def kept(run, name):
    """(the file's contents, its adversarial images, the clean ones) as tensors, in float32."""
    _, rows = network_and_images(run, adv.read(run.adv / f"{name}.npz").split, torch.device("cpu"))
    examples = adv.read(run.adv / f"{name}.npz")
    clean = rows.pixels[torch.from_numpy(examples.idx.astype(np.int64))].numpy()
    images = np.stack([examples.image(position, each) for position, each in enumerate(clean)])
    return examples, torch.from_numpy(images), torch.from_numpy(adv.in_unit(clean))


@pytest.mark.slow
@pytest.mark.parametrize("norm", LEVEL)
@pytest.mark.parametrize("attack", ["ce-pgd", "ce-cw-pgd", "autoattack", "pm-pgd"])
def test_every_kept_image_is_in_its_ball_and_is_misclassified_again(run, attack, norm, monkeypatch):
    from smd.attacks import autoattack

    monkeypatch.setattr(autoattack, "QUERIES", 50)
    monkeypatch.setattr(autoattack, "STEPS", 15)
    settings = {"ce-cw-pgd": {"steps": 5, "runs": 2}, "autoattack": {}}
    few = settings.get(attack, {"steps": 10})
    levels = (LEVEL[norm] / 2, LEVEL[norm])
    folder = attack_of(run, attack=attack, norm=norm, levels=levels, params=few, n=32, batch=8)
    stored = reader.attack_runs(run.store)
    stored = stored[(stored["job"] == folder.name) & (stored["eps"] > 0)]
    assert len(stored) == 2
    for row in stored.itertuples():
        examples, images, clean = kept(run, adv.name_of(row.id))
        verdicts = reader.attack_results(run.store, row.id).set_index("idx")
        broken = verdicts[(verdicts["stage"] > 0)]
        assert sorted(examples.idx) == sorted(broken.index), "one is missing, though there is room"
        assert (examples.norm, examples.rounded, set(examples.eps)) == (
            norm,
            False,
            {np.float32(row.eps)},
        )
        reached = length(images - clean, norm)
        assert float(reached.max()) <= row.eps + SLACK * max(1.0, row.eps)
        assert torch.allclose(
            reached, torch.tensor(verdicts.loc[examples.idx, "distance"].to_numpy()), atol=1e-7
        )
        assert float(images.min()) >= 0
        assert float(images.max()) <= 1
        # the weights as they were saved
        model, _ = network_and_images(run, examples.split, torch.device("cpu"))
        model.eval()
        with (
            torch.no_grad()
        ):  # in a batch of their own and one by one: not in the batches of the attack
            together, alone = model(images), torch.cat([model(each[None]) for each in images])
        for logits in (together, alone):
            assert logits.argmax(1).tolist() == verdicts.loc[examples.idx, "pred"].tolist()
            assert (logits.argmax(1).numpy() != examples.label).all()
            np.testing.assert_allclose(logits.softmax(1).numpy(), examples.p_adv, atol=1e-5)
        assert (examples.p_adv.argmax(1) != examples.label).all()


@pytest.mark.slow
def test_with_noise_in_float16_every_image_would_be_another(run):
    """Why they are not kept as they were before."""
    folder = attack_of(run, n=60, norm="L2", levels=(LEVEL["L2"],))
    _, images, clean = kept(run, f"{folder.name}_1.25_0")
    halves = clean + (images - clean).half().float()
    assert (halves != images).flatten(1).any(1).all()


def test_an_image_that_rounding_decides_is_not_kept_and_the_log_says_so(run, monkeypatch):
    monkeypatch.setattr(judging, "SURE", 1e9)
    before = set(adv.names(run.folder))
    folder = attack_of(run, keep=3)
    assert set(adv.names(run.folder)) == before
    assert (
        "3 adversarial images are not kept: so near to the decision boundary"
        in (folder / "log.txt").read_text()
    )


def test_of_picked_images_no_older_stage_stands_in_for_one_that_rounding_decides():
    """Kept from a first stage that it withstood, then broken by less than rounding: the first is no
    answer."""
    logits = {1: torch.tensor([[2.0, 1.0]]), 2: torch.tensor([[1.0, 1.0 + 1e-6]])}
    y, part = torch.tensor([0]), torch.tensor([0])
    task = evaluate.Task(torch.tensor([0]), AttackPlan(()), 0.1, 0, 8, keep=1, picked=True)
    state = evaluation_state.EvaluationState.begin(1)
    for stage, seen in ((1, [0]), (2, [])):
        sure, pred = judging.surely(logits[stage], y), logits[stage].argmax(1).short()
        kept = Kept(np.full((1, 2, 2), stage, np.float32), logits[stage][0].softmax(0).numpy())
        images = {0: kept} if sure[0] else {}
        evaluate.enter(task, state, part, Judged(y, pred, torch.zeros(1), sure, images, set()))
        assert list(state.kept) == seen

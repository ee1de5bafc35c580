"""AutoAttack evaluated stage by stage, as jobs do, against its package's own evaluation."""

from dataclasses import dataclass

import numpy as np
import pyautoattack
import torch
import torch.nn.functional as F
from torch import nn

from smd import data, nets
from smd.attacks.autoattack import AutoAttack
from smd.bench.part import Part, Row
from smd.bench.timing import interleaved
from smd.data.batches import OnDevice, on_device, spread
from smd.data.split import carve
from smd.evaluation.evaluate import Target, Task, evaluate_level

STEPS = 150  # of training, for a network that some images withstand and some do not
SEED = 0


@dataclass(frozen=True)
class Case:
    """What is attacked, and how hard."""

    n: int
    eps: float
    repetitions: int


# Quick: nothing withstands the first attack
FULL, QUICK = Case(64, 24 / 255, 3), Case(3, 64 / 255, 1)


def measure(quick: bool) -> Part:
    """Time and verdicts of both; raises RuntimeError if a verdict differs."""
    case = QUICK if quick else FULL
    model, points = prepared(case.n)
    verdicts: dict[str, np.ndarray] = {}  # of each, in its latest round
    evaluations = {"pyautoattack": directly, "smd": evaluated}
    calls = [
        lambda name=name, run=run: verdicts.update({name: run(model, points, case)})
        for name, run in evaluations.items()
    ]
    times = interleaved(calls, case.repetitions)
    equal = int((verdicts["smd"] == verdicts["pyautoattack"]).sum())
    if equal < case.n:
        raise RuntimeError(f"{case.n - equal} of {case.n} verdicts differ from pyautoattack's.")
    rows: list[Row] = [
        {
            "way": name,
            "seconds": time,
            "ratio": times[0] / time,
            "equal": equal,
            "of": case.n,
            "withstood": int(verdicts[name].sum()),
        }
        for name, time in zip(evaluations, times, strict=True)
    ]
    note = (
        f"AutoAttack standard at {255 * case.eps:.0f}/255, seed {SEED}, one batch, on a small CNN"
        " trained on digits. ratio is pyautoattack's time by this one's; equal counts verdicts"
        " that are pyautoattack's."
    )
    return Part(
        "autoattack", "AutoAttack: our evaluation against pyautoattack called directly", rows, note
    )


def prepared(n: int) -> tuple[nn.Module, OnDevice]:
    """A network briefly trained on the digits, and n of their test images."""
    images = data.load("digits")
    rows, cpu = carve(images, SEED), torch.device("cpu")
    train, test = on_device(images, rows.train, cpu), on_device(images, rows.test, cpu)
    torch.manual_seed(SEED)
    model = nets.build("small-cnn", images.shape, len(images.classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(STEPS):
        batch = train.take(torch.arange(64 * step, 64 * (step + 1)) % len(train))
        optimizer.zero_grad()
        F.cross_entropy(model(batch.x), batch.y).backward()
        optimizer.step()
    chosen = spread(len(test), n)
    return model.eval(), OnDevice(test.pixels[chosen], test.labels[chosen])


def evaluated(model: nn.Module, points: OnDevice, case: Case) -> np.ndarray:
    """Which withstand it, (n,) bool, by our evaluation."""
    plan = AutoAttack().plan(10)
    return evaluate_level(
        Target(model, points), Task(torch.arange(case.n), plan, case.eps, SEED, case.n)
    ).ok


def directly(model: nn.Module, points: OnDevice, case: Case) -> np.ndarray:
    """The same by the package's own evaluation."""
    exact = points.take(torch.arange(case.n))
    attack = pyautoattack.AutoAttack(
        model, norm="Linf", eps=case.eps, seed=SEED, device="cpu", version="standard"
    )
    adversarial, _ = attack.run_standard_evaluation(exact.x, exact.y, batch_size=case.n)
    with torch.no_grad():
        return (model(adversarial).argmax(1) == exact.y).numpy()

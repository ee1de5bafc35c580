"""AutoAttack "standard" (Croce and Hein 2020), stage by stage, with pyautoattack doing the work.

Run so, each stage's verdict on each sample is known and a stopped attack goes on at its batch.
Stages, order, settings and seeds are those of its own standard evaluation, so that verdicts are the
same.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from pyautoattack import checks
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from pyautoattack.fab_pt import FABAttack_PT
from pyautoattack.square import SquareAttack
from torch import Tensor, nn

from smd.attacks import AttackPlan, BatchContext
from smd.attacks.frame import Behind, framed

TARGETS = 9  # of each targeted stage, where there are enough classes
STEPS = 100
QUERIES = 5000
GRADIENT = 3.0  # forward passes that one gradient costs, roughly


@dataclass(frozen=True)
class AutoAttack:
    """The standard version; it has no setting."""

    def plan(self, classes: int) -> AttackPlan:
        """See smd.attacks.Attack. Below four classes some of its losses do not exist and others
        stand in."""
        targets = min(TARGETS, classes - 1)
        if classes >= 4:
            names: tuple[str, ...] = ("apgd-ce", "apgd-t", "fab-t", "square")
        else:
            names = ("apgd-ce", *(("apgd-dlr",) if classes == 3 else ()), "fab", "square")
        stages = tuple(Part(name, targets) for name in names)
        note = "" if targets == TARGETS else _note(classes, names, targets)
        few = {"few-classes"} if note else set()
        return AttackPlan(
            stages,
            note,
            "pyautoattack",
            version("pyautoattack"),
            lambda model, x, y: few | _flags_before(model, x, y),
            _flags_after,
        )


def _note(classes: int, names: tuple[str, ...], targets: int) -> str:
    what = f"{targets} targets instead of {TARGETS}" if classes >= 4 else "no targeted stages"
    return f"AutoAttack on {classes} classes: {', '.join(names)}; {what}."


@dataclass(frozen=True)
class Part:
    """One of AutoAttack's attacks. Every batch is seeded alike, as in its own evaluation."""

    name: str
    targets: int

    @property
    def cost(self) -> float:
        """See smd.attacks.Stage."""
        ascent, fab = STEPS * GRADIENT, STEPS * (GRADIENT + 1)
        costs = {
            "apgd-t": self.targets * ascent,
            "fab-t": self.targets * fab,
            "fab": fab,
            "square": float(QUERIES),
        }
        return costs.get(self.name, ascent)

    @property
    def deterministic(self) -> bool:
        """See smd.attacks.Stage: FAB draws only for its second start and later ones, of which there
        are none."""
        return self.name in ("fab", "fab-t")

    def perturb(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        """See smd.attacks.Stage."""
        if self.name != "square":
            return self._found(model, x, y, context)
        frame = framed(x, context.norm)
        return frame.seen(self._found(Behind(model, frame), frame.shown(x), y, context))

    def _found(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        heard = _Heard()
        tool = self._tool(model, context, x.device, heard)
        devices = [x.device] if x.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad():  # it seeds the global generators
            found: Tensor = tool.perturb(x.clone(), y.clone())
        if heard.messages:  # the one check inside its attacks
            context.flags.add("zero-gradient")
        return found

    def _tool(
        self, model: nn.Module, context: BatchContext, device: torch.device, logger: "_Heard"
    ) -> Any:
        shared: dict[str, Any] = {
            "eps": context.eps,
            "norm": context.norm,
            "seed": context.seed,
            "device": device,
        }
        if self.name in ("apgd-ce", "apgd-dlr"):
            loss = self.name.removeprefix("apgd-")
            return APGDAttack(
                model,
                n_restarts=1,
                n_iter=STEPS,
                loss=loss,
                eot_iter=1,
                rho=0.75,
                logger=logger,
                **shared,
            )
        if self.name == "apgd-t":
            return APGDAttack_targeted(
                model,
                n_restarts=1,
                n_iter=STEPS,
                eot_iter=1,
                rho=0.75,
                n_target_classes=self.targets,
                logger=logger,
                **shared,
            )
        if self.name == "square":
            return SquareAttack(
                model, p_init=0.8, n_queries=QUERIES, n_restarts=1, resc_schedule=False, **shared
            )
        targeted = self.name == "fab-t"
        return FABAttack_PT(
            model,
            n_restarts=1,
            n_iter=STEPS,
            targeted=targeted,
            n_target_classes=self.targets,
            **shared,
        )


class _Heard:
    """A logger that remembers what it was warned of; checks and attacks of the package take one."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def warning(self, message: str) -> None:
        """Remember it."""
        self.messages.append(message)


def _flags_before(model: nn.Module, x: Tensor, y: Tensor) -> set[str]:
    """Its checks on the first images: random answers, probabilities, gradients inside the
    network."""
    found = set()
    tries = {
        "randomized": lambda heard: checks.check_randomized(model, x, y, bs=len(x), logger=heard),
        "probabilities": lambda heard: checks.check_range_output(model, x, logger=heard),
        "dynamic": lambda heard: _check_dynamic(model, x, heard),
    }
    for name, check in tries.items():
        heard = _Heard()
        check(heard)
        found |= {name} if heard.messages else set()
    return found


def _check_dynamic(model: nn.Module, x: Tensor, heard: _Heard) -> None:
    """The package counts calls with a trace function of its own and leaves none behind; ours is put
    back."""
    tracing = sys.gettrace()
    checks.funcs.update(dict.fromkeys(checks.funcs, 0))  # counts of earlier calls
    try:
        checks.check_dynamic(model, x, logger=heard)
    finally:
        sys.settrace(tracing)


def _flags_after(accuracies: Mapping[str, float]) -> set[str]:
    """Its check at the end: did Square, which sees no gradient, break what the others could not?"""
    heard = _Heard()
    checks.check_square_sr(dict(accuracies), logger=heard)
    return {"square"} if heard.messages else set()

"""AutoAttack "standard" (Croce and Hein 2020), stage by stage, by the package pyautoattack.

Stage by stage, so that each one's verdicts are known and a stopped attack goes on at its batch.
Stages, order, settings and seeds are those of the package's own standard evaluation, and so are the
verdicts; what is known of an answer is not asked again (smd.attacks.square, boundary).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from pyautoattack import checks
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor, nn

from smd.attacks import AttackPlan, BatchContext
from smd.attacks.apart import RANDOMIZED, apart
from smd.attacks.boundary import fab
from smd.attacks.frame import Behind, framed
from smd.attacks.square import Square

TARGETS = 9  # of each targeted stage, where there are enough classes
STEPS = 100
QUERIES = 5000
GRADIENT = 3.0  # forward passes that one gradient costs, roughly


@dataclass(frozen=True)
class AutoAttack:
    """The standard version; it has no setting."""

    def plan(self, classes: int) -> AttackPlan:
        """See smd.attacks.Attack; below four classes apgd-t and fab-t have untargeted stand-ins."""
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
            partial(_flags_before, few),
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
        """See smd.attacks.Stage: FAB draws for its second start, and there is only one."""
        return self.name in ("fab", "fab-t")

    def perturb(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        """See smd.attacks.Stage."""
        if self.name != "square":
            return self._perturbed(model, x, y, context)
        frame = framed(x, context.norm)
        return frame.seen(self._perturbed(Behind(model, frame), frame.shown(x), y, context))

    def _perturbed(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        """What the package's attack makes of x, shaped like it."""
        warnings = _Warnings()
        attack = self.package_attack(model, context, x.device, warnings)
        devices = [x.device] if x.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad():  # it seeds the global generators
            if self.deterministic:
                x_adv, nearest = fab(attack, x, y)
                if apart(model, x):
                    context.told["nearest"] = nearest
                else:
                    context.flags.add(RANDOMIZED)  # so that no seed or level tells of another
            else:
                x_adv = attack.perturb(x.clone(), y.clone())
        if warnings.messages:  # the one check inside its attacks
            context.flags.add("zero-gradient")
        return x_adv

    def package_attack(
        self, model: nn.Module, context: BatchContext, device: torch.device, logger: "_Warnings"
    ) -> Any:
        """The package's own attack of that name, with its standard settings."""
        apgd: dict[str, Any] = {"n_iter": STEPS, "eot_iter": 1, "rho": 0.75, "logger": logger}
        fab: dict[str, Any] = {"n_iter": STEPS, "n_target_classes": self.targets}
        square: dict[str, Any] = {"n_queries": QUERIES, "p_init": 0.8, "resc_schedule": False}
        kind, own = {
            "apgd-ce": (APGDAttack, apgd | {"loss": "ce"}),
            "apgd-dlr": (APGDAttack, apgd | {"loss": "dlr"}),
            "apgd-t": (APGDAttack_targeted, apgd | {"n_target_classes": self.targets}),
            "fab": (FABAttack_PT, fab | {"targeted": False}),
            "fab-t": (FABAttack_PT, fab | {"targeted": True}),
            "square": (Square, square),
        }[self.name]
        shared = {"eps": context.eps, "norm": context.norm, "seed": context.seed, "device": device}
        return kind(model, n_restarts=1, **shared, **own)


class _Warnings:
    """The logger that the package's checks and attacks warn through; it keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def warning(self, message: str) -> None:
        """Keep it."""
        self.messages.append(message)


def _flags_before(few: set[str], model: nn.Module, x: Tensor, y: Tensor) -> set[str]:
    """The package's checks on the first images: random outputs, probabilities, inner gradients.

    few: what is known before.
    """
    flags = set(few)
    tries = {
        "randomized": lambda warnings: checks.check_randomized(
            model, x, y, bs=len(x), logger=warnings
        ),
        "probabilities": lambda warnings: checks.check_range_output(model, x, logger=warnings),
        "dynamic": lambda warnings: _check_dynamic(model, x, warnings),
    }
    for name, check in tries.items():
        warnings = _Warnings()
        check(warnings)
        flags |= {name} if warnings.messages else set()
    return flags


def _check_dynamic(model: nn.Module, x: Tensor, warnings: _Warnings) -> None:
    """Its check for gradients inside the network, which removes the process's trace function."""
    tracing = sys.gettrace()
    checks.funcs.update(dict.fromkeys(checks.funcs, 0))  # counts of earlier calls
    try:
        checks.check_dynamic(model, x, logger=warnings)
    finally:
        sys.settrace(tracing)


def _flags_after(accuracies: Mapping[str, float]) -> set[str]:
    """Its last check: whether Square, without gradients, breaks what the other stages could not."""
    warnings = _Warnings()
    checks.check_square_sr(dict(accuracies), logger=warnings)
    return {"square"} if warnings.messages else set()

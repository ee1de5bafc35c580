"""The state of an evaluation, one attack at one noise level, from which a stopped job goes on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from smd.config.types import count, number
from smd.errors import UserError
from smd.evaluation.prior_verdicts import Known, Nearest
from smd.files import durable, foreign

CLEAN = 0  # `stage` of a sample that is misclassified without noise
WITHSTOOD = -1
LIMIT = 2 * 2**30  # bytes of the arrays, also of a file that comes from elsewhere
SCHEMA = 2  # 1 had the noise of kept images in float16
ARRAYS = ("stage", "pred", "distance", "queue")


@dataclass(frozen=True, eq=False)
class Kept:
    """An adversarial image that is kept, bit for bit the one that was classified."""

    image: np.ndarray  # (C, H, W) or (C, D, H, W) float32, unit of x
    p: np.ndarray  # (K,) float32, softmax on it


@dataclass
class EvaluationState:
    """The state between two batches; positions count within the task's samples, not the split."""

    stage: Tensor  # (n,) int16, the stage that broke it, from 1; CLEAN; WITHSTOOD, so far
    pred: Tensor  # (n,) int16, predicted class
    distance: Tensor  # (n,) float32, length of the noise, unit of x
    queue: Tensor  # (m,) int64, positions that the present stage is tried on
    doing: int = 0  # the present stage, counted from 1; 0: the clean images
    done: int = 0  # how many of the queue are evaluated
    attacked: list[int] = field(default_factory=list)  # how many entered each stage
    seconds: list[float] = field(default_factory=list)  # of the clean images, then of each stage
    flags: set[str] = field(default_factory=set)  # keys of smd.analysis.flags.FLAGS
    kept: dict[int, Kept] = field(default_factory=dict)  # by position
    nearest: Nearest = field(default_factory=Nearest)  # not in the file: it only spares work

    @classmethod
    def begin(cls, n: int) -> "EvaluationState":
        """Nothing is evaluated yet."""
        none = torch.full((n,), WITHSTOOD, dtype=torch.int16)
        return cls(none, none.clone(), torch.zeros(n), torch.arange(n), seconds=[0.0])

    def advance(self) -> None:
        """Move on to the next stage, with all that have withstood so far."""
        self.queue = (self.stage == WITHSTOOD).nonzero().squeeze(1)
        self.doing, self.done = self.doing + 1, 0
        self.attacked.append(len(self.queue))
        self.seconds.append(0.0)

    def take_over(self, known: Known) -> None:
        """Take over prior verdicts of the present stage; the other samples stay in the queue."""
        told = known.seen[self.queue]
        old, self.queue = self.queue[told], self.queue[~told]
        self.pred[old], self.distance[old] = known.pred[old], known.distance[old]
        self.stage[old[known.fallen[old]]] = self.doing

    def accuracies(self, names: Sequence[str]) -> dict[str, float]:
        """Accuracy in [0, 1] on clean images and after each finished stage of those names."""
        counts = torch.bincount(self.stage.long() + 1, minlength=len(names) + 2)[1:]
        left = 1 - counts.cumsum(0) / len(self.stage)
        return dict(zip(["clean", *names], left.tolist(), strict=False))

    def broken(self, stage: int) -> int:
        """How many samples fell to that stage."""
        return int((self.stage == stage).sum())


def stacked(kept: Sequence[Kept]) -> dict[str, np.ndarray]:
    """Kept images as float32 arrays: image, (k, C, H, W) or (k, C, D, H, W), and p, (k, K)."""
    if not kept:
        return {"image": np.zeros((0, 1, 1, 1), np.float32), "p": np.zeros((0, 1), np.float32)}
    return {
        "image": np.stack([each.image for each in kept]),
        "p": np.stack([each.p for each in kept]),
    }


def save(path: Path, state: EvaluationState, about: str) -> None:
    """Replace the file; `about` says what is evaluated. Raises UserError if the disk is full."""
    values = {
        "schema": SCHEMA,
        "about": about,
        "doing": state.doing,
        "done": state.done,
        "attacked": state.attacked,
        "seconds": state.seconds,
        "doubts": sorted(state.flags),
    }
    arrays: dict[str, np.ndarray] = {name: getattr(state, name).numpy() for name in ARRAYS}
    kept = {"kept": np.array(list(state.kept), np.int64), **stacked(list(state.kept.values()))}
    try:
        with durable.replacing(path) as file:
            np.savez(
                file, allow_pickle=False, values=np.array(json.dumps(values)), **kept, **arrays
            )
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): free some disk space and resume; what"
            " was evaluated is kept."
        ) from error


def load(path: Path, about: str) -> EvaluationState | None:
    """The state in the file; None if there is none, or if it is broken or of something else."""
    try:
        return _read(path, about)
    except Exception:  # a broken file makes parsers raise nearly anything
        return None


def _read(path: Path, about: str) -> EvaluationState | None:
    """As `load`, but raises where the file is broken."""
    with foreign.opened(path) as opened, np.load(opened, allow_pickle=False) as file:
        if sum(entry.file_size for entry in file.zip.infolist()) > LIMIT:
            return None
        arrays = {name: file[name] for name in file.files}
    values: dict[str, Any] = json.loads(str(arrays.pop("values")))
    if values.pop("schema") != SCHEMA or values.pop("about") != about:
        return None
    images = zip(arrays.pop("image"), arrays.pop("p"), strict=True)
    kept = dict(zip(arrays.pop("kept").tolist(), (Kept(*pair) for pair in images), strict=True))
    stage, pred, distance, queue = (torch.from_numpy(arrays[name]) for name in ARRAYS)
    progress = {name: values[name] for name in ("doing", "done", "attacked", "seconds")}
    flags = set(values["doubts"])  # as files of all versions call them
    state = EvaluationState(stage, pred, distance, queue, **progress, flags=flags, kept=kept)
    return state if _sound(state) else None


def _sound(state: EvaluationState) -> bool:
    """Whether the parts have their types and fit together; the file may be anybody's."""
    return (
        _tensors_sound(state)
        and _counts_sound(state)
        and bool(((state.stage >= WITHSTOOD) & (state.stage <= state.doing)).all())
        and all(0 <= position < len(state.stage) for position in state.kept)
        and all(isinstance(flag, str) for flag in state.flags)
    )


def _tensors_sound(state: EvaluationState) -> bool:
    kinds = (torch.int16, torch.int16, torch.float32, torch.int64)
    tensors = (state.stage, state.pred, state.distance, state.queue)
    n = len(state.stage)
    return (
        all(t.dtype == kind and t.dim() == 1 for t, kind in zip(tensors, kinds, strict=True))
        and len(state.pred) == len(state.distance) == n
        and bool(((state.queue >= 0) & (state.queue < n)).all())
        and bool(state.distance.isfinite().all())
    )


def _counts_sound(state: EvaluationState) -> bool:
    return (
        all(map(count, (state.doing, state.done, *state.attacked)))
        and all(map(number, state.seconds))
        and state.done <= len(state.queue)
        and len(state.attacked) == state.doing == len(state.seconds) - 1
    )

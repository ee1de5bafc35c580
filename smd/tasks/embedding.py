"""The embedding job: lay a network's last features on a plane, and store where each image lies."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from smd.config.schema import EmbeddingConfig
from smd.config.validation import FEWEST_POINTS
from smd.data.batches import spread
from smd.errors import UserError
from smd.evaluation import embedding
from smd.evaluation.embedding import Features
from smd.jobs.session import Cancelled
from smd.store.records import EmbeddingRecord, Points
from smd.tasks.opening import Opened, opening
from smd.terminal.progress import Eta
from smd.units import show_level

# Shares of the work, so that the bar moves evenly: clean images, adversarial examples, laying
# out.
LOOKING, ATTACKING = 0.1, 0.4


def embedding_run(folder: Path, log: Path | None = None) -> None:
    """Make a queued embedding in this process; errors and log: see opening."""
    with opening(EmbeddingConfig, folder, log) as opened:
        opened.model.eval()
        opened.recorder.embedding(*make(Work(opened, Eta(0.0))))


@dataclass(frozen=True)
class Work:
    """What the steps of an embedding share."""

    opened: Opened[EmbeddingConfig]
    eta: Eta

    def tell(self, share: float, stage: str) -> None:
        """How far the embedding is, in [0, 1]; raises Cancelled if the job was asked to stop."""
        left = self.eta.left(share)
        self.opened.session.report(stage=stage, batch=round(1000 * share), batches=1000, eta=left)
        self.opened.progress.show(share, stage, left)
        if self.opened.session.stopping:
            raise Cancelled("It was cancelled.")


def make(work: Work) -> tuple[EmbeddingRecord, Points]:
    """The embedding of the chosen images, and of adversarial examples of some that are correct."""
    opened, start = work.opened, time.perf_counter()
    ids = chosen(opened.config, len(opened.rows)).to(opened.rows.labels.device)
    eps = opened.config.level or max(opened.run.config.levels_in("Linf"))
    paired, seen = _seen(work, ids, eps)
    features = np.concatenate([part.features for part in seen])
    points = _laid_out(work, features)
    record = _record(work, len(ids), len(paired), eps, time.perf_counter() - start)
    opened.progress.line(
        f"An embedding of {record.n} {record.split} images, {record.pairs} with an adversarial"
        f" example, in {record.seconds:.1f} s."
    )
    trust = embedding.trust(features, points)
    opened.progress.line(
        f"Its trustworthiness is {trust:.2f}; 1: neighbours on it are neighbours in the features."
    )
    return record, _points(ids, paired, seen, points)


def _seen(work: Work, ids: Tensor, eps: float) -> tuple[Tensor, list[Features]]:
    """The positions of the attacked, and what the network sees of all images and of these."""
    deal, config = work.opened.dealt, work.opened.config
    count = _counted(work, 0, LOOKING, len(ids), "looking")
    clean = embedding.seen(deal, ids, 0.0, config.batch, count)
    paired = to_attack(clean, config.pairs).to(ids.device)
    if not len(paired):
        return paired, [clean]
    count = _counted(work, LOOKING, ATTACKING, len(paired), f"attacking at {show_level(eps)}")
    attacked = embedding.seen(deal, ids[paired], eps, config.batch, count)
    return paired, [clean, attacked]


def _laid_out(work: Work, features: np.ndarray) -> np.ndarray:
    """Where the features lie on the plane, (n, 2)."""
    work.tell(ATTACKING, "laying out")
    return embedding.layout(
        features,
        work.opened.config.seed,
        lambda share: work.tell(ATTACKING + (1 - ATTACKING) * share, "laying out"),
    )


def _record(work: Work, images: int, pairs: int, eps: float, seconds: float) -> EmbeddingRecord:
    opened = work.opened
    return EmbeddingRecord(
        id=opened.job,
        split=opened.config.split,
        n=images,
        pairs=pairs,
        eps=eps,
        seed=opened.config.seed,
        package="umap-learn",
        version=version("umap-learn"),
        seconds=seconds,
        job=opened.job,
        created=time.time(),
        weights=opened.config.weights,
    )


def chosen(config: EmbeddingConfig, available: int) -> Tensor:
    """The sample ids of the embedding, spread evenly over the split; raises UserError if it has too
    few."""
    if available < FEWEST_POINTS:
        raise UserError(
            f"The {config.split} split has {available} images, too few for an embedding: choose"
            " another."
        )
    return spread(available, config.n or available)


def to_attack(clean: Features, pairs: int) -> Tensor:
    """Positions of so many images that are classified correctly, spread evenly: the others need no
    attack."""
    right = torch.from_numpy(np.flatnonzero(clean.ok))
    return right[spread(len(right), pairs)] if len(right) and pairs else right[:0]


def _counted(work: Work, start: float, end: float, total: int, stage: str) -> embedding.Progress:
    done = 0

    def report(images: int) -> None:
        nonlocal done
        done += images
        work.tell(start + (end - start) * done / max(total, 1), stage)

    return report


def _points(ids: Tensor, paired: Tensor, seen: Sequence[Features], at: np.ndarray) -> Points:
    return Points(
        idx=torch.cat([ids, ids[paired]]).cpu().numpy().astype(np.int32),
        adversarial=np.repeat([False, True], [len(ids), len(paired)]),
        x=at[:, 0],
        y=at[:, 1],
        pred=np.concatenate([part.pred for part in seen]),
        ok=np.concatenate([part.ok for part in seen]),
    )

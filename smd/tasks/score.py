"""The score job: find the worst scores of a trained network's images and store every one."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from torch import Tensor

from smd.config.schema import ScoreConfig, score_passes
from smd.core.lp import Norm
from smd.data.batches import spread
from smd.errors import UserError
from smd.evaluation.scores import worse, worst_scores
from smd.store import reader
from smd.store.records import ScoreRecord, Scores
from smd.tasks.opening import Opened, opening
from smd.tasks.parts_done import Place, report
from smd.terminal.progress import Eta
from smd.units import level_title, show_level
from smd.version import __version__

Work = Opened[ScoreConfig]


def score_run(folder: Path, log: Path | None = None) -> None:
    """Do a queued search in this process; errors and log: see opening."""
    with opening(ScoreConfig, folder, log) as work:
        score(work, set(reader.score_runs(work.run.store)["id"]))


def chosen(config: ScoreConfig, available: int) -> Tensor:
    """The sample ids to score, spread evenly over the split; raises UserError if it has fewer."""
    if not available:
        raise UserError(f"The {config.split} split has no images: choose another.")
    if config.n > available:
        raise UserError(f"The {config.split} split has {available} images: ask for at most that.")
    return spread(available, config.n or available)


def levels_of(work: Work) -> tuple[float, ...]:
    """The levels, clean first: those that are asked for, or that the run watched."""
    return tuple(
        sorted({0.0, *(work.config.levels or work.run.config.levels_in(work.config.norm))})
    )


def score(work: Work, done: set[str]) -> None:
    """Do the levels that are not done yet; one that was stopped in its middle starts over.

    What is worst within a smaller ball is within the larger one, too: a level's scores are no
    better than those before it.
    """
    ids = chosen(work.config, len(work.rows)).to(work.rows.labels.device)
    labels = work.rows.labels[ids].cpu().numpy()
    levels, eta = levels_of(work), Eta(0.0)
    todo = [eps for eps in levels if _id(work, eps) not in done]
    work.session.report(stage="searching scores", batch=0, batches=len(todo) * len(ids))
    work.progress.line(cost(work.config, len(reader.class_names(work.run.store)), len(ids), todo))
    known: np.ndarray | None = None
    for eps in levels:
        if eps not in todo:
            known = _stored(work, eps, known, labels)
            continue
        place = Place(todo.index(eps) * len(ids), len(todo) * len(ids), _title(work, eps))
        began = time.perf_counter()
        found = _searched(work, eps, ids, partial(report, work, place, eta))
        known = found if known is None else worse(found, known, labels)
        _store(work, eps, ids, known, time.perf_counter() - began)
        work.progress.line(f"{place.title} of {len(ids)} {work.config.split} images are stored.")


def cost(config: ScoreConfig, classes: int, images: int, todo: Sequence[float]) -> str:
    """What searches on so many images take, in a sentence, before they begin."""
    each, levels = score_passes(classes, config.steps), sum(eps > 0 for eps in todo)
    what = f"{images:,} {config.split} image{'s' * (images > 1)}"
    if not levels:
        return f"Scoring {what}: a pass forward each."
    return (
        f"Searching {what} of {classes} classes at {levels} noise level{'s' * (levels > 1)}:"
        f" {each:,} passes forward and backward an image and level, {each * images * levels:,} in"
        " all; --n takes fewer images."
    )


def _id(work: Work, eps: float) -> str:
    return f"{work.job}:{show_level(eps, work.config.norm)}"


def _title(work: Work, eps: float) -> str:
    return f"Worst scores at {level_title(eps, work.config.norm)}" if eps else "Clean scores"


def _searched(
    work: Work, eps: float, ids: Tensor, after_batch: Callable[[int], None]
) -> np.ndarray:
    config, norm = work.config, cast(Norm, work.config.norm)
    about = (eps, norm, config.steps, config.seed, config.batch)
    return worst_scores(work.model, work.rows, ids, *about, after_batch, work.deal)


def _stored(
    work: Work, eps: float, before: np.ndarray | None, labels: np.ndarray
) -> np.ndarray | None:
    """The scores (n, K) of a level that was done before the job went on."""
    table = reader.scores(work.run.store, _id(work, eps))
    if len(table) % len(labels):
        raise UserError(f"The scores in {work.run.store} are broken: delete the job.")
    found = table["score"].to_numpy(np.float32).reshape(len(labels), -1)
    return found if before is None else worse(found, before, labels)


def _store(work: Work, eps: float, ids: Tensor, scores: np.ndarray, seconds: float) -> None:
    config = work.config
    record = ScoreRecord(
        id=_id(work, eps),
        eps=eps,
        norm=config.norm,
        steps=config.steps if eps else 0,
        seed=config.seed,
        split=config.split,
        n=len(ids),
        package="smd",
        version=__version__,
        seconds=seconds,
        job=work.job,
        created=time.time(),
        weights=config.weights,
    )
    work.recorder.score(record, Scores(ids.cpu().numpy(), scores.astype(np.float32)))

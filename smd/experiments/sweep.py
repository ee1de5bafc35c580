"""A sweep: several defenses, seeds and folds on one data set, queued as runs.

There is no state of a sweep but its runs, so starting one again goes on where it was: what is
finished, queued or running is left alone, what ended otherwise is resumed, what is missing is
queued.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from smd.config import validation
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.jobs import launch
from smd.runs import folders
from smd.runs.folders import Run

Act = Literal["queued", "resumed", "kept", "refused"]


@dataclass(frozen=True)
class Member:
    """One run of a sweep and what was done about it."""

    config: TrainConfig
    act: Act
    run: Run | None = None  # None where it was refused
    reason: str = ""  # why it was refused


def configs(defenses: Sequence[TrainConfig], seeds: Sequence[int]) -> list[TrainConfig]:
    """A config for each defense, seed and fold, each once, folds innermost; raises UserError if
    there is none."""
    chosen = [
        replace(one, seed=seed, fold=fold)
        for one in defenses
        for seed in seeds
        for fold in (range(1, one.folds + 1) if one.folds else (0,))
    ]
    if not chosen:
        raise UserError("A sweep needs at least one defense and one seed.")
    return [config for k, config in enumerate(chosen) if config not in chosen[:k]]


def start(wanted: Sequence[TrainConfig]) -> list[Member]:
    """See to it that each of these runs gets done; one that is refused does not stop the rest."""
    known = _known()
    return [_start(config, known) for config in wanted]


def _start(config: TrainConfig, known: Sequence[tuple[TrainConfig, Run]]) -> Member:
    try:
        kept = folders.as_kept(config)
        for other, run in known:
            if _same(kept, other):
                return _go_on(config, run)
        run = folders.create(config)
        launch.submit(run.folder)
    except UserError as error:
        return Member(config, "refused", reason=str(error))
    return Member(config, "queued", run)


def _go_on(config: TrainConfig, run: Run) -> Member:
    if run.status.state in ("finished", "queued", "running"):
        return Member(config, "kept", run)
    launch.resume(run.folder)
    return Member(config, "resumed", run)


def members(wanted: Sequence[TrainConfig]) -> list[Run | None]:
    """The run of each config, the newest if there are several; None where there is none."""
    known = _known()
    kept = [folders.as_kept(config) for config in wanted]
    return [next((run for other, run in known if _same(config, other)), None) for config in kept]


def _same(one: TrainConfig, other: TrainConfig) -> bool:
    """Whether two configs, as runs keep them, train the same network; where they run and what is
    measured afterwards does not matter."""
    return _trained(one) == _trained(other)


def _trained(config: TrainConfig) -> TrainConfig:
    return replace(config, device="", devices="", n_test=0, n_margins=0)


def _known() -> list[tuple[TrainConfig, Run]]:
    trained = []
    for run in folders.all_runs():
        try:
            trained.append((run.config, run))
        except UserError:  # another version's
            continue
    return trained


def refusals(wanted: Sequence[TrainConfig]) -> list[str]:
    """Every reason why some of these runs could not start, each once."""
    return list(
        dict.fromkeys(problem for config in wanted for problem in validation.of_training(config))
    )

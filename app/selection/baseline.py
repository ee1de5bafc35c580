"""Which run another one is held against: an undefended network on the same images, or else the
newest other defense."""

from collections.abc import Sequence
from contextlib import suppress

from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.export import titles
from smd.runs.folders import Run

UNDEFENDED, OURS = "std", "smd"
IMAGES = (*titles.IMAGES, "folds", "fold")  # of a config: which images it is of


def other_defense(defense: str) -> str:
    """What a network of that defense is compared with."""
    return OURS if defense == UNDEFENDED else UNDEFENDED


def of(run: Run, runs: Sequence[Run]) -> Run | None:
    """The baseline among these runs, the newest first; None if there is no other one on the same
    images."""
    wanted = other_defense(run.config.defense)
    best = max(
        _alike(run, runs, ("finished",)),
        key=lambda pair: _likeness(pair[1], run.config, wanted),
        default=None,
    )
    return best[0] if best else None


def under_way(run: Run, runs: Sequence[Run]) -> bool:
    """Whether a network to compare with is queued or being trained."""
    wanted = other_defense(run.config.defense)
    return any(c.defense == wanted for _, c in _alike(run, runs, ("queued", "running")))


def _alike(
    run: Run, runs: Sequence[Run], standing: tuple[str, ...]
) -> list[tuple[Run, TrainConfig]]:
    """The runs with other defenses on the same images that stand so."""
    config = run.config
    return [
        (other, known)
        for other in runs
        if other.id != run.id
        and (known := _config(other)) is not None
        and known.defense != config.defense
        and _images(known) == _images(config)
        and other.status.state in standing
        and (other.trained or "finished" not in standing)
    ]


def _config(run: Run) -> TrainConfig | None:
    with suppress(UserError):  # broken, or of a newer version
        return run.config
    return None


def _images(config: TrainConfig) -> tuple[object, ...]:
    return tuple(getattr(config, name) for name in IMAGES)


def _likeness(known: TrainConfig, config: TrainConfig, wanted: str) -> tuple[bool, ...]:
    """Of two the larger is the better baseline; of equal ones the first."""
    same = ("net", "seed", "epochs")
    return known.defense == wanted, *(getattr(known, n) == getattr(config, n) for n in same)

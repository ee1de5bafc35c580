"""Accuracies one below the other, with all that is known of each in a column of its own."""

import pandas as pd

from smd.export.percent import rounded
from smd.export.tables import SEEDS, TRAININGS
from smd.export.titles import attack_title
from smd.frames import tuples
from smd.units import level_title

PERCENTS = {  # column -> that of cells
    "accuracy (%)": "percent",
    "95 % from": "low",
    "95 % to": "high",
    f"spread over {SEEDS}": "spread",
    f"spread over {TRAININGS}": "training_spread",
}


def detailed(cells: pd.DataFrame) -> pd.DataFrame:
    """A row a cell (export.CELLS): run, defense, attack, level, n, accuracy, interval, spreads.

    The interval is that for n images; a spread is a standard deviation in points, over attack seeds
    of the same network or over trainings that differ in their seed alone. nan where nothing is
    known.
    """
    percents = {name: cells[column].map(rounded) for name, column in PERCENTS.items()}
    attack = [attack_title(c.attack, c.note, c.steps) if c.eps else "" for c in tuples(cells)]
    level = [level_title(eps, norm) for eps, norm in zip(cells["eps"], cells["norm"], strict=True)]
    return pd.DataFrame(
        {
            "run": cells["run"],
            "defense": cells["defense"],
            "attack": attack,
            "noise level": level,
            "n": cells["n"],
            **{name: percents[name] for name in ("accuracy (%)", "95 % from", "95 % to")},
            TRAININGS: cells["trainings"],
            f"spread over {TRAININGS}": percents[f"spread over {TRAININGS}"],
            SEEDS: cells["seeds"],
            f"spread over {SEEDS}": percents[f"spread over {SEEDS}"],
        }
    )

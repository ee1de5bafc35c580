"""What the paper says of its curves (Fig. 8) and of its margins' shape (Fig. 6), asked of trained
runs, each an argument, whose ids `smd runs` lists.

A row a run: robust accuracy of validation images at a level (quick PGD, after every epoch), at its
best over five epochs and over the last five, and of training images over the last five; then of
runs that keep margins what the last search met, and the shape of the margins of correct images; and
SMD held against each other run, image by image, under the attack that every training ends with.
"""

import argparse
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from smd import export
from smd.cli.table import as_text
from smd.experiments import paired
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

FINAL = "ce-pgd"
EPOCHS = 5  # that a figure is the mean over: a single epoch's best is the luckiest


def overfitting(run: Run, eps: float) -> dict[str, Any]:
    """Whether robust accuracy falls again while the training goes on."""
    rows = reader.metrics(run.store)
    rows = rows[(rows["name"] == "accuracy") & ((rows["eps"] - eps).abs() < 1e-6)]
    each = rows.pivot(index="epoch", columns="split", values="value").sort_index()
    if not {"train", "val"} <= {*each}:
        raise SystemExit(f"{run.id} was not looked at {255 * eps:g}/255: give another --eps.")
    mean = 100 * each.rolling(EPOCHS, min_periods=1).mean()
    about = reader.meta(run.store)
    return {
        "defense": export.defense_title(run.config),
        "epochs": len(each),
        "validation, best (%)": round(float(mean["val"].max()), 2),
        "up to epoch": mean.index[int(mean["val"].argmax())],
        "validation, last (%)": round(float(mean["val"].iloc[-1]), 2),
        "training, last (%)": round(float(mean["train"].iloc[-1]), 2),
        "n": about.get("looks", ["", ""])[1],
    }


def shape(run: Run) -> dict[str, Any] | None:
    """How the margins of the correctly classified training images are spread; None of a run that
    keeps none. r: the correlation of their quantiles with those of a normal distribution, 1 for
    one."""
    margins = reader.margins(run.store, reader.last_epoch(run.store))
    right = margins[margins["clean_ok"].astype(bool)]
    if right.empty:
        return None
    values = 255 * right["margin"].to_numpy(float)
    return {
        "defense": export.defense_title(run.config),
        "n": len(margins),
        "misclassified": len(margins) - len(right),
        "found": int(right["crossed"].sum()),
        "reached": int((~right["crossed"].astype(bool)).sum()),
        "median (1/255)": round(float(np.median(values)), 2),
        "5 to 95 %": " to ".join(f"{q:.2f}" for q in np.percentile(values, [5, 95])),
        "skewness": round(float(stats.skew(values)), 2),
        "excess kurtosis": round(float(stats.kurtosis(values)), 2),
        "r": round(float(stats.probplot(values)[1][2]), 4),
    }


def withstood(run: Run) -> pd.DataFrame:
    """What the run withstood of the attack at the end of its training."""
    cells = export.accuracy_cells({run.id: (run.config, reader.attack_table(run.store))})
    cells = cells[(cells["attack"] == FINAL) & (cells["split"] == "test")]
    return cells[cells["n"] == cells["n"].max()]


def main() -> None:
    """Print the tables in Markdown."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("runs", nargs="+")
    asked.add_argument("--eps", type=int, default=8, help="in 1/255 (8)")
    given = asked.parse_args()
    runs = [folders.find(name) for name in given.runs]
    print(as_text(pd.DataFrame([overfitting(run, given.eps / 255) for run in runs]), "markdown"))
    shapes = [found for run in runs if (found := shape(run))]
    print(as_text(pd.DataFrame(shapes), "markdown"))
    rows = paired.among({run: withstood(run) for run in runs})
    print(as_text(paired.printed(rows), "markdown", told=paired.told(rows)))


if __name__ == "__main__":
    main()

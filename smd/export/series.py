"""Tables of what changes with the noise level, the epoch or the sample."""

import pandas as pd

from smd.config.notes import SOUND, noted
from smd.export.cells import Runs
from smd.export.titles import attack_title, data_names
from smd.frames import insert_after, tuples
from smd.units import level_title, show_level

# what tells an attack with its settings on one data set from others
KIND = ["data", "name", "steps", "norm", "note"]
POINTS = [
    *("run", "defense", "data", "attack", "steps", "norm", "note", "n"),
    *("eps", "percent", "low", "high"),
]


def robustness_points(runs: Runs) -> pd.DataFrame:
    """Accuracy against the noise level on test images: POINTS; percent, low and high in %.

    All points are of the one data set and attack that most of the runs have seen, in doubt the one
    with the most levels, then with its usual settings, then with the most steps; never of an attack
    that took over what each run's store knew.
    """
    sets = data_names([config for config, _ in runs.values()])
    tables = [table for _, table in runs.values()]
    rows = pd.concat(tables, keys=range(len(tables))) if tables else pd.DataFrame(columns=["split"])
    which = rows.index.get_level_values(0)
    about = {"run": list(runs), "defense": [c.defense for c, _ in runs.values()], "data": sets}
    rows = rows.reset_index(drop=True)
    rows = rows.assign(**{name: pd.Index(each, dtype=str)[which] for name, each in about.items()})
    rows = rows[rows["split"] == "test"]
    rows = rows[~noted(rows.get("note", rows["split"]), SOUND)]
    if rows.empty:
        return pd.DataFrame(columns=POINTS)
    rows = rows.assign(note=rows["note"].fillna(""))
    rows = rows.merge(_seen_by_most(rows), on=KIND)
    rows = rows[rows["n"] == rows.groupby("run")["n"].transform("max")]
    percent = {"percent": 100 * rows["accuracy"], "low": 100 * rows["lo"], "high": 100 * rows["hi"]}
    return rows.assign(attack=rows["name"], **percent)[POINTS]


def _seen_by_most(rows: pd.DataFrame) -> pd.DataFrame:
    """The attack, on a data set, that most runs have seen: a frame of KIND with one row."""
    seen = rows.groupby(KIND).agg(runs=("run", "nunique"), levels=("eps", "nunique")).reset_index()
    seen = seen.assign(usual=~seen["note"].str.contains("="))
    return seen.sort_values(["runs", "levels", "usual", "steps"])[KIND].iloc[-1:]


def epoch_table(metrics: pd.DataFrame, norm: str = "Linf") -> pd.DataFrame:
    """reader.metrics made wide: a row an epoch, a column a metric like "val accuracy 8/255"."""
    levels = [f" {level_title(eps, norm)}" if eps else "" for eps in metrics["eps"]]
    names = (
        metrics["split"] + " " + metrics["name"] + pd.Series(levels, metrics.index, dtype=object)
    )
    long = metrics.assign(column=names).drop_duplicates(["epoch", "column"], keep="last")
    wide = long.pivot(index="epoch", columns="column", values="value")[list(names.unique())]
    return wide.rename_axis(columns=None).reset_index()


def margin_table(margins: pd.DataFrame, norm: str = "Linf") -> pd.DataFrame:
    """reader.margins with the sample's id first and the margin in 1/255 beside it; of L2 margins,
    which are lengths, as "margin_l2" alone."""
    table = margins.rename(columns={"idx": "id"})
    if norm != "Linf":
        return table.rename(columns={"margin": "margin_l2"})
    insert_after(table, "margin", "margin_255", (table["margin"] * 255.0).round(3))
    return table


def verdict_table(verdicts: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """reader.image_verdicts as taken away: attack, norm, split, level, id, path, withstood, seeds.

    withstood is the share of the seeds that the image withstood, in [0, 1]; files:
    reader.sample_paths.
    """
    attack = [
        attack_title(v.name, v.note or "", v.steps) if v.eps else "" for v in tuples(verdicts)
    ]
    table = pd.DataFrame(
        {
            "attack": attack,
            "norm": verdicts["norm"],
            "split": verdicts["split"],
            "level": [show_level(v.eps, v.norm) for v in tuples(verdicts)],
            "id": verdicts["idx"],
            "withstood": verdicts["share"],
            "seeds": verdicts["seeds"],
        }
    )
    return with_paths(table, files)


def with_paths(table: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """The table with the file of each image behind its id, where images are files.

    table: id, and split unless all are of one; files: reader.sample_paths.
    """
    if files.empty:
        return table
    many = "split" in table
    known = files.set_index(["split", "idx"] if many else ["idx"])["path"]
    keys = pd.MultiIndex.from_frame(table[["split", "id"]]) if many else pd.Index(table["id"])
    table = table.copy()
    insert_after(table, "id", "path", known.reindex(keys).fillna("").to_numpy())
    return table

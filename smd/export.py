"""Tables of runs as people and programs take them away: CSV, Markdown, JSON, and the model card.

Pure functions on what smd.store.reader returns. Levels are written k/255, accuracies in %.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from smd import registry
from smd.config import TrainConfig
from smd.units import show_level

FORMULA = ("=", "+", "-", "@", "\t", "\n")  # a spreadsheet runs a cell that begins so
Runs = Mapping[str, tuple[TrainConfig, pd.DataFrame]]  # name -> (config, reader.attack_table)
ABOUT = ["run", "defense", "attack", "steps", "split", "n", "seeds"]  # accuracy_table's first columns

CARD = """\
# {defense} on {data}

An image classifier trained in SMD Studio. It takes images with pixels in [0, 1] and returns logits.

{facts}

## Accuracy

In %, on clean images (0) and under attack at each noise level, a share of the pixels' range in every pixel (L-inf).
`n` images of the split were attacked; one that is misclassified when clean counts as broken at every level.
"Avg." is the mean over the clean images and the noise levels that the run watched.

{table}

## Intended use

Research on adversarial robustness. An accuracy under an attack is an upper bound: a stronger attack may find more.
This model is not a medical device and must not be used for diagnosis or any other decision about people.
"""


def to_csv(table: pd.DataFrame) -> str:
    """Comma-separated values with a header; texts that a spreadsheet would run get a leading quote."""
    guarded = table.set_axis([_guarded(name) for name in table.columns], axis="columns")
    texts = [name for name in guarded.columns if guarded[name].dtype.kind not in "biuf"]
    guarded = guarded.assign(**{name: guarded[name].map(_guarded) for name in texts})
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guarded(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # a bare return would end the row
    try:
        float(text)  # a negative number is no formula
    except ValueError:
        return "'" + text if text.startswith(FORMULA) else text
    return text


def to_markdown(table: pd.DataFrame) -> str:
    """A GitHub table; a column of floats has as many decimals as it needs, two to six."""
    columns = [_texts(table.iloc[:, k]) for k in range(table.shape[1])]
    rows = [[_cell(name) for name in table.columns], ["---"] * len(columns), *zip(*columns, strict=True)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _texts(column: pd.Series) -> list[str]:
    if column.dtype.kind != "f":
        return ["" if pd.isna(value) else _cell(value) for value in column]
    ends = [f"{value:.6f}".rstrip("0").partition(".")[2] for value in column]
    decimals = max([2, *map(len, ends)])
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in column]


def _cell(value: object) -> str:
    """A text that neither ends its cell nor its row and is not taken for a link or for HTML."""
    text = " ".join(str(value).splitlines()).replace("\\", "\\\\")
    return text.replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;")


def to_json(table: pd.DataFrame) -> str:
    """A list of objects, one a row; nan and infinity become null."""
    rows = [{name: _plain(v) for name, v in row.items()} for row in table.to_dict("records")]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def accuracy_table(runs: Runs) -> pd.DataFrame:
    """The paper's Tables 1 and 2: a row a run and attack.

    Columns: those of ABOUT, then one a noise level from "0", the clean images, on, and "Avg.", which is
    over the clean images and the levels of the config, so that it means the same in all runs on a data
    set. Accuracies are in %, rounded to two decimals, nan where nothing was measured.
    """
    rows, levels = [], {0.0: "0"}
    for run, (config, table) in runs.items():
        for key, part in table.groupby(["name", "steps", "norm", "split", "n"], sort=False):
            levels |= {eps: show_level(eps) for eps in part["eps"]}
            found = {show_level(eps): 100 * share for eps, share in zip(part["eps"], part["accuracy"], strict=True)}
            about = (run, defense_title(config), attack_title(key[0]), key[1], key[3], key[4], part["seeds"].max())
            rows.append({**dict(zip(ABOUT, about, strict=True)), **found, "Avg.": _average(found, config)})
    names = dict.fromkeys(levels[eps] for eps in sorted(levels))
    return pd.DataFrame(rows, columns=[*ABOUT, *names, "Avg."]).round(2)


def _average(found: Mapping[str, float], config: TrainConfig) -> float:
    wanted = [show_level(eps) for eps in (0.0, *config.levels)]
    return sum(found.get(level, math.nan) for level in wanted) / len(wanted)


def robustness_points(runs: Runs) -> pd.DataFrame:
    """Accuracy against the noise level on test images: run, defense, attack, steps, eps, percent, low, high (%).

    All points are of the one attack that most of the runs have seen, with the most steps if in doubt.
    """
    tables = [table.assign(run=run, defense=config.defense) for run, (config, table) in runs.items()]
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["split"])
    rows = rows[rows["split"] == "test"]
    if rows.empty:
        return pd.DataFrame(columns=["run", "defense", "attack", "steps", "eps", "percent", "low", "high"])
    seen = rows.groupby(["name", "steps"])["run"].nunique().reset_index().sort_values(["run", "steps"])
    name, steps = seen["name"].iloc[-1], seen["steps"].iloc[-1]
    rows = rows[(rows["name"] == name) & (rows["steps"] == steps)]
    rows = rows[rows["n"] == rows.groupby("run")["n"].transform("max")]
    percent = {"percent": 100 * rows["accuracy"], "low": 100 * rows["lo"], "high": 100 * rows["hi"]}
    return rows.assign(attack=name, **percent)[["run", "defense", "attack", "steps", "eps", *percent]]


def defense_title(config: TrainConfig) -> str:
    """The defense as tables name it, with its knobs: "AT eps=8/255"."""
    entry = registry.DEFENSES.get(config.defense)
    levels = {p.name for p in entry.params if p.kind == "level"} if entry else set()
    knobs = [f"{k}={show_level(float(v)) if k in levels else v}" for k, v in config.params.items()]
    return " ".join([entry.title if entry else config.defense, *knobs])


def attack_title(name: str) -> str:
    """The attack as tables name it; its own name if this version does not know it."""
    return registry.ATTACKS[name].title if name in registry.ATTACKS else name


def epoch_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """reader.metrics made wide: a row an epoch, a column a metric like "val accuracy 8/255"."""
    levels = [f" {show_level(eps)}" if eps else "" for eps in metrics["eps"]]
    names = metrics["split"] + " " + metrics["name"] + pd.Series(levels, metrics.index, dtype=object)
    long = metrics.assign(column=names).drop_duplicates(["epoch", "column"], keep="last")
    wide = long.pivot(index="epoch", columns="column", values="value")[list(names.unique())]
    return wide.rename_axis(columns=None).reset_index()


def margin_table(margins: pd.DataFrame) -> pd.DataFrame:
    """reader.margins with the sample's id first and the margin in 1/255 beside it."""
    table = margins.rename(columns={"idx": "id"})
    table.insert(table.columns.get_loc("margin") + 1, "margin_255", (table["margin"] * 255.0).round(3))
    return table


def model_card(config: TrainConfig, meta: Mapping[str, Any], table: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """The card of a trained network, in Markdown.

    meta: reader.meta; table: accuracy_table of this run; provenance: smd.provenance.provenance of its start.
    """
    defense = defense_title(config)
    shown = table.drop(columns=["run", "defense"])
    return CARD.format(
        defense=_cell(defense), data=_cell(_title(registry.DATASETS, config.data)),
        facts=to_markdown(pd.DataFrame(_facts(config, meta, provenance), columns=["", "as trained"])),
        table=to_markdown(shown) if len(shown) else "Nothing was attacked yet.",
    )  # fmt: skip


def _facts(config: TrainConfig, meta: Mapping[str, Any], provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    classes = ", ".join(str(name) for name in meta.get("classes", ()))
    commit = provenance.get("commit") or "unknown"
    changed = ", with changes that were not committed" if provenance.get("dirty") else ""
    versions = ", ".join(f"{name} {version}" for name, version in provenance.get("packages", {}).items())
    return [
        ("Data", _title(registry.DATASETS, config.data)),
        ("Source", registry.DATASETS[config.data].source if config.data in registry.DATASETS else ""),
        ("Classes", classes),
        ("Input", " x ".join(str(side) for side in meta.get("shape", ()))),
        ("Network", _title(registry.NETWORKS, config.net)),
        ("Parameters", str(meta.get("parameters", ""))),
        ("Defense", defense_title(config)),
        ("Epochs", str(config.epochs)),
        ("Batch", str(config.batch)),
        ("Seed", str(config.seed)),
        ("Code", commit + changed),
        ("Versions", f"Python {provenance.get('python', 'unknown')}, {versions}"),
    ]


def _title(table: Mapping[str, Any], name: str) -> str:
    return str(table[name].title) if name in table else name

"""How long attacks will take here, by what the last ones on the same network took."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from smd import registry
from smd.config.notes import noted
from smd.config.schema import AttackConfig
from smd.export.titles import attack_settings
from smd.frames import records
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration

from .. import data

Known = tuple[float, int]  # seconds, and how many images that is known from


def of(configs: Sequence[AttackConfig], targets: Sequence[Run]) -> Known | None:
    """Of all of them, one on each run, one after the other; None where one cannot be told."""
    each = [_one(config, run) for config, run in zip(configs, targets, strict=True)]
    known = [one for one in each if one is not None]
    if not known or len(known) < len(each):
        return None
    return sum(seconds for seconds, _ in known), min(n for _, n in known)


def about(configs: Sequence[AttackConfig], targets: Sequence[Run]) -> str:
    """The same in words: "about 4 min", "" where it cannot be told."""
    known = of(configs, targets)
    return f"about {rounded(known[0])}" if known else ""


def rounded(seconds: float) -> str:
    """A rough time in words: an estimate of minutes needs no seconds."""
    return duration(60 * round(seconds / 60) if seconds > 90 else seconds).replace(" 00 s", "")


def _one(config: AttackConfig, run: Run) -> Known | None:
    """By the last attack that took a time that can be scaled, of the same attack before others."""
    done = data.brief(reader.attack_runs, run.store)
    done = done[(done["eps"] > 0) & (done["n"] > 0) & (done["norm"] == config.norm)]
    done = done[~noted(done["note"], reader.SOUND)]  # they do a part alone
    same = done[done["name"] == config.attack]
    rows = same if len(same) else done
    if rows.empty or config.attack not in registry.ATTACKS:
        return None
    n, seeds, levels = (
        _images(config, run),
        len(config.seeds),
        config.levels or run.config.levels_in(config.norm),
    )
    last = records(rows)[-1]
    rows = rows[(rows["job"] == last["job"]) & (rows["name"] == last["name"])]
    rows = rows[rows["seed"] == rows["seed"].iloc[0]]  # later ones may take something over
    alike = config.attack == last["name"]  # whose images dropped out as these will
    before = [float(eps) for eps in rows["eps"]]
    share = len(before) if alike else _withstood(run, config.norm, before)
    pace = _pace(last, float(rows["seconds"].sum()) / max(share, 1e-3))
    passes = registry.ATTACKS[config.attack].passes(
        {p.name: p.default for p in registry.ATTACKS[config.attack].params} | dict(config.params)
    )
    left = len(levels) if alike else _withstood(run, config.norm, levels)
    return (pace * passes * n * seeds * left, int(last["n"])) if pace and passes else None


def _pace(last: Mapping[str, Any], seconds: float) -> float:
    """Seconds that a forward pass of an image took in that attack; 0 where it is not known.

    seconds: of a level in which all images stay.
    """
    entry = registry.ATTACKS.get(str(last["name"]))
    if entry is None:
        return 0.0
    settings = {p.name: p.default for p in entry.params}
    settings |= dict(word.split("=", 1) for word in attack_settings(entry.name, str(last["note"])))
    settings |= {"steps": last["steps"]} if last["steps"] > 0 else {}
    try:
        passes = entry.passes(settings)
    except ValueError:  # a store from elsewhere may note anything
        return 0.0
    return seconds / (int(last["n"]) * passes) if passes else 0.0


def _withstood(run: Run, norm: str, levels: Sequence[float]) -> float:
    """Levels, each counted by the share of images that stay in it: fooled ones drop out."""
    table = data.brief(reader.attack_table, run.store)
    table = table[table["norm"] == norm]
    shares = [table.loc[(table["eps"] - eps).abs() < 1e-6, "accuracy"].min() for eps in levels]
    return sum(1.0 if pd.isna(share) else float(share) for share in shares)


def _images(config: AttackConfig, run: Run) -> int:
    """How many images it attacks: 0 in the config means all."""
    return len(config.ids) or config.n or len(data.read(reader.samples, run.store, config.split))

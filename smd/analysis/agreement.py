"""Does an estimated margin predict what an attack does, and where do attacks disagree?

Pure functions on what smd.store.reader returns. Margins and noise levels are in the unit of x, [0,
1]. An ideal margin is larger than the noise level for just those samples that withstand it.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from smd import registry
from smd.config.notes import SOUND, noted
from smd.core.kinds import REACHED, beyond, undecided
from smd.frames import tuples
from smd.stats import wilson
from smd.units import whole_units

Kind = Literal["overestimated", "underestimated"]

# as pages and exports call them: neither says which of the two, margin or attack, is wrong
NAMED = {
    "agreement": "agreement",
    "overestimated": "margin > ε, fooled",
    "underestimated": "margin ≤ ε, robust",
}
MOST_BINS = 20

MISCLASSIFIED = "misclassified without noise"  # the first pattern, before any attack
WITHSTOOD = "robust to all"  # the last one


@dataclass(frozen=True, eq=False)
class Crosstab:
    """What margins say against what an attack did; all shares in % of n."""

    # four rows: beyond (bool), withstood (bool), kind ("agreement" or a Kind), n, percent
    table: pd.DataFrame
    n: int  # samples compared
    undecided: int  # left out: no boundary was met, but the search ended below the noise level
    agreement: float
    overestimated: float  # the margin says robust, the attack fooled it
    underestimated: float  # the margin says fooled, the attack failed


def searched(margins: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Margins that were kept while training, each as far as its image's last search went.

    Where that met no boundary, the margin has grown since and says how far the next one may go; the
    last one went to the margin of the epoch before. margins, before: idx, margin, kind of an epoch
    and of the one before it; an image that has no row there counts as searched no farther than 0.
    """
    known = margins["idx"].map(before.set_index("idx")["margin"]).fillna(0)
    far = np.minimum(margins["margin"], known).astype(np.float32)
    grown = margins["kind"] == REACHED
    return margins.assign(margin=margins["margin"].where(~grown, far))


def joined(margins: pd.DataFrame, outcome: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Margins beside one attack's verdicts, of the samples that have both -> (rows, left out).

    margins: idx, margin, clean_ok, kind (smd.core.kinds) and maybe more; outcome: idx, ok,
    broken_by. Left out are samples that are misclassified without noise, by either side's word:
    they have no margin.
    """
    both = margins.merge(outcome[["idx", "ok", "broken_by"]], on="idx")
    right = both["clean_ok"].astype(bool) & (both["broken_by"] != "clean")
    return both[right].reset_index(drop=True), int((~right).sum())


def decided(rows: pd.DataFrame, eps: float) -> pd.DataFrame:
    """The rows whose margin says something about eps: not those of a search that ended below it in
    vain."""
    return rows[~undecided(rows, eps)]


def crosstab(rows: pd.DataFrame, eps: float) -> Crosstab:
    """Margin > eps or not, against robust or fooled; rows as from `joined`, shares are nan without
    any."""
    known = decided(rows, eps)
    safe, ok = beyond(known, eps), known["ok"].astype(bool)
    cells: tuple[tuple[bool, bool, str], ...] = (
        (True, True, "agreement"),
        (True, False, "overestimated"),
        (False, True, "underestimated"),
        (False, False, "agreement"),
    )
    table = pd.DataFrame(cells, columns=["beyond", "withstood", "kind"])
    table["n"] = [int(((safe == far) & (ok == withstood)).sum()) for far, withstood, _ in cells]
    table["percent"] = 100 * table["n"] / (len(known) or np.nan)
    share = {kind: float(part.sum(skipna=False)) for kind, part in table.groupby("kind")["percent"]}
    return Crosstab(
        table,
        len(known),
        len(rows) - len(known),
        share["agreement"],
        share["overestimated"],
        share["underestimated"],
    )


def exported(rows: pd.DataFrame, eps: float) -> pd.DataFrame:
    """The crosstab as it is taken away, with the undecided below it: margin, attack, kind, n,
    percent (of decided)."""
    table = crosstab(rows, eps).table
    words = {True: "robust", False: "fooled"}
    known = pd.DataFrame(
        {
            "margin": table["beyond"].map({True: "> ε", False: "≤ ε"}),
            "attack": table["withstood"].map(words),
            "kind": table["kind"].map(NAMED),
            "n": table["n"],
            "percent": table["percent"],
        }
    )
    ok = rows.loc[undecided(rows, eps), "ok"].astype(bool)
    left = [
        ("undecided", words[flag], "undecided", int((ok == flag).sum()), np.nan)
        for flag in (True, False)
    ]
    return pd.concat([known, pd.DataFrame(left, columns=known.columns)], ignore_index=True)


def calibration(rows: pd.DataFrame, bins: int = MOST_BINS, unit: float = 1 / 255) -> pd.DataFrame:
    """The share of robust images by margin: low, high, n, percent, lo, hi.

    The bin is [low, high) in units; lo and hi are the ends of the 95 % interval in %. At most
    `bins` bins, 1, 2, 4, ... units wide so that the usual noise levels are edges; none is empty.
    """
    steps = whole_units(rows["margin"].to_numpy(), unit)
    width = 1
    while len(steps) and steps.max() >= bins * width:
        width *= 2
    groups = rows["ok"].astype(float).groupby(width * (steps // width).astype(int))
    table = groups.agg(n="size", share="mean").rename_axis("low").reset_index()
    lo, hi = wilson(table["share"].to_numpy(), table["n"].to_numpy())
    table = table.assign(
        high=table["low"] + width, percent=100 * table["share"], lo=100 * lo, hi=100 * hi
    )
    return table[["low", "high", "n", "percent", "lo", "hi"]]


def disagreeing(rows: pd.DataFrame, eps: float, kind: Kind) -> pd.DataFrame:
    """Samples where margin and attack disagree in that way, those whose margin is farthest from eps
    first."""
    known = decided(rows, eps)
    safe, ok = beyond(known, eps), known["ok"].astype(bool)
    apart = known[safe & ~ok] if kind == "overestimated" else known[~safe & ok]
    distance = (apart["margin"] - eps).abs()
    return apart.loc[distance.sort_values(ascending=False, kind="stable").index]


def patterns(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Which attacks break each sample: idx, pattern (ordered from the weakest attack on).

    outcomes: reader.outcomes, or some attacks of it; what took over the verdicts of others is left
    out (`by_themselves`). Only samples that every attack has seen with the most thorough of its
    settings are named, each once, by the weakest stage of any attack and seed that breaks it:

    * "misclassified without noise": there is nothing to break;
    * "falls to CE-PGD": to plain PGD on the cross-entropy, as CE-PGD or as CE-CW-PGD's first stage;
    * "falls to CW but not to CE-PGD": to CE-CW-PGD's second stage;
    * "falls to X": to an attack of another name, X, and to none of the above;
    * "falls to AutoAttack only (stage)": every other attack fails, an untargeted stage of
      AutoAttack does not;
    * "falls to targeted attacks only (stage)": AutoAttack's untargeted stages fail, too, a targeted
      one does not;
    * "falls to Square only": all that follow gradients fail;
    * "robust to all": all attacks fail.
    """
    common = _seen_by_all(by_themselves(outcomes))
    ok = common["ok"].astype(bool)
    stage = common["broken_by"].where(common["broken_by"] != "", common["name"])
    names = _patterns(set(stage[~ok]))
    order = [*dict.fromkeys([*names.values(), WITHSTOOD])]
    weakest = stage.map(names).where(~ok, WITHSTOOD).map(order.index).groupby(common["idx"]).min()
    kinds = pd.CategoricalDtype(order, ordered=True)
    return pd.DataFrame(
        {
            "idx": weakest.index,
            "pattern": pd.Categorical.from_codes(weakest.tolist(), dtype=kinds),
        }
    )


def by_themselves(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of attacks that took over nothing: with `--sound` an image falls to what others
    found, which says nothing of where attacks disagree."""
    return outcomes[~noted(outcomes["note"], SOUND)]


def _seen_by_all(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of the samples that every attack has seen with its most thorough settings."""
    each = [of_settings(outcomes, settings) for settings in deciding(outcomes)]
    most = pd.concat([outcomes[:0], *each])
    seen = most.groupby("idx")["name"].nunique()
    return outcomes[outcomes["idx"].map(seen).fillna(0) == outcomes["name"].nunique()]


def _patterns(met: set[str]) -> dict[str, str]:
    """Stage -> pattern, from the weakest to the strongest.

    met: names of stages; those that the registry does not know come before the strongest attack's,
    whose patterns say that all others fail.
    """
    known = {"clean": MISCLASSIFIED} | {s.name: s.pattern for s in registry.stages()}
    last = {s.name: s.pattern for s in registry.ATTACKS[registry.by_strength()[-1]].stages}
    others = {name: f"falls to {name}" for name in sorted(met - known.keys())}
    first = {name: pattern for name, pattern in known.items() if name not in last}
    return first | others | last


def counted(patterns: pd.DataFrame) -> pd.DataFrame:
    """How many samples have each pattern that occurs, the weakest attack first: pattern (text), n,
    percent."""
    counts = patterns["pattern"].value_counts(sort=False)
    counts = counts[counts > 0]
    return pd.DataFrame(
        {
            "pattern": counts.index.astype(str),
            "n": counts.to_numpy(),
            "percent": 100 * counts.to_numpy() / max(len(patterns), 1),
        }
    )


class AttackSettings(NamedTuple):
    """An attack with its settings, and how many images it has seen: what tells it from others in
    outcomes."""

    name: str
    steps: int
    n: int
    note: str


def settings_by_strength(outcomes: pd.DataFrame) -> list[AttackSettings]:
    """The attacks of reader.outcomes: by strength, then the most thorough settings, images,
    steps. Those that took over the verdicts of others come last."""
    keys = outcomes[[*AttackSettings._fields]].drop_duplicates()
    every = [AttackSettings(row.name, row.steps, row.n, row.note) for row in tuples(keys)]
    rank = {name: k for k, name in enumerate(registry.by_strength())}

    def place(a: AttackSettings) -> tuple[float, ...]:
        hard = (-rank.get(a.name, -1), -thoroughness(a.name, a.note), -a.n, -a.steps)
        return (SOUND in a.note.split(), *hard)

    return sorted(every, key=place)


def deciding(outcomes: pd.DataFrame) -> list[AttackSettings]:
    """Of each attack the most thorough settings with the most steps, which stand for it."""
    ranked = settings_by_strength(outcomes)
    most = {
        name: max((thoroughness(j.name, j.note), j.steps) for j in ranked if j.name == name)
        for name in {j.name for j in ranked}
    }
    return [j for j in ranked if (thoroughness(j.name, j.note), j.steps) == most[j.name]]


def of_settings(outcomes: pd.DataFrame, settings: AttackSettings) -> pd.DataFrame:
    """The rows of one attack."""
    same = [outcomes[name] == value for name, value in zip(settings._fields, settings, strict=True)]
    return outcomes[np.logical_and.reduce(same)]


def thoroughness(name: str, note: str) -> int:
    """How many random starts an attack takes, 1 where it does not count them; note: as it is
    stored."""
    usual = (
        {param.name: param.default for param in registry.ATTACKS[name].params}
        if name in registry.ATTACKS
        else {}
    )
    given = dict(word.split("=", 1) for word in note.split() if "=" in word)
    return int(given.get("runs", usual.get("runs", 1)))

"""What stronger attacks take from the accuracy that weaker ones leave, on the same images.

Pure functions on what smd.store.reader returns. Every attack counts at its worst: an image
withstood it if it withstood it with every seed that was tried, so that the worst of ten starts is
not held against a mean over seeds.
"""

from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from smd import registry, stats
from smd.analysis.agreement import thoroughness
from smd.config.notes import AVERAGED, SOUND, noted
from smd.export.titles import attack_settings, attack_title

LARGE = 2.0  # points between two attacks that need an explanation (paper, Sec. 5.1)
MEANING = {  # (weaker attack, stronger attack) -> what a large gap between them says
    (
        "ce-pgd",
        "ce-cw-pgd",
    ): "Either more random starts find more, or training has shaped the cross-entropy rather than"
    " the boundary, as happens with GAIRAT: then images fall to CW but not to CE-PGD.",
    (
        "ce-cw-pgd",
        "autoattack",
    ): "AutoAttack breaks what plain PGD leaves, mostly by aiming at one class after the other, as"
    " happens with MMA: the Agreement page names its stages.",
    (
        "ce-pgd",
        "autoattack",
    ): "CE-PGD alone flatters this network; CE-CW-PGD on the same images would tell whether its"
    " loss or its aim fails.",
}
OTHER = "The stronger one breaks images that the weaker one leaves, so the weaker one flatters."
UNUSUAL = "One of them ran with other settings than usual: the usual ones may tell something else."
COLUMNS = [
    "split",
    "norm",
    "eps",
    "n",
    "weaker",
    "stronger",
    "weaker_seeds",
    "stronger_seeds",
    "before",
    "after",
    "gap",
    "only_weaker",
    "only_stronger",
    "p",
    "flag",
    "meaning",
]


class Attack(NamedTuple):
    """One attack with its settings at one level, and what became of the images."""

    name: str
    steps: int
    note: str
    images: pd.DataFrame  # by idx: ok (withstood every seed), seeds, patient

    @property
    def title(self) -> str:
        """As tables name it, with its steps and settings."""
        return attack_title(self.name, self.note, self.steps)


def gaps(verdicts: pd.DataFrame) -> pd.DataFrame:
    """A row a level and pair of attacks that follow each other in strength, on the images that both
    have seen.

    verdicts: reader.image_verdicts of one run. Columns: split, norm, eps, n (images), weaker,
    stronger (titles with steps and settings), weaker_seeds, stronger_seeds (how many each is the
    worst of), before, after (%), gap (points), only_weaker, only_stronger (images that only the one
    breaks), p (McNemar's exact test, or over patients where the column patient knows them), flag
    (gap > 2, see the paper's Sec. 5.1, and p < 5 %), meaning ("" without flag). Of an attack with
    several settings or numbers of steps the most thorough counts, under its own title. What took
    over the verdicts of others is left out (taken_over): it is less strict nowhere by construction,
    so that no test tells a gap.
    """
    ranked, rows = registry.by_strength(), _judged(verdicts)
    rows = rows[~noted(rows["note"], SOUND)]
    strongest = []
    averaged = noted(rows["note"], AVERAGED)  # another network
    kinds = ["split", "norm", rows["eps"].round(6), averaged.rename("averaged")]
    for (split, norm, *_), part in rows.groupby(kinds):
        here = set(part["name"].unique())
        present = [_strongest(part[part["name"] == name]) for name in ranked if name in here]
        for weaker, stronger in pairwise(present):
            if row := _gap(weaker, stronger):
                strongest.append({"split": split, "norm": norm, "eps": part["eps"].iloc[0], **row})
    return pd.DataFrame(strongest, columns=COLUMNS)


def _judged(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Those under an attack of a strength that is known."""
    known = verdicts["name"].isin(registry.by_strength())
    return verdicts[(verdicts["eps"] > 0) & known]


def taken_over(verdicts: pd.DataFrame) -> str:
    """A sentence on how many accuracies are left out of `gaps`, as their attacks took over what was
    known; "" where none is."""
    rows = _judged(verdicts)
    kinds = ["name", "steps", "norm", "split", "n", "note", rows["eps"].round(6)]
    left = rows[noted(rows["note"], SOUND)].groupby(kinds, dropna=False).ngroups
    if not left:
        return ""
    some = f"{left} accuracies with {SOUND} are" if left > 1 else f"One accuracy with {SOUND} is"
    return f"{some} left out: such an attack takes over what others found, so no test tells a gap."


def _strongest(rows: pd.DataFrame) -> Attack:
    """Of one attack the most thorough settings; images that were attacked more than once count at
    their worst."""
    kinds = rows.assign(steps=rows["steps"].fillna(0).astype(int), note=rows["note"].fillna(""))
    kinds["patient"] = rows.get("patient")
    groups: dict[tuple[str, int, str], pd.DataFrame] = {}
    for _, part in kinds.groupby(["name", "steps", "note"]):
        first = part.iloc[0]
        groups[str(first["name"]), int(first["steps"]), str(first["note"])] = part
    name, steps, note = max(groups, key=lambda kind: (thoroughness(kind[0], kind[2]), kind[1]))
    return Attack(name, steps, note, _of_each(groups[name, steps, note]))


def _of_each(rows: pd.DataFrame) -> pd.DataFrame:
    """By idx: ok, seeds, patient."""
    if rows["idx"].is_unique:  # as most are, and to group them would take the longest of all
        return rows.set_index("idx")[["ok", "seeds", "patient"]]
    worst = {"ok": ("ok", "all"), "seeds": ("seeds", "max"), "patient": ("patient", "first")}
    return rows.groupby("idx").agg(**worst)


def _gap(weaker: Attack, stronger: Attack) -> dict[str, object] | None:
    both = weaker.images.merge(stronger.images, on="idx", suffixes=("_weaker", "_stronger"))
    if both.empty:
        return None
    one, two = both["ok_weaker"].astype(float), both["ok_stronger"].astype(float)
    gap = round(100 * float(one.mean() - two.mean()), 6)
    p = stats.p_value(one, two, both["patient_weaker"])
    flag = gap > LARGE and p is not None and p < stats.LEVEL
    settings = [*attack_settings(weaker.name, weaker.note)]
    settings += attack_settings(stronger.name, stronger.note)
    usual = set(settings) <= {AVERAGED}  # both are of the same weights
    meaning = MEANING.get((weaker.name, stronger.name), OTHER) if usual else UNUSUAL
    return {
        "n": len(both),
        "weaker": weaker.title,
        "stronger": stronger.title,
        "weaker_seeds": int(both["seeds_weaker"].max()),
        "stronger_seeds": int(both["seeds_stronger"].max()),
        "before": 100 * float(one.mean()),
        "after": 100 * float(two.mean()),
        "gap": gap,
        "only_weaker": int((two > one).sum()),
        "only_stronger": int((one > two).sum()),
        "p": p,
        "flag": flag,
        "meaning": meaning if flag else "",
    }

"""Runs by their worst case: only attacks that all of them faced count, on the images that all of
these attacked, and an image is robust if it withstands every one of them with every seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from smd import registry, stats
from smd.frames import groups
from smd.store.attack_tables import AVERAGED

SAME = 1e-6  # levels that differ by less are the same
ATTACK = ["name", "steps", "note"]
Key = tuple[str, int, str]  # of an attack: the values of ATTACK; steps 0 where they do not matter
Verdicts = Mapping[str, pd.DataFrame]  # run's name -> reader.image_verdicts


@dataclass(frozen=True)
class Place:
    """How one run fared on the n images of its ranking. Accuracies are shares in [0, 1]."""

    run: str
    clean: float  # nan: not known of all the images
    robust: float
    interval: tuple[float, float]  # Wilson's 95 % interval of robust for n images
    seeds: int  # the fewest that one of the attacks was run with
    # two-sided, of a paired test of no difference to the run before; nan of the first
    p: float


@dataclass(frozen=True)
class Ranking:
    """Runs from the best to the worst, and what that rests on."""

    places: tuple[Place, ...]
    attacks: tuple[Key, ...]
    eps: float
    n: int


def rankings(verdicts: Verdicts, split: str) -> list[Ranking]:
    """A ranking for each noise level (L∞) at which there can be one, ascending."""
    tables = {run: _of(table, split) for run, table in verdicts.items()}
    known = {round(float(eps), 9) for table in tables.values() for eps in table["eps"].unique()}
    each = [ranking(tables, eps) for eps in sorted(known) if eps > 0]
    return [one for one in each if one is not None]


def ranking(tables: Verdicts, eps: float) -> Ranking | None:
    """The runs by their worst case at a level (unit of x); None where they share no attack on the
    same images.

    Where the attacks that all faced share no images, the strongest of those that do count.
    """
    faced = {run: _attacks(table, eps) for run, table in tables.items()}
    shared, common = _overlapping(faced)
    if not len(common):
        return None
    worst = {
        run: pd.concat([own[key]["ok"].loc[common] for key in shared], axis=1).all(axis=1)
        for run, own in faced.items()
    }
    order = sorted(worst, key=lambda run: -float(worst[run].mean()))
    places = [
        _place(run, worst, tables[run], [faced[run][key] for key in shared], before)
        for run, before in zip(order, ["", *order], strict=False)
    ]
    return Ranking(tuple(places), tuple(shared), eps, len(common))


def _of(table: pd.DataFrame, split: str) -> pd.DataFrame:
    """The verdicts in L∞ on the last weights of a split's images, by the images themselves."""
    averaged = table["note"].fillna("").str.contains(AVERAGED, regex=False)
    rows = table[(table["split"] == split) & (table["norm"] == "Linf") & ~averaged]
    rows = rows.dropna(subset=["source"])
    return rows.assign(
        note=rows["note"].fillna(""), steps=rows["steps"].fillna(0).astype(int)
    ).set_index(["images", "source"])


def _attacks(table: pd.DataFrame, eps: float) -> dict[Key, pd.DataFrame]:
    """The verdicts at a level by attack; an image that an attack met with different n counts once,
    as of the largest."""
    rows = table[(table["eps"] - eps).abs() < SAME].sort_values("n", kind="stable")
    return {
        (str(name), int(steps), str(note)): part[~part.index.duplicated(keep="last")]
        for (name, steps, note), part in groups(rows, ATTACK, sort=False)
    }


def _strength(key: Key) -> tuple[int, int]:
    """The strongest attacks keep their images, where others share none with them."""
    ranked = registry.by_strength()
    return ranked.index(key[0]) if key[0] in ranked else -1, key[1]


def _overlapping(faced: Mapping[str, Mapping[Key, pd.DataFrame]]) -> tuple[list[Key], pd.Index]:
    """The attacks that all runs faced on some images in common, the strongest first, and these
    images."""
    kept: list[Key] = []
    common = pd.Index([])
    for key in sorted(set.intersection(*map(set, faced.values())), key=_strength, reverse=True):
        images = [own[key].index for own in faced.values()]
        both = common if kept else images[0]
        for each in images:
            both = both.intersection(each)
        if len(both):
            kept, common = [*kept, key], both
    return kept, common


def _place(
    run: str,
    worst: Mapping[str, "pd.Series[bool]"],
    table: pd.DataFrame,
    attacks: Sequence[pd.DataFrame],
    before: str,
) -> Place:
    ok = worst[run].astype(float)
    unharmed = table[table["eps"] < SAME]
    clean = unharmed.loc[~unharmed.index.duplicated(), "share"].reindex(ok.index)
    p = stats.p_value(worst[before].astype(float), ok) if before else None
    return Place(
        run,
        float(clean.mean()) if clean.notna().all() else float("nan"),
        float(ok.mean()),
        stats.wilson_of_one(float(ok.mean()), len(ok)),
        min(int(attack["seeds"].min()) for attack in attacks),
        float("nan") if p is None else p,
    )

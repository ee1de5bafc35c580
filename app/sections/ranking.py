"""The chosen runs from the best to the worst, by the worst of the attacks that all of them faced on
the very same images with the same seeds; and buttons for attacks not faced by all of them yet."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.analysis.ranking import Ranking, rankings
from smd.config import parsing
from smd.config.notes import noted
from smd.config.schema import AttackConfig
from smd.errors import UserError
from smd.export.percent import shown as percent
from smd.export.titles import attack_settings
from smd.frames import groups
from smd.jobs import read
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.units import NOISE, epsilon, show_level

from .. import actions, data
from ..components import attack_time, run_names, states, tables
from ..components.plain import plain
from . import next_steps

SPLIT = "test"
Stores = tuple[tuple[str, str, tuple[int, ...]], ...]  # run's name, its store, the store's stamp
NOTHING = (
    "There is no ranking yet: it needs an attack that all chosen runs faced on the same images with"
    " the same seed."
)
HELP = (
    "An image counts as robust if it withstands every attack named above, with every seed that all"
    " these runs share. The interval is Wilson's for n images, too narrow where several are of one"
    " patient. p: a paired test against the run above on these images, over patients where they are"
    " known, two-sided; from 0.05 on the difference may be chance. Each run is one"
    " training: how far another seed would move it is in neither."
)
TAKEN_OVER = (
    "Attacks that took over what was known (sound=yes) do not count here: each run's store knows of"
    " other attacks."
)


def norm_of(chosen: Sequence[Run]) -> str:
    """The norm in which these runs are ranked: that of all of them, else Linf."""
    norms = {run.config.norm for run in chosen}
    return norms.pop() if len(norms) == 1 else "Linf"


def ranked(_store: Path, stores: Stores, norm: str) -> list[Ranking]:
    """A ranking of these runs for each noise level; for data.value, which asks again when a store
    has changed."""
    verdicts = {name: reader.seed_verdicts(Path(store), SPLIT) for name, store, _ in stores}
    return rankings(verdicts, SPLIT, norm)


def section(chosen: Sequence[Run]) -> None:
    """The ranking at a level of choice, at first the largest one that the first run watched."""
    stores = tuple(
        (run_names.shown(run.id), str(run.store), reader.stamp(run.store)) for run in chosen
    )
    known: list[Ranking] = data.value(ranked, chosen[0].store, stores, norm_of(chosen))
    st.header("Ranking by the worst attack")
    missing(chosen)
    if any(_taken_over(run) for run in chosen):
        st.caption(TAKEN_OVER)
    if not known:
        st.info(NOTHING, icon=":material/leaderboard:")
        return
    norm = norm_of(chosen)
    found = at_level(known, chosen[0].config.levels_in(norm), norm)
    on = (
        f"the same {found.n:,} {SPLIT} images" if len(chosen) > 1 else f"{found.n:,} {SPLIT} images"
    )
    against = " and ".join(export.attack_title(n, note, steps) for n, steps, note in found.attacks)
    st.markdown(f"Worst case of {plain(against)}, on {on}. {plain(said(found, chosen))}")
    rows = table(found, chosen)
    tables.show(rows, key="ranking", column_config=tables.fitting(rows))
    st.caption(HELP)


def at_level(known: Sequence[Ranking], watched: Sequence[float], norm: str) -> Ranking:
    """The ranking at the chosen level."""
    offered = {show_level(one.eps, norm): one for one in known}
    usual = [name for name in offered if name in {show_level(eps, norm) for eps in watched}]
    first = (usual or list(offered))[-1]
    level = st.segmented_control(
        f"Noise level {epsilon(norm)}",
        list(offered),
        default=first,
        required=True,
        key="ranking-level",
        help=NOISE[norm],
    )
    return offered.get(str(level), offered[first])


def table(found: Ranking, chosen: Sequence[Run]) -> pd.DataFrame:
    """A row a run: its place and defense, accuracies with n and interval, seeds, p."""
    titles = {run_names.shown(run.id): export.defense_title(run.config) for run in chosen}
    return pd.DataFrame(
        {
            "place": range(1, len(found.places) + 1),
            "defense": [titles[place.run] for place in found.places],
            "worst case (%)": [
                f"{percent(100 * p.robust)} ({percent(100 * p.interval[0])}–"
                f"{percent(100 * p.interval[1])})"
                for p in found.places
            ],
            "n": [found.n] * len(found.places),
            "clean (%)": [percent(100 * place.clean) for place in found.places],
            "seeds": [found.seeds] * len(found.places),
            "p": ["" if place.p != place.p else p_value(place.p) for place in found.places],
            "run": [place.run for place in found.places],
        }
    )


def said(found: Ranking, chosen: Sequence[Run]) -> str:
    """Whether the first is better than the second, or nobody can tell."""
    if len(found.places) < 2:
        return ""
    titles = {run_names.shown(run.id): export.defense_title(run.config) for run in chosen}
    first, second = found.places[:2]
    one, two = (
        place.run if titles[first.run] == titles[second.run] else f"the {titles[place.run]} run"
        for place in (first, second)
    )
    begun = one[0].upper() + one[1:]
    if second.p < 0.05:
        points = 100 * (first.robust - second.robust)
        return (
            f"{begun} withstands more than {two}, by {points:.1f} points (p {p_value(second.p)})."
        )
    return f"{begun} and {two} cannot be told apart (p {p_value(second.p)})."


def p_value(p: float) -> str:
    """As it stands behind "p": smaller ones are told from no others."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def missing(chosen: Sequence[Run]) -> None:
    """A button for the strongest attack that some chosen runs faced and others did not; where none
    has faced the yardstick, for that."""
    for config, lacking in unmatched(chosen)[:1] or untried(chosen):
        configs = [replace(config, run=run.id) for run in lacking]
        title = export.attack_title(config.attack, "", int(config.params.get("steps", 0)))
        took = attack_time.about(configs, lacking)
        names = " and ".join(run_names.shown(run.id) for run in lacking)
        same = "the same " * (len(lacking) < len(chosen))
        if actions.button(
            f"{title} on {same}{config.n} images" + f" ({took})" * bool(took),
            key="same-images",
            icon=":material/bolt:",
            help=f"Attacks {plain(names)}, {'one after the other' * (len(lacking) > 1)}"
            f"{'' if len(lacking) > 1 else 'which lacks it'}.",
        ):
            queued = [
                states.attempt(actions.start, run, one)
                for run, one in zip(lacking, configs, strict=True)
            ]
            if all(queued):
                st.rerun()


def untried(chosen: Sequence[Run]) -> list[tuple[AttackConfig, list[Run]]]:
    """The yardstick on all chosen runs; nothing where one of them has faced it, or is about to."""
    norm = norm_of(chosen)
    faced = {key[0] for run in chosen for key in _faced(run, norm)}
    waiting = any(
        read(folder).state in ("queued", "running")
        for run in chosen
        for folder in folders.jobs_of(run, "attack")
    )
    if next_steps.YARDSTICK in faced or waiting:
        return []
    usual = next_steps.yardstick_config(chosen[0])
    levels = chosen[0].config.levels_in(norm)
    return [(replace(usual, norm=norm, levels=levels), list(chosen))]


def unmatched(chosen: Sequence[Run]) -> list[tuple[AttackConfig, list[Run]]]:
    """Attacks on test images (last weights) that some chosen runs faced and others did not, the
    strongest first: what it takes to put those under it."""
    faced = {run.id: _faced(run, norm_of(chosen)) for run in chosen}
    every = {key: config for own in faced.values() for key, config in own.items()}
    lacking = [
        (config, [run for run in chosen if not _alike(config, faced[run.id].get(key))])
        for key, config in every.items()
    ]
    strength = registry.by_strength()
    found = [(config, runs) for config, runs in lacking if runs and config.attack in strength]
    return sorted(found, key=lambda pair: (strength.index(pair[0].attack), pair[0].n), reverse=True)


def _alike(config: AttackConfig, own: AttackConfig | None) -> bool:
    """Whether some seed is in both."""
    return own is not None and not set(config.seeds).isdisjoint(own.seeds)


def _taken_over(run: Run) -> bool:
    """Whether the run faced an attack that took over earlier verdicts."""
    return bool(noted(_done(run, run.config.norm)["note"], reader.SOUND).any())


def _done(run: Run, norm: str) -> pd.DataFrame:
    """The attacks on test images in that norm, those on images picked by hand aside."""
    done = data.brief(reader.attack_runs, run.store)
    done = done[(done["split"] == SPLIT) & (done["norm"] == norm) & (done["eps"] > 0)]
    return done[~done["picked"].astype(bool)].fillna({"steps": 0, "note": ""})


def _faced(run: Run, norm: str) -> dict[tuple[object, ...], AttackConfig]:
    """What a run was put under, as it would be asked for again; what cannot be ranked is none."""
    done = _done(run, norm)
    done = done[~noted(done["note"], reader.SOUND, reader.AVERAGED)]
    found: dict[tuple[object, ...], AttackConfig] = {}
    for key, part in groups(done, ["name", "steps", "n", "note"]):
        with suppress(UserError):  # of a newer version
            found[key] = _again(run, str(key[0]), int(key[1]), str(key[3]), part)
    return found


def _again(run: Run, name: str, steps: int, note: str, part: pd.DataFrame) -> AttackConfig:
    """The config of an attack that is stored; raises UserError where its settings are unknown."""
    words = [f"steps={steps}"] * (steps > 0) + attack_settings(name, note)
    _, params = parsing.parse_choice(":".join([name, *words]), registry.ATTACKS, "attack")
    return AttackConfig(
        run.id,
        name,
        params,
        norm=str(part["norm"].iloc[0]),
        levels=tuple(sorted({float(eps) for eps in part["eps"]})),
        n=int(part["n"].iloc[0]),
        seeds=tuple(sorted({int(seed) for seed in part["seed"]})),
    )

"""The form that starts attacks: what is usual in sight, the rest behind "More"."""

from dataclasses import replace

import streamlit as st

from smd import registry
from smd.config import commands, options, schema
from smd.config.schema import AttackConfig
from smd.registry import Attack
from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_levels

from .. import actions, data
from ..components import attack_time, states
from . import fields, knobs

SPREAD = "Spread evenly over the split."


def form(chosen: list[Run]) -> None:
    """Choose an attack on those runs, see the command, start it."""
    wrong: list[str] = []
    config, named = _fields(chosen, wrong)
    entry = registry.ATTACKS[config.attack]
    source = f"{entry.source[0].upper()}{entry.source[1:]}"
    st.caption(f"{entry.description} {source}.")
    sizes = _sizes(chosen, config.split)
    configs = [
        replace(config, run=r.id, n=min(config.n, size or config.n))
        for r, size in zip(chosen, sizes, strict=True)
    ]
    if named:
        configs = [_on_set(one, r, named) for one, r in zip(configs, chosen, strict=True)]
    if not knobs.told(wrong):
        st.markdown(_time(configs, chosen))
        own = commands.shared(run.config.norm for run in chosen)
        told = "\n".join(_commands(configs, own))
        st.code(told, language="bash", wrap_lines=True)
    start, quick = _buttons(bool(wrong))
    if quick:
        configs = [schema.preview(one, size) for one, size in zip(configs, sizes, strict=True)]
    if start or quick:
        pairs = zip(chosen, configs, strict=True)
        queued = [states.attempt(actions.start, run, one) for run, one in pairs]
        if all(queued):
            st.rerun()


def _on_set(config: AttackConfig, run: Run, name: str) -> AttackConfig:
    """The same attack on the images of that run's set."""
    ids = image_sets.of_split(run, config.split)[name]
    return replace(config, ids=ids, n=len(ids), named=name)


def _time(configs: list[AttackConfig], chosen: list[Run]) -> str:
    """How long it will take, before anybody clicks."""
    known = attack_time.of(configs, chosen)
    on = f" on {len(chosen)} runs, one after the other" if len(chosen) > 1 else ""
    if known is None:
        return f":material/timer: Time{on}: {registry.ATTACKS[configs[0].attack].cost}."
    return (
        f":material/timer: **About {attack_time.rounded(known[0])}**{on}, by the last attack of its"
        f" sort on {known[1]:,} images."
    )


def _buttons(disabled: bool) -> tuple[bool, bool]:
    """Whether the attack was started, and whether a quick look at what it may show was."""
    with st.container(horizontal=True):
        start = actions.button(
            "Attack",
            type="primary",
            icon=":material/bolt:",
            key="start-attack",
            disabled=disabled,
        )
        quick = actions.button(
            "Preview",
            icon=":material/timer:",
            key="preview-attack",
            disabled=disabled,
            help="Within seconds: CE-PGD with 20 steps on at most 500 images.",
        )
    return start, quick


def _commands(configs: list[AttackConfig], own: str) -> list[str]:
    """One command for all runs that are attacked the same way; of a set each run has its own. own:
    as for commands.words."""
    alike: dict[str, list[AttackConfig]] = {}
    for one in configs:
        same = replace(one, run="", ids=(), n=0) if one.named else replace(one, run="")
        alike.setdefault(repr(same), []).append(one)
    return [
        commands.attack_command(first, *(one.run for one in others), own=own)
        for first, *others in alike.values()
    ]


def _fields(chosen: list[Run], wrong: list[str]) -> tuple[AttackConfig, str]:
    """The attack without its run, and the name of the set that it is on, if it is on one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = fields.entry(AttackConfig, "attack", key="attack", width=180)
        levels = _levels(chosen[0], wrong)
        split = st.session_state.get("attack-split") or "test"
        most = max(_sizes(chosen, split), default=0) or None
        n = fields.number(
            AttackConfig,
            "n",
            min(500, most or 500),
            least=1,
            most=most,
            key=f"n-{chosen[0].config.data}",
            width=140,
            help=SPREAD,
        )
        named = fields.of_set(chosen, split, key="attack-set", width=160)
        with st.popover("More", icon=":material/tune:"):
            config = _more(registry.ATTACKS[name], chosen[0].config.norm, wrong)
            weights = fields.weights(AttackConfig, chosen, key="attack-weights")
    return replace(config, n=n, levels=levels, weights=weights), named


def _levels(run: Run, wrong: list[str]) -> tuple[float, ...]:
    """The noise levels, in the norm that "More" names, at first the run's."""
    norm = st.session_state.get(norm_key(run.config.norm)) or run.config.norm
    usual = show_levels(run.config.levels_in(norm), norm)
    key = f"eps-{run.config.data}" if norm == "Linf" else "eps-L2"
    help = "Like 2/255,4/255,8/255 or 0.031; pixels are in [0, 1]. In L2: lengths like 0.5."
    levels = knobs.levels(AttackConfig, usual, key, wrong, help, norm)
    if norm != "Linf" and not levels and not wrong:
        wrong.append(f"Noise levels: there is none; write them like {usual}.")
    return levels


def norm_key(first: str) -> str:
    """The field of the norm, which runs in L2 have of their own: theirs begins with L2."""
    return "norm" if first == "Linf" else f"norm-{first}"


def _more(entry: Attack, first: str, wrong: list[str]) -> AttackConfig:
    """What is seldom changed; first: the norm to begin with."""
    split = fields.choice(AttackConfig, "split", key="attack-split")
    help = "How the noise is measured."
    norm = fields.choice(AttackConfig, "norm", first, key=norm_key(first), help=help)
    seeds = st.number_input(  # so many of them
        options.field(AttackConfig, "seeds").title,
        1,
        20,
        len(entry.seeds),
        key=f"seeds-{entry.name}",
        help="The table shows their mean and spread.",
    )
    given = {
        p.name: knobs.knob(p, f"{entry.name}-{p.name}", wrong) for p in entry.params if p.in_form
    }
    sound = st.checkbox(
        options.field(AttackConfig, "sound").title,
        key="attack-sound",
        help="An image that any attack broke in a smaller ball counts as broken, a certified one as"
        " robust, without being attacked; else each level and seed is by itself, as in the paper."
        " Tables show no spread over seeds of such an attack, and the ranking leaves it out.",
    )
    changed = {
        p.name: given[p.name] for p in entry.params if p.in_form and given[p.name] != p.default
    }
    each = tuple(range(int(seeds)))
    return AttackConfig("", entry.name, changed, norm, split=split, seeds=each, sound=bool(sound))


def _sizes(chosen: list[Run], split: object) -> list[int]:
    """How many images of the split each run has; 0 if it is not known yet."""
    return [len(data.read(reader.samples, run.store, str(split))) for run in chosen]

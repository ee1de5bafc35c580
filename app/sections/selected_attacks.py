"""What attacks did to the selected images, against what they did to all of the split."""

import pandas as pd
import streamlit as st

from smd import export
from smd.config.schema import AttackConfig
from smd.frames import groups
from smd.store import reader
from smd.units import level_title

from .. import actions, data
from ..components import downloads, gallery, run_names, states, tables
from ..components.plain import plain
from ..selection import verdicts
from ..selection.selected import Selection

MOST = 500  # images of a selection that are attacked at once
STEPS = 20
ROBUST = "robust (%)"
ATTACK_HELP = f"CE-PGD with {STEPS} steps; every image's verdict and adversarial example are kept."


def section(chosen: Selection) -> None:
    """Nothing as long as all images are meant; else their verdicts, and a button that attacks
    them."""
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    if chosen.everything:
        return
    st.header(f"The selected images: {chosen.title}")
    if chosen.rows.empty:
        st.caption("No image matches: widen the filters above.")
        return
    table, name = compared(chosen), plain(run_names.shown(chosen.run.id))
    if table.empty:
        st.caption(f"No attack on the {chosen.images} of {name} has seen them.")
    else:
        tables.show(table, key="selected-verdicts", alt=said(table))
        downloads.of_table(table, f"{run_names.link(chosen.run.id)}-selected")
    n = min(len(chosen.rows), MOST)
    clicked = actions.button(
        f"Attack these {n} images",
        icon=":material/bolt:",
        key="attack-selected",
        help=ATTACK_HELP,
    )
    if clicked and states.attempt(_attack, chosen, n):
        st.rerun()


def images(chosen: Selection) -> None:
    """The selected images themselves."""
    if not chosen.everything and len(chosen.rows):
        st.header(chosen.title)
        gallery.show(chosen.run, chosen.rows, chosen.split, "attacks")


def compared(chosen: Selection) -> pd.DataFrame:
    """A row an attack and level: noise level, attack, seen, robust (%), all images (%), difference
    (points).

    Of the selected images also those count that were attacked by hand; all images are those of a
    whole attack.
    """
    rows, attacks = [], data.read(reader.attack_runs, chosen.run.store)
    here = attacks[(attacks["eps"] > 0) & (attacks["split"] == chosen.split)]
    for norm, eps in sorted(set(zip(here["norm"], here["eps"].astype(float), strict=True))):
        asked = chosen.run.store, chosen.split, eps, norm
        whole, every = (data.read(reader.outcomes, *asked, picked) for picked in (False, True))
        seen = every[every["idx"].isin(chosen.rows["idx"])]
        for (name, steps, note), part in groups(seen, ["name", "steps", "note"]):
            alike = verdicts.of_attack(whole, str(name), int(steps), str(note))
            title = export.attack_title(str(name), str(note), int(steps))
            about = {"noise level": level_title(eps, norm), "attack": title}
            rows.append(about | _shares(part, alike))
    return pd.DataFrame(rows)


def _shares(part: pd.DataFrame, whole: pd.DataFrame) -> dict[str, float]:
    """How many of the selected images are robust against an attack, and how many of all."""
    own = verdicts.of_each_image(part)
    most = whole[whole["n"] == whole["n"].max()]
    share, of_all = 100 * float(own["ok"].mean()), 100 * float(most["ok"].mean())
    return {
        "seen": len(own),
        ROBUST: round(share, 2),
        "all images (%)": round(of_all, 2),
        "difference (points)": round(share - of_all, 2),
    }


def said(table: pd.DataFrame) -> str:
    """The finding in a sentence."""
    last = table.iloc[-1]
    return (
        f"{last[ROBUST]:.1f} % of the selected images are robust against {last['attack']} at"
        f" {last['noise level']}."
    )


def _attack(chosen: Selection, n: int) -> None:
    ids = tuple(int(idx) for idx in chosen.rows["idx"].head(n))
    config = AttackConfig(
        run=chosen.run.id,
        split=chosen.split,
        ids=ids,
        norm=chosen.run.config.norm,
        levels=chosen.run.config.levels,
        params={"steps": STEPS},
        seeds=(0,),
        keep=n,
    )
    actions.start(chosen.run, config)

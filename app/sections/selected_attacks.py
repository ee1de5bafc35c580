"""What attacks did to the selected images, against what they did to all of the split."""

import pandas as pd
import streamlit as st

from smd import export
from smd.config.schema import AttackConfig
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import actions, data
from ..components import gallery, ui
from ..components.plain import plain
from ..selection import selected
from ..selection.selected import Selection

MOST = 500  # images of a selection that are attacked at once
STEPS = 20


def section(run: Run) -> None:
    """Nothing as long as all images are meant; else their verdicts, and a button that attacks
    them."""
    chosen = selected.of(run)
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    if chosen.everything:
        return
    st.subheader(f"The selected images: {chosen.title}")
    if chosen.rows.empty:
        st.caption("No image matches: widen the filters in the sidebar.")
        return
    table = verdicts(run, chosen)
    if table.empty:
        st.caption(
            f"No attack on the {selected.SPLITS[chosen.asked.split]} of {ui.name(run.id)} has seen"
            " them."
        )
    else:
        ui.table(table, key="selected-verdicts", alt=said(table))
        ui.downloads(table, f"{ui.name(run.id)}-selected")
    n = min(len(chosen.rows), MOST)
    clicked = actions.button(
        f"Attack these {n} images",
        icon=":material/bolt:",
        key="attack-selected",
        help=f"CE-PGD with {STEPS} steps; every image's verdict and twin are kept.",
    )
    if clicked and ui.attempt(_attack, run, chosen, n):
        st.rerun()


def images(run: Run) -> None:
    """The selected images themselves."""
    chosen = selected.of(run)
    if not chosen.everything and len(chosen.rows):
        st.subheader(chosen.title)
        gallery.show(run, chosen.rows, chosen.asked.split, "attacks")


def verdicts(run: Run, chosen: Selection) -> pd.DataFrame:
    """A row an attack and level.

    Noise level, attack, seen, withstood (%), all images (%), difference (points).

    Of the selected images also those count that were attacked by hand; all images are those of a
    whole attack.
    """
    split, rows = chosen.asked.split, []
    attacks = data.read(reader.attack_runs, run.store)
    here = (attacks["eps"] > 0) & (attacks["split"] == split) & (attacks["norm"] == "Linf")
    for eps in sorted(attacks.loc[here, "eps"].unique()):
        whole = data.read(reader.outcomes, run.store, split, float(eps))
        every = data.read(reader.outcomes, run.store, split, float(eps), "Linf", True)
        seen = every[every["idx"].isin(chosen.rows["idx"])]
        for (name, steps, note), part in seen.groupby(["name", "steps", "note"]):
            own = part.sort_values("n").drop_duplicates("idx", keep="last")
            alike = whole[
                (whole["name"] == name) & (whole["steps"] == steps) & (whole["note"] == note)
            ]
            alike = alike[alike["n"] == alike["n"].max()]
            share, all_of_them = 100 * float(own["ok"].mean()), 100 * float(alike["ok"].mean())
            title = export.attack_title(str(name), str(note), int(steps))
            rows.append(
                {
                    "noise level": show_level(float(eps)),
                    "attack": title,
                    "seen": len(own),
                    "withstood (%)": round(share, 2),
                    "all images (%)": round(all_of_them, 2),
                    "difference (points)": round(share - all_of_them, 2),
                }
            )
    return pd.DataFrame(rows)


def said(table: pd.DataFrame) -> str:
    """The finding in a sentence."""
    last = table.iloc[-1]
    return (
        f"{last['withstood (%)']:.1f} % of the selected images withstand {last['attack']} at"
        f" {last['noise level']}."
    )


def _attack(run: Run, chosen: Selection, n: int) -> None:
    ids = tuple(int(idx) for idx in chosen.rows["idx"].head(n))
    asked = AttackConfig(
        run=run.id,
        split=chosen.asked.split,
        ids=ids,
        levels=run.config.levels,
        params={"steps": STEPS},
        seeds=(0,),
        keep=n,
    )
    actions.start(run, asked)

"""Attacks: attack trained networks at chosen noise levels and put the accuracies side by side."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from smd import export, jobs, registry
from smd.analysis import gaps
from smd.analysis.flags import FLAGS
from smd.experiments import published
from smd.export.titles import attack_settings
from smd.jobs import Status
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title, show_level

from .. import data
from ..components import job_rows, standing, ui
from ..components.plain import plain
from ..forms import attack as attack_form
from ..sections import disagreement, selected_attacks
from ..selection import runs as chosen_runs

known = {run.id: run for run in folders.all_runs()}
if not known:
    ui.nothing_yet()
ready = {i: r for i, r in known.items() if r.weights.exists() and ui.readable(r)}
if not ready:
    st.info(
        "Attacks need trained weights, and no run has any that this version can read.",
        icon=":material/bolt:",
    )
    for other in list(known.values())[:6]:
        why = standing.words(other.status, "It can be attacked", "its training is over")
        st.markdown(
            f"**{ui.name(other.id)}**:"
            f" {plain(why if not other.weights.exists() else 'it cannot be read.')}"
        )
    st.stop()
chosen = chosen_runs.choose(ready)
if not chosen:
    st.info("Choose one run or more.", icon=":material/arrow_upward:")
    st.stop()


def attack_jobs() -> list[tuple[Run, Path, Status]]:
    return [
        (run, folder, jobs.read(folder))
        for run in chosen
        for folder in folders.jobs_of(run, "attack")
    ]


def under_way() -> None:
    attacks = attack_jobs()
    busy = [job for job in attacks if job[2].state in ("queued", "running")]
    before = st.session_state.get("busy-attacks", 0)
    st.session_state["busy-attacks"] = len(busy)
    if len(busy) < before:
        st.rerun()
    for run, folder, status in attacks:
        job_rows.row(folder, status, ui.name(run.id))


def measured() -> pd.DataFrame:
    """The cells of the chosen runs, without attacks on training images that were asked for one by
    one."""
    tables = {ui.name(r.id): (r.config, data.read(reader.attack_table, r.store)) for r in chosen}
    return export.accuracy_cells(tables)


def printed(part: pd.DataFrame, attack: str, steps: int, split: str, norm: str) -> pd.DataFrame:
    """The paper's cells beside ours, where it has any for this data set and attack with as many
    steps."""
    if not st.session_state.get("paper") or split != "test" or norm != "Linf":
        return part
    rows = [published.rows(name, attack) for name in dict.fromkeys(part["data"])]
    rows = [found[found["steps"].isin([0, steps])] for found in rows]
    return pd.concat([part, *(r for r in rows if not r.empty)], ignore_index=True)


def section(attack: str, steps: int, norm: str, split: str, note: str, part: pd.DataFrame) -> None:
    """One table in the paper's shape: rows are runs, columns noise levels."""
    key = "-".join([attack, str(steps), norm, split, *attack_settings(attack, note)]).replace(
        "=", ""
    )
    more = [norm] * (norm != "Linf") + [f"{split} images"]
    title = ", ".join([export.attack_title(attack, note, steps), *more])
    st.subheader(title)
    cells = part if attack_settings(attack, note) else printed(part, attack, steps, split, norm)
    table = export.wide(cells)
    asked = st.session_state.get("shown")
    shown = LAID_OUT[asked](cells) if asked in LAID_OUT else table
    concise = export.concise(table).columns
    hidden = [
        n for n in table.columns if n in ("attack", "steps", "norm", "split") or n not in concise
    ]
    shown = shown.drop(columns=hidden)[
        [name for name in table.columns if name in shown and name not in hidden]
    ]
    bold = export.best(
        cells, {ui.name(r.id): data.read(reader.image_verdicts, r.store) for r in chosen}
    )[shown.columns]
    weight = bold.replace({True: "font-weight: bold", False: ""})
    style = shown.style.format(
        "{:.2f}", subset=list(shown.select_dtypes("float").columns), na_rep=export.EMPTY
    )
    ui.table(
        style.apply(lambda _: weight, axis=None),
        key=f"table-{key}",
        column_config=ui.fitting(shown),
    )
    flags(attack, steps, norm, split, note)
    ui.downloads(shown, f"accuracy-{key}", bold, title)


def flags(attack: str, steps: int, norm: str, split: str, note: str) -> None:
    """What the attack itself found suspicious, as badges; pointing at one tells what it means."""
    for run in chosen:
        rows = data.read(reader.attack_flags, run.store)
        rows = rows[
            (rows["name"] == attack)
            & (rows["steps"] == steps)
            & (rows["norm"] == norm)
            & (rows["note"] == note)
        ]
        found = rows[rows["split"] == split].groupby("flag", sort=False)["eps"].unique()
        if found.empty:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(ui.name(run.id), width="content")
            for name, levels in found.items():
                label, meaning = FLAGS.get(str(name), (str(name), ""))
                at = ", ".join(show_level(eps, norm) for eps in sorted(levels))
                st.badge(
                    f"{label} at {at}", icon=":material/warning:", color="orange", help=meaning
                )


def warnings() -> None:
    """Attacks that disagree by more than two points, and not by chance, say more than any of them
    alone (Sec. 5.1)."""
    for run in chosen:
        found = gaps.gaps(data.read(reader.image_verdicts, run.store))
        for row in found[found["flag"]].itertuples():
            before, after = (
                f"{disagreement.worst(name, seeds)}, {percent:.2f} %"
                for name, seeds, percent in (
                    (row.weaker, row.weaker_seeds, row.before),
                    (row.stronger, row.stronger_seeds, row.after),
                )
            )
            st.warning(
                f"**{ui.name(run.id)}** at {level_title(row.eps, row.norm)}: {before}; {after}, "
                f"on the same {row.n:,} {row.split} images "
                f"(p = {row.p:.1g}). {row.meaning}",
                icon=":material/difference:",
            )


def entries() -> None:
    """Each run in the shape of RobustBench's model_info files."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("As RobustBench's model info:", width="content")
        for run in chosen:
            ui.download(
                ui.name(run.id),
                f"robustbench-{ui.name(run.id)}.json",
                "application/json",
                partial(entry, run),
            )


def entry(run: Run) -> str:
    cells = export.accuracy_cells(
        {ui.name(run.id): (run.config, data.read(reader.attack_table, run.store))}
    )
    about = run.about
    return export.to_robustbench(run.config, data.value(reader.meta, run.store), cells, about)


ACCURACY, INTERVALS, SPREADS = "accuracy", "with intervals", "with spread over attack seeds"
LAID_OUT = {INTERVALS: export.interval_table, SPREADS: export.spread_table}
attack_form.form(chosen)
busy = any(status.state in ("queued", "running") for _, _, status in attack_jobs())
st.fragment(under_way, run_every="2s" if busy else None)()
# of the runs whose tables stand here, that of the sidebar
one = ready.get(st.session_state.get("run", ""))
if one:
    selected_attacks.section(one)
everything = measured()
everything = everything[everything["split"] != "train"]
if everything.empty:
    if one:
        selected_attacks.images(one)
    st.info(
        "Nothing has been attacked yet: press Attack, or Preview for a quick look.",
        icon=":material/bolt:",
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    st.segmented_control(
        "In the cells",
        (ACCURACY, INTERVALS, SPREADS),
        default=ACCURACY,
        required=True,
        key="shown",
        label_visibility="collapsed",
        help="The 95 % interval for n images; or ±, the standard deviation over the seeds of the"
        " attack.",
    )
    if any(not published.rows(r.config.data).empty for r in chosen):
        st.toggle(
            "Published rows",
            value=True,
            key="paper",
            help="The paper's own tables, always marked as such.",
        )
warnings()
strength = {name: k for k, name in enumerate(registry.ATTACKS)}
everything = everything.assign(rank=everything["attack"].map(strength).fillna(len(strength)))
everything = everything.sort_values(
    ["norm", "split", "rank", "steps"], ascending=[True, True, True, False], kind="stable"
)
for kind, part in everything.groupby(["norm", "split", "attack", "steps", "note"], sort=False):
    norm, split, name, steps, note = kind
    section(str(name), int(steps), str(norm), str(split), str(note), part)
st.caption(
    "Accuracy in % of n images at each noise level; 0 is clean. Over several attack seeds it is"
    f" their mean. Avg. is the mean of clean and the levels that the run watched. {export.BOLD} The"
    " paper's rows take no part. An image that is misclassified when clean counts as broken at"
    " every level. The paper prints no n: it stands as 0."
)
entries()
if one:
    selected_attacks.images(one)

"""Compare: all runs in one table, what they differ in, and their curves in one chart."""

import json

import charts
import cloning
import curves
import data
import look
import notes_section
import pandas as pd
import pareto_chart
import streamlit as st
import ui

from smd import config, export, notes, runs
from smd.notes import Notes
from smd.runs import Run
from smd.store import reader
from smd.units import show_level

everything = runs.all_runs()
if not everything:
    ui.nothing_yet()


def overview(run: Run, noted: Notes) -> dict[str, object]:
    """One row of the table."""
    status = run.status
    row: dict[str, object] = {
        "run": run.id, "state": status.state, "started": ui.when(status.created), "pinned": noted.pinned,
        "tags": list(noted.tags),
    }  # fmt: skip
    if not ui.readable(run):
        return row
    asked = run.config
    own = data.brief(reader.validation, run.store)
    final = own[own["epoch"] == own["epoch"].max()] if len(own) else own
    clean, robust = final[final["eps"] == 0]["value"], final[final["eps"] > 0].sort_values("eps")
    return row | {
        "defense": export.defense_title(asked),
        "data": asked.data,
        "network": asked.net,
        "epochs": f"{own['epoch'].max() if len(own) else 0} / {asked.epochs}",
        "clean (%)": 100 * float(clean.iloc[0]) if len(clean) else None,
        "robust (%)": 100 * float(robust["value"].iloc[-1]) if len(robust) else None,
        "at": show_level(float(robust["eps"].iloc[-1])) if len(robust) else "",
        "curve": [100 * v for v in own[own["eps"] == own["eps"].max()].sort_values("epoch")["value"]],
    }


def differences(chosen: list[Run]) -> pd.DataFrame:
    """The settings in which the chosen runs differ, one column a run."""
    columns = {
        ui.name(r.id): {
            k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in config.to_json(r.config).items()
        }
        for r in chosen
    }
    frame = pd.DataFrame(columns)
    return frame[frame.nunique(axis=1) > 1].rename_axis("setting").reset_index()


def series(chosen: list[Run], name: str, split: str, eps: float, factor: float) -> pd.DataFrame:
    parts = []
    for run in chosen:
        rows = data.read(reader.metrics, run.store)
        rows = rows[(rows["name"] == name) & (rows["split"] == split) & ((rows["eps"] - eps).abs() < 1e-9)]
        about = {"run": ui.name(run.id), "defense": run.config.defense}
        spent = rows["epoch"].map(curves.hours(data.read(reader.metrics, run.store)))
        parts.append(rows.assign(**about, shown=factor * rows["value"], hours=spent))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def measures(chosen: list[Run]) -> dict[str, tuple[str, str, float, float]]:
    """What can be drawn: title -> (metric, split, noise level, factor)."""
    levels = sorted({eps for r in chosen for eps in r.config.levels[-2:]})
    return {
        "clean accuracy, validation (%)": ("accuracy", "val", 0.0, 100.0),
        **{f"accuracy at {show_level(e)}, validation (%)": ("accuracy", "val", e, 100.0) for e in levels},
        "loss on clean images, training (nats)": ("loss_clean", "train", 0.0, 1.0),
        "mean margin (1/255)": ("margin_mean", "train", 0.0, 255.0),
        "seconds an epoch": ("seconds", "train", 0.0, 1.0),
    }


def listed() -> list[tuple[Run, Notes]]:
    """The runs of the table: pinned ones first, without hidden ones, those with the wanted tags."""
    noted = [(run, notes.read(run)) for run in everything]
    tags, hidden = sorted({tag for _, each in noted for tag in each.tags}), sum(each.hidden for _, each in noted)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.multiselect("Tags", tags, key="tag", bind="query-params", width=320) if tags else []
        if hidden:
            st.toggle(f"Show {hidden} hidden", key="hidden", bind="query-params")
    shown = noted if st.session_state.get("hidden") else [(run, each) for run, each in noted if not each.hidden]
    shown = [(run, each) for run, each in shown if set(wanted) <= set(each.tags)]
    return sorted(shown, key=lambda pair: not pair[1].pinned)


def tick(key: str, ids: list[str]) -> None:
    """For the table's callback: which runs are ticked, by what they are and not by where they stand."""
    st.session_state["compare"] = [ids[k] for k in st.session_state[key].selection.rows]


def ticked_in_link() -> list[str]:
    """The ids of the ticked runs, at first those of the address; they are kept there."""
    if "compare" not in st.session_state:
        asked = st.query_params.get("compare", "").split(",")
        st.session_state["compare"] = [run.id for run in everything if ui.name(run.id) in asked]
    ids = [run.id for run in everything if run.id in st.session_state["compare"]]
    if ids:
        st.query_params["compare"] = ",".join(map(ui.name, ids))
    elif "compare" in st.query_params:
        del st.query_params["compare"]
    return ids


def acts(ticked: list[Run]) -> None:
    """What can be done with the ticked runs."""
    with st.container(horizontal=True, gap="small"):
        noted = [notes.read(run) for run in ticked]
        pin, hide = not all(each.pinned for each in noted), not all(each.hidden for each in noted)
        if st.button("Pin" if pin else "Unpin", icon=":material/keep:", disabled=not ticked, key="pin"):
            mark(ticked, pinned=pin)
        if st.button("Hide" if hide else "Unhide", icon=":material/visibility_off:", disabled=not ticked, key="hide"):
            mark(ticked, hidden=hide)
        one = len(ticked) == 1
        if st.button("Clone into the form", icon=":material/content_copy:", disabled=not one, key="clone",
                     help="Tick one run to train another like it."):  # fmt: skip
            ui.attempt(cloning.into_form, ticked[0].config)
        if one:
            st.page_link("views/live.py", label="Open", icon=":material/monitoring:",
                         query_params={"run": ui.name(ticked[0].id)})  # fmt: skip


def mark(ticked: list[Run], pinned: bool | None = None, hidden: bool | None = None) -> None:
    for run in ticked:
        notes_section.save(run, pinned=pinned, hidden=hidden)
    st.rerun()


table = listed()
known, ids = [run for run, _ in table], [run.id for run, _ in table]
rows = pd.DataFrame([overview(run, noted) for run, noted in table])
if rows.empty:
    st.info("No run has these tags, or all are hidden: change the filters.", icon=":material/filter_alt_off:")
    st.stop()
st.caption("Tick runs to see what they differ in and to lay their curves over each other.")
in_link = ticked_in_link()
key = f"runs-{hash(tuple(ids))}"  # another table where runs come, go or move: ticks belong to runs, not to rows
st.dataframe(
    rows, hide_index=True, on_select=lambda: tick(key, ids), selection_mode="multi-row", key=key,
    selection_default={"selection": {"rows": [k for k, i in enumerate(ids) if i in in_link]}},
    alt=f"{len(rows)} runs with their settings and accuracies.",
    column_config={
        "pinned": st.column_config.CheckboxColumn(help="Pinned runs come first."),
        "tags": st.column_config.ListColumn(help="Written on Live, under Notes and tags."),
        "clean (%)": st.column_config.NumberColumn(format="%.2f", help="Validation images, last epoch."),
        "robust (%)": st.column_config.NumberColumn(format="%.2f", help="Validation images, quick PGD, last epoch."),
        "at": st.column_config.TextColumn(help="The noise level of the robust accuracy."),
        "curve": st.column_config.LineChartColumn("robust, by epoch", y_min=0, y_max=100),
    },
)  # fmt: skip
acts([run for run in known if run.id in in_link])
ui.downloads(rows.drop(columns="curve", errors="ignore"), "runs")
ticked = [run for run in known if run.id in in_link] or known[:4]
chosen = [run for run in ticked if ui.readable(run)]
grid = ui.pair()
with grid.cell():
    st.subheader("Curves")
    options = measures(chosen)
    title = st.selectbox(
        "Show", list(options), index=min(2, len(options) - 1), key="measure", label_visibility="collapsed"
    )
    drawn = series(chosen, *options[title])
    if drawn.empty:
        st.caption("None of these runs has measured that yet.")
    else:
        how = look.choose()
        best = drawn.loc[drawn["shown"].idxmax()]
        st.altair_chart(
            curves.overlay(drawn, title, how), key="overlay",
            alt=f"{title} of {len(chosen)} runs; the highest is {best['shown']:.4g}, of {best['run']}.",
        )  # fmt: skip
        ui.downloads(drawn[["run", "epoch", "value"]], "curves")
with grid.cell():
    st.subheader("What differs")
    table = differences(chosen) if len(chosen) > 1 else pd.DataFrame()
    if table.empty:
        st.caption("Choose two runs or more that differ in something.")
    else:
        st.dataframe(table, hide_index=True, key="differences")
        ui.downloads(table, "differences")
tables = {ui.name(r.id): (r, data.read(reader.attack_table, r.store)) for r in chosen}
named = {name: (run.config, table) for name, (run, table) in tables.items()}
points = export.robustness_points(named)
if not points.empty:
    st.subheader("Accuracy against the noise level")
    name = export.attack_title(points["attack"].iloc[0])
    st.caption(f"Test images under {name}, {points['steps'].iloc[0]} steps, with the 95 % interval.")
    most = points[points["eps"] == points["eps"].max()].sort_values("percent").iloc[-1]
    st.altair_chart(
        charts.robustness(points), key="robustness",
        alt=f"At {show_level(float(most['eps']))} {most['run']} keeps most: {most['percent']:.1f} %.",
    )  # fmt: skip
pareto = export.pareto_points(named)
if len(pareto) > 1:
    level, attack = show_level(pareto["eps"].iloc[0]), export.attack_title(pareto["attack"].iloc[0])
    st.subheader(f"Clean against robust accuracy on {pareto['data'].iloc[0]}, {attack} at {level}")
    st.caption(
        "A point a defense: the mean over runs that differ in their seed alone, lines are their standard deviation. "
        "No point on the dashed line is beaten in both."
    )
    st.altair_chart(
        pareto_chart.pareto(pareto, level), key="pareto",
        alt="; ".join(f"{p.title}: {p.clean:.1f} % clean, {p.robust:.1f} % robust" for p in pareto.itertuples()),
    )  # fmt: skip
    ui.downloads(pareto.drop(columns="defense"), "pareto")
cells = export.grouped(named)
cells = cells[cells["split"] == "test"]
if len(cells) and (cells["run"].str.contains(" seeds of ")).any():
    st.subheader("Mean and spread over seeds")
    table = export.concise(export.interval_table(cells))
    st.dataframe(table, hide_index=True, placeholder="", key="seeds", alt="Mean and spread over seeds of each defense.")
    ui.downloads(table, "seeds")

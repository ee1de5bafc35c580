"""Compare: all runs in one table, what they differ in, and their curves in one chart."""

import json

import charts
import data
import pandas as pd
import pareto_chart
import streamlit as st
import ui

from smd import config, export, runs
from smd.runs import Run
from smd.store import reader
from smd.units import show_level

known = runs.all_runs()
if not known:
    ui.nothing_yet()


def overview(run: Run) -> dict[str, object]:
    """One row of the table."""
    status = run.status
    row: dict[str, object] = {"run": run.id, "state": status.state, "started": ui.when(status.created)}
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
        parts.append(rows.assign(run=ui.name(run.id), defense=run.config.defense, shown=factor * rows["value"]))
    return pd.concat(parts) if parts else pd.DataFrame()


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


rows = pd.DataFrame([overview(run) for run in known])
st.caption("Tick runs to see what they differ in and to lay their curves over each other.")
event = st.dataframe(
    rows, hide_index=True, on_select="rerun", selection_mode="multi-row", key="runs-table",
    column_config={
        "clean (%)": st.column_config.NumberColumn(format="%.2f", help="Validation images, last epoch."),
        "robust (%)": st.column_config.NumberColumn(format="%.2f", help="Validation images, quick PGD, last epoch."),
        "at": st.column_config.TextColumn(help="The noise level of the robust accuracy."),
        "curve": st.column_config.LineChartColumn("robust, by epoch", y_min=0, y_max=100),
    },
)  # fmt: skip
ui.downloads(rows.drop(columns="curve", errors="ignore"), "runs")
ticked = [known[i] for i in event.selection.rows if i < len(known)] or known[:4]
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
        st.altair_chart(
            charts.overlay(drawn, title), key="overlay", alt=f"{title} of {len(chosen)} runs over the epochs."
        )
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
    st.altair_chart(charts.robustness(points), key="robustness", alt="Accuracy of each run falls with the noise level.")
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

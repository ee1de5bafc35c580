"""Curves of several runs over each other, and the settings in which the runs differ."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from smd import export
from smd.config import schema
from smd.runs.folders import Run
from smd.store import reader
from smd.training import monitor_size
from smd.units import UNIT, factor, level_title

from .. import data
from ..charts import curves, linked
from ..charts.linked import Panel
from ..components import curve_controls, downloads, look_sizes, run_names, tables
from ..components.plain import plain
from . import run_rows


class Measure(NamedTuple):
    """A metric of the store, and what its values are multiplied by to be shown."""

    name: str
    split: str
    eps: float  # noise level, unit of x; 0: clean
    factor: float
    norm: str = ""  # of the runs that measure it; "": of any


ACCURACY = "accuracy"
SAME = 1e-9  # levels that differ by less are the same
LAST = " Curves are of the last weights; averaged ones are judged when the training is over."


def overlaid(chosen: list[Run]) -> None:
    """Measures of all chosen runs, below each other."""
    st.header("Curves")
    options = measures(chosen)
    read = {title: series(chosen, options[title]) for title in choose(options)}
    panels = [Panel(title, rows) for title, rows in read.items() if len(rows)]
    if not panels:
        st.caption("None of these runs has measured that yet.")
        return
    look = curve_controls.choose()
    chart = linked.overlaid(panels, look)
    st.altair_chart(chart, key="overlay", width="stretch", alt=said(panels))
    if told := undrawn(chosen, {title: options[title] for title in read}, read):
        st.caption(plain(told))
    accuracies = [options[panel.title] for panel in panels if options[panel.title].name == ACCURACY]
    if accuracies:
        st.caption(plain(sizes(chosen, any(measure.eps > 0 for measure in accuracies))))
    taken = [panel.rows.assign(measure=panel.title) for panel in panels]
    downloads.of_table(
        pd.concat(taken)[["measure", "run", "epoch", "value"]], "curves", chart=chart
    )


def choose(options: Mapping[str, Measure]) -> list[str]:
    """What is drawn: at first the clean accuracy and that under the largest noise."""
    kept = st.session_state.get("measures")
    if kept is not None and not set(kept) <= set(options):  # other runs have other levels
        st.session_state["measures"] = [title for title in kept if title in options]
    accuracies = [title for title, measure in options.items() if measure.name == ACCURACY]
    return st.multiselect(
        "Show",
        list(options),
        list(dict.fromkeys((accuracies[0], accuracies[-1]))),
        key="measures",
        bind="query-params",
        label_visibility="collapsed",
        placeholder="Choose what to draw",
    )


def said(panels: Sequence[Panel]) -> str:
    """The last values of all curves."""
    parts = []
    for panel in panels:
        last = panel.rows.sort_values("epoch").groupby("run", sort=False)["shown"].last()
        each = "; ".join(f"{run} {value:.4g}" for run, value in last.items())
        parts.append(f"{panel.title} after the last epoch: {each}")
    return ". ".join(parts)


def undrawn(
    chosen: Sequence[Run], wanted: Mapping[str, Measure], read: Mapping[str, pd.DataFrame]
) -> str:
    """One sentence on the runs that are not in a curve, and why; "" where all are."""
    parts = []
    for title, measure in wanted.items():
        drawn = set(read[title]["run"]) if len(read[title]) else set()
        why: dict[str, list[str]] = {}
        for run in chosen:
            if run_names.shown(run.id) not in drawn:
                why.setdefault(reason(run, measure), []).append(run_names.shown(run.id))
        parts += [f"{', '.join(runs)} in {title} ({because})" for because, runs in why.items()]
    return f"Not drawn: {'; '.join(parts)}." if parts else ""


def reason(run: Run, measure: Measure) -> str:
    """Why a run has no curve of a measure."""
    config = run.config
    if config.imported:
        return "trained elsewhere, so without epochs"
    if not data.value(reader.last_epoch, run.store):
        return "no epoch is done yet"
    if measure.name == "margin_mean":
        return "the defense keeps no margins"
    if measure.eps and not any(abs(eps - measure.eps) < SAME for eps in config.levels):
        return "not watched at this noise level"
    return "not measured"


def measures(chosen: list[Run]) -> dict[str, Measure]:
    """What can be drawn, by its title with the unit."""
    norms = sorted({r.config.norm for r in chosen}, reverse=True)
    watched = sorted({(r.config.norm, e) for r in chosen for e in r.config.levels[-2:]})
    attacked = {
        f"quick PGD at {level_title(e, norm)} (val, %)": Measure("accuracy", "val", e, 100.0, norm)
        for norm, e in watched
    }
    margins = {
        f"mean margin (train, {UNIT[norm]})": Measure(
            "margin_mean", "train", 0.0, factor(norm), norm
        )
        for norm in norms
    }
    return {
        "clean accuracy (val, %)": Measure("accuracy", "val", 0.0, 100.0),
        **attacked,
        "clean loss (train, nats)": Measure("loss_clean", "train", 0.0, 1.0),
        **margins,
        "seconds an epoch": Measure("seconds", "train", 0.0, 1.0),
    }


def series(chosen: list[Run], measure: Measure) -> pd.DataFrame:
    """The measure of each run over its epochs, with columns run, defense, shown, hours."""
    parts = []
    for run in chosen:
        if measure.norm not in ("", run.config.norm):
            continue
        metrics = data.read(reader.metrics, run.store)
        rows = metrics[
            (metrics["name"] == measure.name)
            & (metrics["split"] == measure.split)
            & ((metrics["eps"] - measure.eps).abs() < SAME)
        ]
        if measure.name == ACCURACY:
            rows = curves.with_sizes(rows, look_sizes.of(run))
        about = {"run": run_names.shown(run.id), "defense": run.config.defense}
        spent = rows["epoch"].map(curves.hours(metrics))
        parts.append(rows.assign(**about, shown=measure.factor * rows["value"], hours=spent))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def sizes(chosen: list[Run], attacked: bool) -> str:
    """How many validation images accuracies are of, and how sure they are at that."""
    looks = {
        run_names.shown(run.id): run_rows.quick_look(data.outline(run.store), run.config.norm)
        for run in chosen
    }
    column = f"{'quick PGD' if attacked else 'clean'}: 95 %"
    parts = [f"{run}: {row[column]}" for run, row in looks.items() if row[column]]
    at = f", largest level, PGD with {monitor_size.STEPS} steps" if attacked else ""
    averaged = any(run.config.average == "ema" for run in chosen)
    return f"95 % intervals after the last epoch{at}: " + "; ".join(parts) + "." + LAST * averaged


def differing(chosen: list[Run]) -> None:
    """A table of the settings in which the chosen runs differ."""
    st.header("What differs")
    table = differences(chosen) if len(chosen) > 1 else pd.DataFrame()
    if table.empty:
        st.caption("Choose two runs or more that differ in something.")
    else:
        tables.show(table, key="differences")
        downloads.of_table(table, "differences")


def differences(chosen: list[Run]) -> pd.DataFrame:
    """The settings in which the chosen runs differ, one column a run."""
    columns = {
        run_names.shown(r.id): {
            k: json.dumps(v) if isinstance(v, dict) else export.cell(v)
            for k, v in schema.to_json(r.config).items()
        }
        for r in chosen
    }
    frame = pd.DataFrame(columns)
    return frame[frame.nunique(axis=1) > 1].rename_axis("setting").reset_index()

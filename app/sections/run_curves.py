"""Curves of several runs over each other, and the settings in which the runs differ."""

import json
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
from ..charts import curves
from ..components import curve_controls, downloads, run_names, tables
from . import run_table


class Measure(NamedTuple):
    """A metric of the store, and what its values are multiplied by to be shown."""

    name: str
    split: str
    eps: float  # noise level, unit of x; 0: clean
    factor: float
    norm: str = ""  # of the runs that measure it; "": of any


LAST = " Curves are of the last weights; averaged ones are judged when the training is over."


def overlaid(chosen: list[Run]) -> None:
    """One measure of all chosen runs in one chart."""
    st.subheader("Curves")
    options = measures(chosen)
    title = st.selectbox(
        "Show",
        list(options),
        index=min(2, len(options) - 1),
        key="measure",
        label_visibility="collapsed",
    )
    drawn = series(chosen, options[title])
    if drawn.empty:
        st.caption("None of these runs has measured that yet.")
        return
    look = curve_controls.choose()
    last = drawn.sort_values("epoch").groupby("run", sort=False)["shown"].last()
    each = "; ".join(f"{run} {value:.4g}" for run, value in last.items())
    st.altair_chart(
        curves.overlay(drawn, title, look),
        key="overlay",
        alt=f"{title} after the last epoch: {each}",
    )
    if options[title].name == "accuracy":
        st.caption(sizes(chosen, options[title].eps > 0))
    downloads.of_table(drawn[["run", "epoch", "value"]], "curves")


def measures(chosen: list[Run]) -> dict[str, Measure]:
    """What can be drawn, by its title with the unit."""
    norms = sorted({r.config.norm for r in chosen}, reverse=True)
    watched = sorted({(r.config.norm, e) for r in chosen for e in r.config.levels[-2:]})
    attacked = {
        f"accuracy under quick PGD at {level_title(e, norm)}, validation (%)": Measure(
            "accuracy", "val", e, 100.0, norm
        )
        for norm, e in watched
    }
    margins = {
        f"mean margin of correct training images ({UNIT[norm]})": Measure(
            "margin_mean", "train", 0.0, factor(norm), norm
        )
        for norm in norms
    }
    return {
        "clean accuracy, validation (%)": Measure("accuracy", "val", 0.0, 100.0),
        **attacked,
        "loss on clean images, training (nats)": Measure("loss_clean", "train", 0.0, 1.0),
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
            & ((metrics["eps"] - measure.eps).abs() < 1e-9)
        ]
        about = {"run": run_names.name(run.id), "defense": run.config.defense}
        spent = rows["epoch"].map(curves.hours(metrics))
        parts.append(rows.assign(**about, shown=measure.factor * rows["value"], hours=spent))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def sizes(chosen: list[Run], attacked: bool) -> str:
    """How many validation images accuracies are of, and how sure they are at that."""
    looks = {
        run_names.name(run.id): run_table.quick_look(run, data.brief(reader.validation, run.store))
        for run in chosen
    }
    column = f"{'quick PGD' if attacked else 'clean'}: 95 %"
    parts = [f"{run}: {row[column]}" for run, row in looks.items() if row[column]]
    at = f", largest level, PGD with {monitor_size.STEPS} steps" if attacked else ""
    averaged = any(run.config.average == "ema" for run in chosen)
    return f"95 % intervals after the last epoch{at}: " + "; ".join(parts) + "." + LAST * averaged


def differing(chosen: list[Run]) -> None:
    """A table of the settings in which the chosen runs differ."""
    st.subheader("What differs")
    table = differences(chosen) if len(chosen) > 1 else pd.DataFrame()
    if table.empty:
        st.caption("Choose two runs or more that differ in something.")
    else:
        tables.show(table, key="differences")
        downloads.of_table(table, "differences")


def differences(chosen: list[Run]) -> pd.DataFrame:
    """The settings in which the chosen runs differ, one column a run."""
    columns = {
        run_names.name(r.id): {
            k: json.dumps(v) if isinstance(v, dict) else export.cell(v)
            for k, v in schema.to_json(r.config).items()
        }
        for r in chosen
    }
    frame = pd.DataFrame(columns)
    return frame[frame.nunique(axis=1) > 1].rename_axis("setting").reset_index()

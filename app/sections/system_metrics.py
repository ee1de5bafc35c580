"""What a run took of the machine: processor, memory and GPU over the time it worked."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from smd.jobs import system_metrics
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import style
from ..components import downloads, layout, run_names

SHOWN = {  # name -> title, unit, divisor
    system_metrics.PROCESSOR: ("Processor", "% of all cores", 1.0),
    system_metrics.MEMORY: ("Memory", "GiB", 2.0**30),
    system_metrics.GPU: ("GPU", "%", 1.0),
    system_metrics.GPU_MEMORY: ("GPU memory", "GiB", 2.0**30),
}
# times the pause before or after, which doubles at most: the job was not working meanwhile
GAP = 5.0


def section(run: Run) -> None:
    """A small chart for each reading; nothing where there are none."""
    rows = data.read(reader.gauges, run.store)
    counts = rows["name"].value_counts()
    known = [name for name in SHOWN if counts.get(name, 0) > 1]
    if not known:
        return
    with st.expander("What it took of the machine", icon=":material/memory:"):
        grid = layout.pair()
        for name in known:
            title, unit, divisor = SHOWN[name]
            own = timed(rows[rows["name"] == name], divisor)
            words = finding(own, title, unit)
            with grid.cell():
                st.markdown(f"**{words}**")
                st.altair_chart(chart(own, unit), key=f"gauge-{name}", alt=f"{words}.")
        taken = rows.pivot_table(index="moment", columns="name", values="value").reset_index()
        downloads.of_table(taken, f"{run_names.link(run.id)}-machine")


def timed(rows: pd.DataFrame, divisor: float) -> pd.DataFrame:
    """Readings as they are drawn.

    Minutes since the first one, shown, the stretch of work each belongs to, and weight, the seconds
    that it stands for.
    """
    rows = rows.sort_values("moment")
    pause = rows["moment"].diff()
    around = pd.concat([pause.shift(), pause.shift(-1)], axis=1).min(axis=1)
    apart = pause > GAP * around
    return rows.assign(
        minutes=(rows["moment"] - rows["moment"].iloc[0]) / 60,
        shown=rows["value"] / divisor,
        stretch=apart.cumsum(),
        weight=pause.mask(apart).bfill().ffill(),
    )


def finding(rows: pd.DataFrame, title: str, unit: str) -> str:
    """What a reading was on average over the time worked, and at most."""
    mean = np.average(rows["shown"], weights=rows["weight"])
    return f"{title}: {mean:.1f} {unit} on average, {rows['shown'].max():.1f} at most"


def chart(rows: pd.DataFrame, unit: str) -> alt.Chart:
    """One reading over time; a line for each stretch of work."""
    return (
        alt.Chart(rows, height=180)
        .mark_line(strokeWidth=1.5, color=style.COLOURS["smd"])
        .encode(
            alt.X("minutes:Q", title="minutes since the job began"),
            alt.Y("shown:Q", title=unit, scale=alt.Scale(zero=True)),
            alt.Detail("stretch:N"),
            tooltip=[
                alt.Tooltip("minutes:Q", format=".1f", title="minutes"),
                alt.Tooltip("shown:Q", format=".1f", title=unit),
            ],
        )
    )

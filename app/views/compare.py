"""Compare: all runs in one table, what they differ in, and their curves in one chart."""

import json
import math

import pandas as pd
import streamlit as st

from smd import export
from smd.config import schema
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.runs.notes import Notes
from smd.store import reader
from smd.training import monitor_size
from smd.units import show_level

from .. import actions, data, pages
from ..charts import basic, curves
from ..charts import pareto as pareto_chart
from ..components import curve_controls, going_back, ui
from ..forms import cloning
from ..sections import notes as notes_section

LAST = ("network", "started", "pinned", "tags")  # columns that may stand beyond the window's edge
everything = folders.all_runs()
if not everything:
    ui.nothing_yet()


def overview(run: Run, noted: Notes) -> dict[str, object]:
    """One row of the table."""
    status = run.status
    row: dict[str, object] = {
        "run": run.id,
        "state": status.state,
        "started": ui.when(status.created),
        "pinned": noted.pinned,
        "tags": list(noted.tags),
    }
    if not ui.readable(run):
        return row
    asked = run.config
    own = data.brief(reader.validation, run.store)
    return row | {
        "defense": export.defense_title(asked),
        "data": asked.data,
        "network": asked.net,
        "epochs": f"{own['epoch'].max() if len(own) else 0} / {asked.epochs}",
        **quick_look(run, own),
        "curve": [
            100 * v for v in own[own["eps"] == own["eps"].max()].sort_values("epoch")["value"]
        ],
    }


def quick_look(run: Run, own: pd.DataFrame) -> dict[str, object]:
    """Accuracy on validation images after the last epoch, clean and under a short PGD, with n and
    95 % interval."""
    final = own[own["epoch"] == own["epoch"].max()].sort_values("eps") if len(own) else own
    sizes = data.brief(reader.split_sizes, run.store).set_index("split")["n"]
    seen = monitor_size.images(int(sizes.get("train", 0)), int(sizes.get("val", 0)))
    found: dict[str, object] = {}
    for name, n, rows in zip(
        ("clean", "quick PGD"),
        seen,
        (final[final["eps"] == 0], final[final["eps"] > 0]),
        strict=True,
    ):
        share = float(rows["value"].iloc[-1]) if len(rows) else math.nan
        sure = f"{export.interval(share, n)}, n = {n:,}" if len(rows) and n else ""
        found |= {f"{name} (val, %)": 100 * share, f"{name}: 95 %": sure}
        if name != "clean":
            found["at"] = show_level(float(rows["eps"].iloc[-1])) if len(rows) else ""
    return found


def differences(chosen: list[Run]) -> pd.DataFrame:
    """The settings in which the chosen runs differ, one column a run."""
    columns = {
        ui.name(r.id): {
            k: json.dumps(v) if isinstance(v, dict) else export.cell(v)
            for k, v in schema.to_json(r.config).items()
        }
        for r in chosen
    }
    frame = pd.DataFrame(columns)
    return frame[frame.nunique(axis=1) > 1].rename_axis("setting").reset_index()


def series(chosen: list[Run], name: str, split: str, eps: float, factor: float) -> pd.DataFrame:
    parts = []
    for run in chosen:
        rows = data.read(reader.metrics, run.store)
        rows = rows[
            (rows["name"] == name) & (rows["split"] == split) & ((rows["eps"] - eps).abs() < 1e-9)
        ]
        about = {"run": ui.name(run.id), "defense": run.config.defense}
        spent = rows["epoch"].map(curves.hours(data.read(reader.metrics, run.store)))
        parts.append(rows.assign(**about, shown=factor * rows["value"], hours=spent))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def measures(chosen: list[Run]) -> dict[str, tuple[str, str, float, float]]:
    """What can be drawn: title -> (metric, split, noise level, factor)."""
    levels = sorted({eps for r in chosen for eps in r.config.levels[-2:]})
    return {
        "clean accuracy, validation (%)": ("accuracy", "val", 0.0, 100.0),
        **{
            f"accuracy under quick PGD at {show_level(e)}, validation (%)": (
                "accuracy",
                "val",
                e,
                100.0,
            )
            for e in levels
        },
        "loss on clean images, training (nats)": ("loss_clean", "train", 0.0, 1.0),
        "mean margin of correct training images (1/255)": ("margin_mean", "train", 0.0, 255.0),
        "seconds an epoch": ("seconds", "train", 0.0, 1.0),
    }


def sizes(chosen: list[Run], attacked: bool) -> str:
    """How many validation images accuracies are of, and how sure they are at that."""
    found = {
        ui.name(run.id): quick_look(run, data.brief(reader.validation, run.store)) for run in chosen
    }
    name = "quick PGD" if attacked else "clean"
    parts = [f"{run}: {row[f'{name}: 95 %']}" for run, row in found.items() if row[f"{name}: 95 %"]]
    at = f", largest level, PGD with {monitor_size.STEPS} steps" if attacked else ""
    return f"95 % intervals after the last epoch{at}: " + "; ".join(parts) + "."


def listed() -> list[tuple[Run, Notes]]:
    """The runs of the table: pinned ones first, without hidden ones, those with the wanted tags."""
    noted = [(run, notes.read(run)) for run in everything]
    tags, hidden = (
        sorted({tag for _, each in noted for tag in each.tags}),
        sum(each.hidden for _, each in noted),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = (
            st.multiselect("Tags", tags, key="tag", bind="query-params", width=320) if tags else []
        )
        if hidden:
            st.toggle(f"Show {hidden} hidden", key="hidden", bind="query-params")
    shown = (
        noted
        if st.session_state.get("hidden")
        else [(run, each) for run, each in noted if not each.hidden]
    )
    shown = [(run, each) for run, each in shown if set(wanted) <= set(each.tags)]
    return sorted(shown, key=lambda pair: not pair[1].pinned)


def tick(key: str, ids: list[str]) -> None:
    """For the table's callback: which runs are ticked, by what they are and not by where they
    stand."""
    st.session_state["compare"] = [ids[k] for k in st.session_state[key].selection.rows]


def ticked_in_link() -> list[str]:
    """The ids of the ticked runs, at first those of the address; they are kept there."""
    if "compare" not in st.session_state or going_back.went_back():
        asked = st.query_params.get("compare", "").split(",")
        st.session_state["compare"] = [run.id for run in everything if ui.name(run.id) in asked]
    ids = [run.id for run in everything if run.id in st.session_state["compare"]]
    if ids:
        st.query_params["compare"] = ",".join(map(ui.name, ids))
    elif "compare" in st.query_params:
        del st.query_params["compare"]
    return ids


def choices(ticked: list[Run]) -> None:
    """What can be done with the ticked runs."""
    with st.container(horizontal=True, gap="small"):
        noted = [notes.read(run) for run in ticked]
        pin, hide = not all(each.pinned for each in noted), not all(each.hidden for each in noted)
        if actions.button(
            "Pin" if pin else "Unpin", icon=":material/keep:", disabled=not ticked, key="pin"
        ):
            mark(ticked, pinned=pin)
        if actions.button(
            "Hide" if hide else "Unhide",
            icon=":material/visibility_off:",
            disabled=not ticked,
            key="hide",
        ):
            mark(ticked, hidden=hide)
        one = len(ticked) == 1
        if actions.button(
            "Clone into the form",
            icon=":material/content_copy:",
            disabled=not one,
            key="clone",
            help="Tick one run to train another like it.",
        ):
            ui.attempt(cloning.into_form, ticked[0].config)
        if one:
            st.page_link(
                pages.link("live"),
                label="Open",
                icon=":material/monitoring:",
                query_params={"run": ui.name(ticked[0].id)},
            )


def mark(ticked: list[Run], pinned: bool | None = None, hidden: bool | None = None) -> None:
    for run in ticked:
        notes_section.save(run, pinned=pinned, hidden=hidden)
    st.rerun()


table = listed()
known, ids = [run for run, _ in table], [run.id for run, _ in table]
rows = pd.DataFrame([overview(run, noted) for run, noted in table])
rows = rows[[name for name in rows if name not in LAST] + [name for name in LAST if name in rows]]
if rows.empty:
    st.info(
        "No run has these tags, or all are hidden: change the filters.",
        icon=":material/filter_alt_off:",
    )
    st.stop()
st.caption("Tick runs to see what they differ in and to lay their curves over each other.")
in_link = ticked_in_link()
# another table where runs come, go or move: ticks belong to runs, not to rows
key = f"runs-{hash(tuple(ids))}"
ui.table(
    rows,
    on_select=lambda: tick(key, ids),
    selection_mode="multi-row",
    key=key,
    selection_default={"selection": {"rows": [k for k, i in enumerate(ids) if i in in_link]}},
    alt=f"{len(rows)} runs with their settings and accuracies.",
    column_config={
        "pinned": st.column_config.CheckboxColumn(help="Pinned runs come first."),
        "tags": st.column_config.ListColumn(help="Written on Live, under Notes and tags."),
        "clean (val, %)": st.column_config.NumberColumn(
            format="%.2f", help="Clean validation images, last epoch."
        ),
        "quick PGD (val, %)": st.column_config.NumberColumn(
            format="%.2f",
            help=f"Validation images under PGD with {monitor_size.STEPS} steps, last epoch: a quick"
            " look, no judgement. A stronger attack finds more.",
        ),
        "at": st.column_config.TextColumn(help="The noise level of the quick PGD."),
        **{
            f"{name}: 95 %": st.column_config.TextColumn(
                help="The 95 % interval for n validation images."
            )
            for name in ("clean", "quick PGD")
        },
        "curve": st.column_config.LineChartColumn("quick PGD, by epoch", y_min=0, y_max=100),
    },
)
choices([run for run in known if run.id in in_link])
ui.downloads(rows.drop(columns="curve", errors="ignore"), "runs")
ticked = [run for run in known if run.id in in_link] or known[:4]
chosen = [run for run in ticked if ui.readable(run)]
grid = ui.pair()
with grid.cell():
    st.subheader("Curves")
    options = measures(chosen)
    title = st.selectbox(
        "Show",
        list(options),
        index=min(2, len(options) - 1),
        key="measure",
        label_visibility="collapsed",
    )
    drawn = series(chosen, *options[title])
    if drawn.empty:
        st.caption("None of these runs has measured that yet.")
    else:
        how = curve_controls.choose()
        last = drawn.sort_values("epoch").groupby("run", sort=False)["shown"].last()
        st.altair_chart(
            curves.overlay(drawn, title, how),
            key="overlay",
            alt=f"{title} after the last epoch: "
            + "; ".join(f"{run} {value:.4g}" for run, value in last.items()),
        )
        if options[title][0] == "accuracy":
            st.caption(sizes(chosen, options[title][2] > 0))
        ui.downloads(drawn[["run", "epoch", "value"]], "curves")
with grid.cell():
    st.subheader("What differs")
    table = differences(chosen) if len(chosen) > 1 else pd.DataFrame()
    if table.empty:
        st.caption("Choose two runs or more that differ in something.")
    else:
        ui.table(table, key="differences")
        ui.downloads(table, "differences")
tables = {ui.name(r.id): (r, data.read(reader.attack_table, r.store)) for r in chosen}
named = {name: (run.config, table) for name, (run, table) in tables.items()}
verdicts = {name: data.read(reader.image_verdicts, run.store) for name, (run, _) in tables.items()}
points = export.robustness_points(named)
if not points.empty:
    st.subheader("Accuracy against the noise level")
    name = export.attack_title(
        points["attack"].iloc[0], points["note"].iloc[0], int(points["steps"].iloc[0])
    )
    numbers = sorted(points["n"].unique())
    images = " or ".join(f"{n:,}" for n in numbers)
    st.caption(f"{images} test images under {name}, with the 95 % interval for so many images.")
    most = points[points["eps"] == points["eps"].max()]
    st.altair_chart(
        basic.robustness(points),
        key="robustness",
        alt=f"At {show_level(float(most['eps'].iloc[0]))}: "
        + "; ".join(
            f"{p.run} {p.percent:.1f} % ({p.low:.1f} to {p.high:.1f})" for p in most.itertuples()
        ),
    )
pareto = export.pareto_points(named, verdicts)
if len(pareto) > 1:
    level = show_level(pareto["eps"].iloc[0])
    attack = export.attack_title(
        pareto["attack"].iloc[0], pareto["note"].iloc[0], int(pareto["steps"].iloc[0])
    )
    st.subheader(f"Clean against robust accuracy on {pareto['data'].iloc[0]}, {attack} at {level}")
    images = " or ".join(f"{n:,}" for n in sorted(pareto["n"].unique()))
    st.caption(
        f"A point a defense, on {images} test images; of runs that differ in their seed alone it is"
        " the mean, and each training is a small point. Lines are 95 % intervals for so many"
        " images: where they overlap, points may stand as they do by chance. A hollow point is"
        " beaten: another is better in one accuracy by a paired test at 5 % on the same images,"
        " and not worse in the other; with several trainings a test over them (Welch's) has to"
        " agree."
    )
    st.altair_chart(
        pareto_chart.pareto(pareto, level),
        key="pareto",
        alt="; ".join(
            f"{p.title}: {p.clean:.1f} % clean ({p.clean_low:.1f} to {p.clean_high:.1f}),"
            f" {p.robust:.1f} % robust ({p.robust_low:.1f} to {p.robust_high:.1f})"
            for p in pareto.itertuples()
        ),
    )
    ui.downloads(pareto.drop(columns="defense"), "pareto")
cells = export.grouped(named)
cells = cells[cells["split"] == "test"]
if (cells["trainings"] > 1).any():
    st.subheader("Mean and spread over trainings")
    st.caption(
        "Runs that differ in their seed alone are trainings of one network. A spread is a standard"
        " deviation in points: over trainings it says how much a new training may change, over"
        " attack seeds how much a new attack on the same network may. The 95 % interval is that of"
        " the mean for n images."
    )
    table = export.detailed(cells)
    if (table.groupby("defense")["run"].nunique() == 1).all():
        table = table.drop(columns="run")
    decimals = {
        name: st.column_config.NumberColumn(format="%.2f")
        for name in table.select_dtypes("float").columns
    }
    ui.table(
        table,
        key="seeds",
        column_config=decimals,
        alt="Mean accuracies of each defense, with their spread over trainings.",
    )
    ui.downloads(table, "trainings")

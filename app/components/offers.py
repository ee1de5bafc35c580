"""What a page lacks, and a button that makes it.

What would be done, how long it may take, the same from a shell.
"""

import json
from dataclasses import replace
from pathlib import Path

import streamlit as st

from smd import jobs
from smd.config import commands, schema
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.errors import UserError
from smd.files import foreign
from smd.runs import folders, job_titles
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration

from .. import actions, data
from . import attack_time, job_rows, states

Config = TrainConfig | AttackConfig | EstimateConfig
Known = tuple[float, int] | None  # seconds, and how many images that is known from
FOLLOW = "2s"


def offer(key: str, config: Config, *targets: Run) -> None:
    """A button that starts what is asked for, on each of the trained runs named, unless it is under
    way already."""
    waiting = under_way(config, targets)
    st.caption(f"{title(config, len(targets))}. {time_needed(config, targets)}")
    pressed = actions.button(
        "Start it here", key=f"offer-{key}", icon=":material/play_arrow:", disabled=bool(waiting)
    )
    # the second click of two finds the job of the first
    if pressed and (not waiting) and _start(config, targets):
        st.rerun()  # with the job in sight and the button out of reach
    if waiting:
        st.fragment(_follow, run_every=FOLLOW)(waiting)
    st.code(command(config, targets), language="bash", wrap_lines=True)


def title(config: Config, runs_: int) -> str:
    """What would be done, with the number of images, the levels and the seeds."""
    each = f", on each of {runs_} runs" if runs_ > 1 else ""
    if isinstance(config, AttackConfig):
        return job_titles.attack(config) + each
    if isinstance(config, EstimateConfig):
        return job_titles.estimate(config) + each
    images = f"{config.n_train:,}" if config.n_train else "all"
    return (
        f"Train {config.defense} for {config.epochs} epochs on {images} training images, seed"
        f" {config.seed}"
    )


def command(config: Config, targets: tuple[Run, ...]) -> str:
    """The same from a terminal."""
    own = commands.shared(run.config.norm for run in targets)
    if isinstance(config, AttackConfig):
        return commands.attack_command(config, *(run.id for run in targets[1:]), own=own)
    return (
        commands.estimate_command(config, own)
        if isinstance(config, EstimateConfig)
        else commands.train_command(config)
    )


def time_needed(config: Config, targets: tuple[Run, ...]) -> str:
    """About how long it takes here, by the last job of the same sort; else that nobody knows."""
    if isinstance(config, TrainConfig):
        known = _of_trainings(config)
    elif isinstance(config, EstimateConfig):
        known = _of_estimates(config, targets)
    else:
        known = attack_time.of([config] * len(targets), targets)
    if known is None:
        return "How long it takes is not known beforehand; the job says it once it has begun."
    return f"About {duration(max(known[0], 1.0))}, by the last one on {known[1]:,} images."


def _of_estimates(config: EstimateConfig, targets: tuple[Run, ...]) -> Known:
    done = data.brief(reader.estimates, targets[0].store)
    done = done[(done["method"] == config.method) & (done["norm"] == config.norm) & (done["n"] > 0)]
    if done.empty:
        return None
    last = done.iloc[-1]
    each = float(last["seconds"]) / int(last["n"])
    return each * config.n * max(len(config.levels), 1) * len(targets), int(last["n"])


def _of_trainings(config: TrainConfig) -> Known:
    """By the newest trained run of the same defense and network on the same images."""
    for run in folders.all_runs():
        if run.trained and states.readable(run) and _alike(run.config, config):
            metrics = data.brief(reader.metrics, run.store)
            epochs = metrics[(metrics["split"] == "train") & (metrics["name"] == "seconds")][
                "value"
            ]
            n = len(data.read(reader.samples, run.store, "train"))
            if len(epochs) and n:
                return float(epochs.mean()) * config.epochs * (config.n_train or n) / n, n
    return None


def _alike(one: TrainConfig, two: TrainConfig) -> bool:
    names = (
        "data",
        "data_path",
        "image_size",
        "skip_broken",
        "channels",
        "labels",
        "columns",
        "intensity",
        "volumes",
        "spacing",
        "net",
        "defense",
        "params",
        "precision",
        "device",
    )
    return all(getattr(one, name) == getattr(two, name) for name in names)


def under_way(config: Config, targets: tuple[Run, ...]) -> list[Path]:
    """Jobs that are to do just this and are not over, so that nothing is started twice."""
    if isinstance(config, TrainConfig):
        return [
            run.folder
            for run in folders.all_runs()
            if _active(run.folder) and _same(run.folder, folders.with_absolute_path(config))
        ]
    each = [
        (folder, _for(config, run))
        for run in targets
        for folder in folders.jobs_of(run)
        if _active(folder)
    ]
    return [folder for folder, one in each if _same(folder, one)]


def _active(folder: Path) -> bool:
    return jobs.read(folder).state in ("queued", "running")


def _same(folder: Path, config: Config) -> bool:
    """Whether the job was asked for just this."""
    try:
        stored = foreign.json_object(folder / "config.json")
    except (OSError, UserError):
        return False
    return bool(stored == json.loads(json.dumps(schema.to_json(config))))


def _for(config: AttackConfig | EstimateConfig, run: Run) -> AttackConfig | EstimateConfig:
    return replace(config, run=run.id)


def _start(config: Config, targets: tuple[Run, ...]) -> bool:
    """Queue what is asked for; what was refused is said. Whether nothing was."""
    if isinstance(config, TrainConfig):
        return states.attempt(actions.train, config)
    each = [states.attempt(actions.start, run, _for(config, run)) for run in targets]
    return all(each)


def _follow(waiting: list[Path]) -> None:
    """The jobs as they stand; the page is made anew when the last is over."""
    for folder in waiting:
        job_rows.row(folder, jobs.read(folder))
    if not any(_active(folder) for folder in waiting):
        st.rerun()

"""What a page lacks, and a button that makes it: what would be done, how long it may take, the same from a shell."""

import json
from dataclasses import replace
from pathlib import Path

import data
import job_rows
import streamlit as st
import ui

from smd import commands, config, job_titles, jobs, runs
from smd.config import AttackConfig, MarginsConfig, TrainConfig
from smd.jobs import launch
from smd.progress import duration
from smd.runs import Run
from smd.store import reader

Asked = TrainConfig | AttackConfig | MarginsConfig
FOLLOW = "2s"


def offer(key: str, asked: Asked, *targets: Run) -> None:
    """A button that starts what is asked for, on each of the trained runs named, unless it is under way already."""
    waiting = under_way(asked, targets)
    st.caption(f"{title(asked, len(targets))}. {time_needed(asked, targets)}")
    clicked = st.button("Start it here", key=f"offer-{key}", icon=":material/play_arrow:", disabled=bool(waiting))
    if clicked and _start(asked, targets):
        st.rerun()
    if waiting:
        st.fragment(_follow, run_every=FOLLOW)(waiting)
    st.code(command(asked, targets), language="bash", wrap_lines=True)


def title(asked: Asked, runs_: int) -> str:
    """What would be done, with the number of images, the levels and the seeds."""
    each = f", on each of {runs_} runs" if runs_ > 1 else ""
    if isinstance(asked, AttackConfig):
        return job_titles.attack(asked) + each
    if isinstance(asked, MarginsConfig):
        return job_titles.estimation(asked) + each
    images = f"{asked.n_train:,}" if asked.n_train else "all"
    return f"Train {asked.defense} for {asked.epochs} epochs on {images} training images, seed {asked.seed}"


def command(asked: Asked, targets: tuple[Run, ...]) -> str:
    """The same from a terminal."""
    if isinstance(asked, AttackConfig):
        return commands.attack_command(asked, *(run.id for run in targets[1:]))
    return commands.margins_command(asked) if isinstance(asked, MarginsConfig) else commands.train_command(asked)


def time_needed(asked: Asked, targets: tuple[Run, ...]) -> str:
    """About how long it takes here, from an attack of the same name on the run; else that nobody knows."""
    unknown = "How long it takes is not known beforehand; the job says it once it has begun."
    if not isinstance(asked, AttackConfig) or not targets:
        return unknown
    done = data.brief(reader.attack_runs, targets[0].store)
    done = done[(done["name"] == asked.attack) & (done["eps"] > 0) & (done["n"] > 0) & (done["norm"] == asked.norm)]
    if done.empty:
        return unknown
    last = done.iloc[-1]
    a_step = float(last["seconds"]) / (int(last["n"]) * max(int(last["steps"]), 1))
    steps = int(asked.params.get("steps", 100)) if int(last["steps"]) else 1
    seconds = a_step * steps * asked.n * max(len(asked.levels), 1) * len(asked.seeds) * len(targets)
    return f"About {duration(max(seconds, 1.0))}, by the last one on {int(last['n']):,} images."


def under_way(asked: Asked, targets: tuple[Run, ...]) -> list[Path]:
    """Jobs that are to do just this and are not over, so that nothing is started twice."""
    if isinstance(asked, TrainConfig):
        return [run.folder for run in runs.all_runs() if _active(run.folder) and _same(run.folder, runs.settled(asked))]
    each = [(folder, _for(asked, run)) for run in targets for folder in runs.jobs_of(run) if _active(folder)]
    return [folder for folder, one in each if _same(folder, one)]


def _active(folder: Path) -> bool:
    return jobs.read(folder).state in ("queued", "running")


def _same(folder: Path, asked: Asked) -> bool:
    """Whether the job was asked for just this."""
    try:
        stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stored == json.loads(json.dumps(config.to_json(asked))))


def _for(asked: AttackConfig | MarginsConfig, run: Run) -> AttackConfig | MarginsConfig:
    return replace(asked, run=run.id)


def _start(asked: Asked, targets: tuple[Run, ...]) -> list[Path]:
    """Queue what is asked for; what was refused is said."""
    started: list[Path] = []

    def start() -> None:
        if isinstance(asked, TrainConfig):
            started.append(runs.create(asked).folder)
        else:
            started.extend(_on(run, _for(asked, run)) for run in targets)
        for folder in started:
            launch.submit(folder)

    ui.attempt(start)
    return started


def _on(run: Run, asked: AttackConfig | MarginsConfig) -> Path:
    return runs.create_attack(run, asked) if isinstance(asked, AttackConfig) else runs.create_margins(run, asked)


def _follow(waiting: list[Path]) -> None:
    """The jobs as they stand; the page is made anew when the last is over."""
    for folder in waiting:
        job_rows.row(folder, jobs.read(folder))
    if not any(_active(folder) for folder in waiting):
        st.rerun()

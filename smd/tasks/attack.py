"""The attack job: judge a trained network level by level, and store every sample's verdict."""

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from smd import __version__, adv, attacks, config, nets, registry, runs
from smd.config import AttackConfig
from smd.data.batches import OnDevice, on_device, spread
from smd.data.split import carve
from smd.errors import UserError
from smd.evaluate import Verdict, judge
from smd.jobs.session import Cancelled, Session, session
from smd.progress import Eta, Progress
from smd.runs import Run
from smd.store import reader
from smd.store.writer import AttackRecord, Recorder
from smd.tasks.files import load_weights
from smd.tasks.images import images_of
from smd.train import resolve_device
from smd.units import show_level


def attack_run(folder: Path, log: Path | None = None) -> None:
    """Do a queued attack in this process; raises Cancelled if it was asked to stop. log: see train_run."""
    asked = config.read(AttackConfig, folder / "config.json")
    run = runs.find(asked.run)
    device = resolve_device(asked.device)
    progress = Progress(f"{run.id} {asked.attack}", log)
    wait = lambda: progress.line(f"Waiting: another job uses {device}.")  # noqa: E731
    with session(folder, str(device), wait) as current:
        current.report(stage="loading the network")
        model, rows = opened(run, asked, device)
        recorder = Recorder(run.store)
        evaluate(run, folder.name, asked, model, rows, current, progress, recorder)
        recorder.flush()
        progress.close()


def opened(run: Run, asked: AttackConfig, device: torch.device) -> tuple[nn.Module, OnDevice]:
    """A run's trained network and the images of a split; raises UserError if they do not fit."""
    trained = run.config
    images = images_of(run)
    classes = len(reader.class_names(run.store)) or len(images.classes)
    if classes != len(images.classes):
        raise UserError(f"The network knows {classes} classes, the images have {len(images.classes)}.")
    model = nets.build(trained.net, images.channels, images.size, classes).to(device)
    load_weights(run.weights, model)
    splits = carve(images, trained.seed, trained.n_train)
    return model, on_device(images, getattr(splits, asked.split), device)


def chosen(asked: AttackConfig, n: int) -> Tensor:
    """The sample ids to attack: those named, or n spread evenly over the split, or all."""
    if asked.ids:
        if max(asked.ids) >= n:
            raise UserError(f"There is no sample {max(asked.ids)}: the {asked.split} split has {n} images.")
        return torch.tensor(asked.ids)
    return spread(n, asked.n or n)


def evaluate(
    run: Run,
    job: str,
    asked: AttackConfig,
    model: nn.Module,
    rows: OnDevice,
    current: Session,
    progress: Progress,
    recorder: Recorder,
) -> None:
    """Judge clean images, then every level and seed; what an earlier try has stored is kept."""
    levels = asked.levels or run.config.levels
    ids = chosen(asked, len(rows)).to(rows.labels.device)
    attack = attacks.build(asked.attack, asked.params)
    todo = [(0.0, asked.seeds[0]), *((eps, seed) for eps in levels for seed in asked.seeds)]
    done = set(reader.attack_runs(run.store)["id"])
    total, eta = len(todo) * len(ids), Eta(0.0)
    current.report(stage="attacking", batch=0, batches=total)
    for number, (eps, seed) in enumerate(todo):
        name = f"{job}:{show_level(eps)}:{seed}"
        if name in done:
            continue

        def after_batch(judged: int, number: int = number, eps: float = eps) -> None:
            share = (number * len(ids) + judged) / total
            left = eta.left(share)
            current.report(batch=number * len(ids) + judged, eta=left)
            progress.show(share, f"{asked.split} at {show_level(eps)}", left)
            if current.stopping:
                raise Cancelled("It was cancelled.")

        verdict = judge(model, rows, ids, attack, eps, seed, asked.batch, after_batch=after_batch)
        if eps and seed == asked.seeds[0]:
            _keep(run, name, asked, rows, ids, verdict)
        record = _record(name, job, asked, verdict)
        recorder.attack(record, ids.cpu().numpy(), verdict.ok, verdict.pred, verdict.distance)
        accuracy = 100 * verdict.ok.mean()
        progress.line(f"{asked.attack} on {len(ids)} {asked.split} images at {show_level(eps)}: {accuracy:.2f} %")


def _record(name: str, job: str, asked: AttackConfig, verdict: Verdict) -> AttackRecord:
    return AttackRecord(
        id=name, name=asked.attack, eps=verdict.eps, norm="Linf", steps=attack_steps(asked),
        seed=verdict.seed, split=asked.split, n=len(verdict.ok), package="smd", version=__version__,
        seconds=verdict.seconds, warnings="", job=job, created=time.time(), picked=bool(asked.ids),
    )  # fmt: skip


def attack_steps(asked: AttackConfig) -> int:
    """How many steps the attack takes: as asked, or its own default; 0 if it does not count in steps."""
    defaults = {p.name: p.default for p in registry.ATTACKS[asked.attack].params}
    return int(asked.params.get("steps", defaults.get("steps", 0)))


def _keep(run: Run, name: str, asked: AttackConfig, rows: OnDevice, ids: Tensor, verdict: Verdict) -> None:
    """Store the first adversarial images beside the run."""
    kept = ids[: len(verdict.images.noise)]
    examples = adv.Examples(
        split=asked.split,
        idx=kept.cpu().numpy().astype(np.int32),
        eps=np.full(len(kept), verdict.eps, np.float32),
        noise=verdict.images.noise,
        p_clean=verdict.images.p_clean,
        p_adv=verdict.images.p_adv,
        label=rows.labels[kept].cpu().numpy(),
        attack=asked.attack,
    )
    adv.write(run.adv / (name.replace(":", "_").replace("/", "-") + ".npz"), examples)

"""The training job: train, record every epoch, save, attack at the end, write the model card."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from smd import export
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.core.margin import initial_step
from smd.data import cautions, content, filenames
from smd.data.batches import OnDevice, on_device
from smd.data.images import Images
from smd.data.split import Splits, carve
from smd.devices import resolve_device
from smd.errors import UserError
from smd.evaluation import final_margins
from smd.files import durable
from smd.jobs import system_metrics
from smd.jobs.session import Cancelled, Session, session
from smd.jobs.system_metrics import Gauges
from smd.runs.folders import Run
from smd.store import reader
from smd.store.records import EpochRecord
from smd.store.writer import Recorder
from smd.tasks.attack import evaluate
from smd.tasks.card import margins_of
from smd.tasks.files import load_checkpoint, save_checkpoint, save_weights
from smd.tasks.final_margins import measure_test_images, training_seconds
from smd.tasks.images import images_of, splits_of
from smd.tasks.opening import C, Opened
from smd.tasks.worth_seeing import last_margins, worth_seeing
from smd.terminal.progress import Eta, Progress
from smd.training.checkpoints import misfit
from smd.training.loop import EpochResult, Training, checkpoint, epochs, prepare, restore

FINAL_STEPS = 20  # of the CE-PGD that ends every training
FINAL_IMAGES = 1000
FINAL_BATCH = 256  # given, not found: the same training ends with the same verdicts


@dataclass(frozen=True)
class Job:
    """What the steps of the job share."""

    run: Run
    config: TrainConfig
    session: Session
    progress: Progress
    recorder: Recorder
    gauges: Gauges


def train_folder(folder: Path, log: Path | None = None) -> None:
    """Train the queued run in that folder, see train_run."""
    train_run(Run(folder.name, folder), log)


def train_run(run: Run, log: Path | None = None) -> None:
    """Train a queued run to its end in this process; raises Cancelled if it was asked to stop.

    log: where lines go beside stderr; the queue has redirected stderr to the log already.
    """
    config = run.config
    device = resolve_device(config.device)
    progress = Progress(run.id, log)
    wait = lambda: progress.line(f"Waiting: another job uses {device}.")  # noqa: E731
    with (
        session(run.folder, str(device), wait) as current,
        system_metrics.watching(str(device)) as readings,
    ):
        job = Job(run, config, current, progress, Recorder(run.store), readings)
        current.report(stage="loading images", total=config.epochs)
        progress.line(f"Loading {config.data}.")
        images = images_of(run, _loading(job))
        splits = splits_of(run, images)
        training = prepare(config, images, device, splits)
        _begin(job, training, images, splits)
        try:
            _train(job, training)
            save_weights(run.weights, training.model, {"run": run.id, "net": config.net})
            _attack(job, training, images, splits)
            _margins(job, training, images, splits)
        finally:
            _take_along(job)
        job.recorder.flush()
        _card(job)
        progress.close()


def _loading(job: Job) -> Callable[[str, float], None]:
    said: set[str] = set()

    def show(text: str, share: float) -> None:
        if text not in said:  # what is done with the images stays in the log
            said.add(text)
            job.progress.line(f"{text}.")
        job.progress.show(share, text, -1)
        if job.session.stopping:
            raise Cancelled("It was cancelled while it loaded its images.")

    return show


def _begin(job: Job, training: Training, images: Images, splits: Splits) -> None:
    """Describe the run in its store and go back to its checkpoint, if there is one."""
    plan, config = training.info, job.config
    meta = {
        "data": config.data,
        "images": images.key,
        "content": content.of(images),
        "classes": list(images.classes),
        "shape": list(plan.shape),
        "delta": initial_step(config.epochs, plan.shape),
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "device": str(plan.device),
    }
    meta |= _told(job, images, splits)
    if located := reader.meta(job.run.store).get("located"):
        meta["located"] = located
    rows = {"train": splits.train, "val": splits.val, "test": splits.test}
    names = filenames.read(images.key, len(images.labels))
    job.recorder.start(meta, {name: (images.labels[r], r) for name, r in rows.items()}, names)
    if job.run.checkpoint.exists():
        saved = load_checkpoint(job.run.checkpoint, plan.device)
        if wrong := misfit(training, saved):
            raise UserError(
                f"{job.run.checkpoint} does not fit this run: {wrong}. Delete it to start over."
            )
        restore(training, saved)
        job.progress.line(f"Resumed after epoch {training.epoch}, batch {training.batch}.")


def _told(job: Job, images: Images, splits: Splits) -> dict[str, list[str]]:
    """What the import did to the images and what to beware of, in the log and for the store."""
    beware: list[str] = []
    if job.config.data == "folder":
        # all of them, also those that n_train leaves out
        table = cautions.counts(images, carve(images, job.config.seed))
        names = filenames.read(images.key, len(images.labels))
        beware = cautions.sentences(
            table, cautions.twins(images, splits), cautions.constant(images), names
        )
    for line in (*images.notes, *beware):
        job.progress.line(line)
    told = {"image_notes": list(images.notes), "image_cautions": beware}
    return {name: lines for name, lines in told.items() if lines}


def _train(job: Job, training: Training) -> None:
    config = job.config
    eta = Eta(training.epoch / config.epochs)
    job.session.report(stage="training", done=training.epoch, total=config.epochs)

    def after_batch(state: Training, batches: int) -> None:
        share = (state.epoch + state.batch / batches) / config.epochs
        rate = state.batch * config.batch / max(state.stats.seconds, 1e-9)
        left = eta.left(share)
        job.session.report(
            done=state.epoch, batch=state.batch, batches=batches, rate=rate, eta=left
        )
        job.progress.show(
            share, f"epoch {state.epoch + 1}/{config.epochs}, {rate:.0f} samples/s", left
        )
        if job.session.stopping:
            _save(job, state)
            raise Cancelled("It was cancelled.")

    for result in epochs(training, after_batch):
        job.progress.line(summary(result, config))
        _refuse_divergence(result)
        job.session.report(done=result.epoch)
        job.recorder.epoch(_record(result))
        _save(job, training)
        _take_along(job)  # last: a checkpoint does not wait for it


def _take_along(job: Job) -> None:
    """Store what was read of the machine since the last time."""
    if readings := job.gauges.take():
        moments, names, values = zip(*readings, strict=True)
        job.recorder.gauges(np.array(moments), names, np.array(values))


def _save(job: Job, training: Training) -> None:
    """Write a checkpoint, unless an epoch still waits to be stored: a resumed run does that one
    again."""
    if job.recorder.complete:
        save_checkpoint(job.run.checkpoint, checkpoint(training))


def _refuse_divergence(result: EpochResult) -> None:
    """End a run whose loss is no number any more: its margins and accuracies would mean nothing."""
    losses = [m.value for m in result.metrics if m.name.startswith("loss")]
    if not all(map(math.isfinite, losses)):
        raise UserError(
            f"The training diverged in epoch {result.epoch}: its loss is not finite. "
            "Try another seed, a larger batch or another network."
        )


def _record(result: EpochResult) -> EpochRecord:
    states = {name: values for name, values in result.state.items() if name != "margin"}
    margins = result.state.get("margin")
    return EpochRecord(
        result.epoch,
        result.metrics,
        margins,
        result.clean_ok,
        result.adv_ok,
        result.crossed,
        states,
    )


def summary(result: EpochResult, config: TrainConfig) -> str:
    """One line of the log for one epoch."""
    found = {(m.split, m.name, m.eps): m.value for m in result.metrics}
    parts = [
        f"epoch {result.epoch}/{config.epochs}",
        f"loss {found.get(('train', 'loss', 0.0), float('nan')):.4f}",
    ]
    for split, name, eps in found:
        if split == "val" and name == "accuracy":
            level = f" at {round(eps * 255)}/255" if eps else " clean"
            parts.append(f"val{level} {100 * found[split, name, eps]:.2f} %")
    if ("train", "margin_mean", 0.0) in found:
        parts.append(f"mean margin {255 * found['train', 'margin_mean', 0.0]:.2f}/255")
    return ", ".join(parts)


def _attack(job: Job, training: Training, images: Images, splits: Splits) -> None:
    """A short CE-PGD on test images, and adversarial examples of some training images."""
    config, device = job.config, training.info.device
    sets: tuple[tuple[str, OnDevice, tuple[int, ...]], ...] = (
        ("test", on_device(images, splits.test, device), ()),
        ("train", training.sets.train, worth_seeing(training.info.n, last_margins(job.run))),
    )
    for split, rows, ids in sets:
        attack = AttackConfig(
            run=job.run.id,
            params={"steps": FINAL_STEPS},
            levels=config.levels,
            split=split,
            n=min(config.n_test or FINAL_IMAGES, len(rows)),
            ids=ids,
            seeds=(config.seed,),
            batch=FINAL_BATCH,
        )
        evaluate(_opened(job, f"final-{split}", attack, training.model, rows))


def _margins(job: Job, training: Training, images: Images, splits: Splits) -> None:
    """Margins of test images, as many as fit into a fifth of the training's time."""
    if not job.config.n_margins:
        return job.progress.line(
            "No margins of test images were estimated: --n-margins 0 skips them."
        )
    job.recorder.flush()  # the seconds of all epochs are asked for
    estimate = EstimateConfig(job.run.id, n=job.config.n_margins, seed=job.config.seed)
    rows = on_device(images, splits.test, training.info.device)
    work = _opened(job, final_margins.JOB, estimate, training.model, rows)
    return measure_test_images(work, job.run, training_seconds(job.run))


def _opened(job: Job, name: str, config: C, model: nn.Module, rows: OnDevice) -> Opened[C]:
    """A job on the run that this very process does, as a part of its training."""
    run = job.run
    return Opened(
        run, name, run.folder, config, model, rows, job.session, job.progress, job.recorder
    )


def _card(job: Job) -> None:
    config, store = job.config, job.run.store
    table = export.accuracy_table({job.run.id: (config, reader.attack_table(store))})
    durable.write(
        job.run.card,
        export.model_card(config, reader.meta(store), table, job.run.about, margins_of(job.run)),
    )

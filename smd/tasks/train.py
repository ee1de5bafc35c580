"""The training job: train, record every epoch, save, attack at the end, write the model card."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from smd import export, jobs, several
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.core.margin import initial_step
from smd.data import cautions, content, filenames, leaks
from smd.data.batches import Rows, looked_at
from smd.data.images import Images
from smd.data.rows import rows_of
from smd.data.split import Splits
from smd.devices import resolve_device
from smd.errors import UserError
from smd.evaluation import final_margins
from smd.files import durable
from smd.jobs import system_metrics
from smd.jobs.session import Cancelled, Session, session
from smd.jobs.system_metrics import Gauges
from smd.nets.parts import for_looks
from smd.runs import notes
from smd.runs.folders import Run
from smd.sinks.recording import recording
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks import starting
from smd.tasks.attack import evaluate
from smd.tasks.averaged import trained_networks
from smd.tasks.card import margins_of
from smd.tasks.epoch_lines import record_of, summary
from smd.tasks.files import load_checkpoint, save_checkpoint
from smd.tasks.final_margins import measure_test_images, training_seconds
from smd.tasks.images import carve_as, images_of, splits_of
from smd.tasks.network_facts import facts_of
from smd.tasks.opening import C, Opened
from smd.tasks.preparing import prepared
from smd.tasks.ranks import ranked
from smd.tasks.worth_seeing import last_margins, worth_seeing
from smd.terminal.progress import Eta, Progress
from smd.training import monitor_size
from smd.training.checkpoints import misfit
from smd.training.divergence import refuse_divergence
from smd.training.joining import join
from smd.training.loop import Training, checkpoint, epochs, restore
from smd.training.optimizers import without_compiler

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
    """Train the queued run in that folder, see train_run, as all that this process does."""
    without_compiler()
    train_run(Run(folder.name, folder), log)


def train_run(run: Run, log: Path | None = None) -> None:
    """Train a queued run to its end in this process; raises Cancelled if it was asked to stop.

    log: where lines go beside stderr; the queue has redirected stderr to the log already.
    """
    config = run.config
    device = resolve_device(several.device(config.device, jobs.read(run.folder).devices))
    progress = Progress(run.id, log)
    wait = lambda: progress.line(f"Waiting: another job uses {device}.")  # noqa: E731
    with (
        session(run.folder, str(device), wait) as current,
        system_metrics.watching(str(device)) as readings,
        recording(run, config, progress.line) as recorder,
    ):
        job = Job(run, config, current, progress, recorder, readings)
        current.report(stage="loading images", total=config.epochs)
        progress.line(f"Loading {config.data}.")
        images = images_of(run, _loading(job))
        splits = splits_of(run, images)
        leaks.refuse_shared(images, splits, config.allow_leaks)
        try:
            with ranked(current, config, device, images, splits):
                training = prepared(config, images, device, splits, progress.line)
                _begin(job, training, images, splits)
                join(training)
                _train(job, training)
            _judge(job, training, images, splits)
        finally:
            _take_along(job)
        job.recorder.flush()
        _card(job)
        progress.close()


def _judge(job: Job, training: Training, images: Images, splits: Splits) -> None:
    """What ends a training: its weights are saved, attacked, and margins estimated."""
    trained = trained_networks(job.run, training)
    for weights, model in trained.items():
        _attack(job, training, images, splits, weights, model)
    for weights, model in trained.items():
        _margins(job, images, splits, weights, model, len(trained))


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
        "delta": initial_step(config.epochs, plan.shape, plan.norm),
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "device": str(plan.device),
        # validation images that the looks take, clean and attacked
        "looks": monitor_size.images(len(splits.train), len(splits.val), plan.shape),
    }
    meta |= _told(job, images, splits) | _started(job, training)
    meta |= facts_of(job.run, config, training.model, plan.shape, job.progress.line)
    if located := reader.meta(job.run.store).get("located"):
        meta["located"] = located
    rows = {"train": splits.train, "val": splits.val, "test": splits.test}
    names = filenames.read(images.key, len(images.labels))
    samples, facts = {name: (images.labels[r], r) for name, r in rows.items()}, images.facts
    job.recorder.start(meta, samples, names, facts.patients, facts.groups)
    if job.run.checkpoint.exists():
        saved = load_checkpoint(job.run.checkpoint, plan.device)
        if wrong := misfit(training, saved):
            raise UserError(
                f"{job.run.checkpoint} does not fit this run: {wrong}. Delete it to start over."
            )
        restore(training, saved)
        job.progress.line(f"Resumed after epoch {training.epoch}, batch {training.batch}.")
    elif config.init:  # which is not needed again
        _save(job, training)


def _started(job: Job, training: Training) -> dict[str, Any]:
    """Load the weights to start from, or say what the run has begun with; for the store."""
    if job.run.checkpoint.exists():
        about = reader.meta(job.run.store).get(starting.KEY, {})
    else:
        about = starting.start(training)
        for line in starting.words(about) if about else ():
            job.progress.line(line)
    return {starting.KEY: about} if about else {}


def _told(job: Job, images: Images, splits: Splits) -> dict[str, Any]:
    """What the import did to the images and what to beware of, in the log and for the store."""
    notes, beware = list(images.notes), list(images.cautions)
    if job.config.data == "folder":
        # all of them, also those that n_train leaves out
        table = cautions.counts(images, carve_as(images, replace(job.config, n_train=0)))
        names = filenames.read(images.key, len(images.labels))
        beware += cautions.sentences(
            table, cautions.twins(images, splits), cautions.constant(images), names
        )
        found = leaks.audit(images, splits)
        notes, beware = notes + leaks.notes(found), beware + leaks.sentences(found, names)
    for line in (*notes, *beware):
        job.progress.line(line)
    told = {"image_notes": notes, "image_cautions": beware}
    return {name: lines for name, lines in told.items() if lines} | images.told


def _train(job: Job, training: Training) -> None:
    config = job.config
    eta = Eta(training.epoch / config.epochs)
    job.session.report(stage="training", done=training.epoch, total=config.epochs)

    def after_batch(state: Training, batches: int) -> None:
        share = (state.epoch + state.batch / batches) / config.epochs
        rate = state.stats.draws / max(state.stats.seconds, 1e-9)
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
        refuse_divergence(result)
        job.session.report(done=result.epoch)
        job.recorder.epoch(record_of(result))
        _save(job, training)
        _take_along(job)  # last: a checkpoint does not wait for it


def _take_along(job: Job) -> None:
    """Store what was read of the machine since the last time."""
    if readings := job.gauges.take():
        moments, names, values = zip(*readings, strict=True)
        job.recorder.gauges(np.array(moments), names, np.array(values))


def _save(job: Job, training: Training) -> None:
    """Write a checkpoint, unless an epoch still waits to be stored, which a resumed run repeats."""
    if job.recorder.complete:
        save_checkpoint(job.run.checkpoint, checkpoint(training))


def _attack(
    job: Job, training: Training, images: Images, splits: Splits, weights: str, model: nn.Module
) -> None:
    """CE-PGD on test images; of the last weights also on training images that are worth seeing."""
    config, device = job.config, training.info.device
    sets: list[tuple[str, Rows, tuple[int, ...]]] = [
        ("test", rows_of(images, splits.test, device), ())
    ]
    if weights == "last":
        ids = worth_seeing(training.info.n, last_margins(job.run), training.info.shape)
        sets.append(("train", training.sets.train, ids))
    for split, rows, ids in sets:
        attack = AttackConfig(
            run=job.run.id,
            params={"steps": FINAL_STEPS},
            norm=config.norm,
            levels=config.levels,
            split=split,
            n=min(config.n_test or FINAL_IMAGES, len(rows)),
            ids=ids,
            seeds=(config.seed,),
            batch=min(FINAL_BATCH, looked_at(rows.shape)),
            weights=weights,
        )
        evaluate(_opened(job, named(f"final-{split}", weights), attack, model, rows))


def _margins(
    job: Job, images: Images, splits: Splits, weights: str, model: nn.Module, sharing: int
) -> None:
    """Margins of test images, as many as fit into a fifth of the training's time."""
    if not job.config.n_margins:
        if weights == "last":
            job.progress.line("No margins of test images were estimated: --n-margins 0 skips them.")
        return
    job.recorder.flush()  # the seconds of all epochs are asked for
    config = job.config
    estimate = EstimateConfig(job.run.id, n=config.n_margins, seed=config.seed, weights=weights)
    estimate = replace(estimate, norm=config.norm)
    rows = rows_of(images, splits.test, next(model.parameters()).device)
    work = _opened(job, named(final_margins.JOB, weights), estimate, model, rows)
    measure_test_images(work, job.run, training_seconds(job.run), sharing)


def named(job: str, weights: str) -> str:
    """A closing job's id: that on the averaged weights is another."""
    return job if weights == "last" else f"{job}-{weights}"


def _opened(job: Job, name: str, config: C, model: nn.Module, rows: Rows) -> Opened[C]:
    """A job on the run that this very process does, as a part of its training."""
    run, looked = job.run, for_looks(model, rows.shape, rows.labels.device)
    return Opened(
        run, name, run.folder, config, looked, rows, job.session, job.progress, job.recorder
    )


def _card(job: Job) -> None:
    config, run = job.config, job.run
    table = export.accuracy_intervals({run.id: (config, reader.attack_table(run.store))})
    meta, name = reader.meta(run.store), notes.read(run).name
    card = export.model_card(config, meta, table, run.about, margins_of(run), name)
    durable.write(run.card, card)

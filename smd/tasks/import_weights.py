"""The import: weights from a file become a run that can be attacked, measured and compared."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from smd import export, nets, weights
from smd.config.importing import ImportConfig
from smd.config.schema import AttackConfig, EstimateConfig
from smd.data import content, filenames
from smd.data.batches import Rows, looked_at
from smd.data.images import Images
from smd.data.rows import rows_of
from smd.data.split import Splits, carve
from smd.devices import resolve_device
from smd.errors import UserError
from smd.evaluation import final_margins, preprocessing
from smd.evaluation.preprocessing import Preprocessed
from smd.files import durable, foreign
from smd.jobs.session import Cancelled, Session, session
from smd.nets.checks import cautions_of
from smd.nets.parts import for_looks
from smd.registry.open_networks import WHOLE
from smd.runs import notes
from smd.runs.folders import Run
from smd.sinks.recording import recording
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks.attack import evaluate
from smd.tasks.card import margins_of
from smd.tasks.files import save_weights
from smd.tasks.final_margins import measure_imported
from smd.tasks.images import images_of, splits_of
from smd.tasks.network import network_of, normalised
from smd.tasks.network_facts import CAUTIONS
from smd.tasks.opening import C, Opened
from smd.terminal.progress import Progress

CHUNK = 1 << 20  # bytes
STEPS = 20  # of the CE-PGD that ends it, as it ends a training
IMAGES = 1_000
BATCH = 256
STAGES = 4


@dataclass(frozen=True)
class Job:
    """What the steps of the import share."""

    run: Run
    config: ImportConfig
    device: torch.device
    session: Session
    progress: Progress
    recorder: Recorder

    def stage(self, name: str, done: int) -> None:
        """Report the next stage; raises Cancelled where it was asked to stop."""
        self.session.report(stage=name, done=done, total=STAGES)
        if self.session.stopping:
            raise Cancelled("It was cancelled.")


def import_folder(folder: Path, log: Path | None = None) -> None:
    """Import the queued run in that folder, see import_run."""
    import_run(Run(folder.name, folder), log)


def import_run(run: Run, log: Path | None = None) -> None:
    """Read the file, check it, keep its weights in the run, and look how it does.

    log: where lines go beside stderr. Raises UserError where file, network and images do not fit,
    Cancelled if it was asked to stop.
    """
    config = run.config
    if not isinstance(config, ImportConfig):
        raise UserError(f"{run.id} is a training and no import: use `train --run`.")
    device = resolve_device(config.device)
    progress = Progress(run.id, log)
    wait = lambda: progress.line(f"Waiting: another job uses {device}.")  # noqa: E731
    with (
        session(run.folder, str(device), wait) as current,
        recording(run, config, progress.line) as recorder,
    ):
        job = Job(run, config, device, current, progress, recorder)
        job.stage("loading images", 0)
        images = images_of(run, _loading(job))
        splits = splits_of(run, images) if run.store.exists() else carve(images, config.seed)
        job.stage("reading the file", 1)
        model = _imported(job, images, splits)
        job.stage("trying preprocessings", 2)
        _preprocessings(job, model, images, splits)
        job.stage("attacking", 3)
        _judge(job, model, images, splits)
        job.recorder.flush()
        _card(job)
        current.report(done=STAGES)
        progress.close()


def _loading(job: Job) -> Callable[[str, float], None]:
    def show(text: str, share: float) -> None:
        job.progress.show(share, text, -1)
        if job.session.stopping:
            raise Cancelled("It was cancelled while it loaded its images.")

    return show


def _imported(job: Job, images: Images, splits: Splits) -> nn.Module:
    """The file's network on the device, kept in the run and described in its store.

    From the run's own copy, where it was interrupted after that was made.
    """
    about = reader.meta(job.run.store) if job.run.store.exists() else {}
    if "file" not in about:
        facts = {"file": _facts(Path(job.config.file)), **_kept(job, images)}
        for line in facts.get("weights_notes", []):
            job.progress.line(str(line))
        _begin(job, images, splits, facts)
    model = network_of(job.run, images.shape, len(images.classes)).to(job.device)
    _refuse_unfit(model, images)
    cautions = cautions_of(model, images.shape, training=False)
    for caution in cautions:
        job.progress.line(caution)
    count = sum(p.numel() for p in model.parameters())
    job.recorder.describe({"parameters": count, CAUTIONS: cautions})
    return model


def _facts(path: Path) -> dict[str, Any]:
    """What tells the file from others: its name, size in bytes and SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        with foreign.opened(path, weights.LARGEST) as file:
            while part := file.read(CHUNK):
                digest.update(part)
                size += len(part)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}


def _kept(job: Job, images: Images) -> dict[str, Any]:
    """Keep the file's network in the run; what is to be known of it: sentences on what was
    unwrapped and left out, and the normalisation that stood in the file."""
    config, run = job.config, job.run
    suffix = Path(config.file).suffix.lower()
    if suffix in WHOLE:
        weights.whole(config.file, images.shape)  # raises where it cannot be used
        place = run.folder / f"network{suffix}"
        given = foreign.opened(Path(config.file), weights.LARGEST)
        with given as file, durable.replacing(place) as out:
            shutil.copyfileobj(file, out, CHUNK)
        return {}
    read = weights.read(config.file)
    own = {} if config.mean else {"mean": list(read.mean), "std": list(read.std)}
    if own:
        config = replace(config, mean=read.mean, std=read.std)
    model = nets.of_config(config, images.shape, len(images.classes))
    notes = (
        *read.notes,
        *_of_normalisation(config, read),
        *weights.load_into(model, read.tensors, config.new_head, read.normalisation),
    )
    save_weights(run.weights, model, {"run": run.id, "net": config.net})
    return {"weights_notes": list(notes), "normalisation": own}


def _of_normalisation(config: ImportConfig, read: weights.Weights) -> tuple[str, ...]:
    """Where the file has a normalisation of its own and the import another one."""
    if not read.mean or (read.mean, read.std) == (config.mean, config.std):
        return ()
    mean, std = (",".join(f"{value:g}" for value in each) for each in (read.mean, read.std))
    return (f"The file's own normalisation is --mean {mean} --std {std}; this import has another.",)


def _refuse_unfit(model: nn.Module, images: Images) -> None:
    """Raises UserError where the answers are no finite logits of these classes, or do not depend
    on the pixels."""
    x = torch.from_numpy(images.pixels[:2].astype("float32") / 255)
    x = x.to(next(iter([*model.parameters(), *model.buffers(), x])).device).requires_grad_(True)
    logits = model.eval()(x)
    n, classes = len(x), len(images.classes)
    if tuple(logits.shape) != (n, classes):
        raise UserError(
            f"The network answers {n} images with {tuple(logits.shape)}, the images have {classes}"
            f" classes: it must give ({n}, {classes})."
        )
    (gradient,) = torch.autograd.grad(logits.square().sum(), x, allow_unused=True)
    if not bool(logits.isfinite().all()):
        raise UserError("The network's answers are not finite: the file or its network is another.")
    if gradient is None or not bool((gradient != 0).any()):
        raise UserError(
            "The network's answers do not depend on the pixels (their gradient is zero): no attack"
            " and no margin would mean anything."
        )


def _begin(job: Job, images: Images, splits: Splits, facts: dict[str, Any]) -> None:
    """Describe the run in its store."""
    meta = {
        "data": job.config.data,
        "images": images.key,
        "content": content.of(images),
        "classes": list(images.classes),
        "shape": list(images.shape),
        "device": str(job.device),
        **facts,
        **({"image_notes": list(images.notes)} if images.notes else {}),
        **({"image_cautions": list(images.cautions)} if images.cautions else {}),
        **images.told,
    }
    rows = {"train": splits.train, "val": splits.val, "test": splits.test}
    names = filenames.read(images.key, len(images.labels))
    samples, known = {name: (images.labels[r], r) for name, r in rows.items()}, images.facts
    job.recorder.start(meta, samples, names, known.patients, known.groups)


def _preprocessings(job: Job, model: nn.Module, images: Images, splits: Splits) -> None:
    """Clean accuracy as given and under the usual ones, and whether another one is better."""
    rows = rows_of(images, splits.test, job.device)
    config = normalised(job.run)
    table = preprocessing.measured(model, rows, config.mean, config.std)
    best = preprocessing.better(table, preprocessing.patients(images, splits.test))
    said = preprocessing.advice(table, len(images.classes), best)
    place = next((k for k, each in enumerate(table) if each is best), 0)  # 0: none is better
    job.recorder.describe(
        {
            "preprocessing": [_row(each) for each in table],
            "preprocessing_advice": said,
            "preprocessing_better": place,
        }
    )
    for each in table:
        job.progress.line(f"{preprocessing.told(each)}.")
    if said:
        job.progress.line(said)


def _row(each: Preprocessed) -> dict[str, Any]:
    low, high = each.interval
    return {
        "title": each.title,
        "mean": list(each.mean),
        "std": list(each.std),
        "bgr": each.reversed,
        "accuracy": each.accuracy,
        "low": low,
        "high": high,
        "n": len(each.right),
    }


def _judge(job: Job, model: nn.Module, images: Images, splits: Splits) -> None:
    """A short CE-PGD on test images and margins of some, as at the end of a training."""
    rows = rows_of(images, splits.test, job.device)
    attack = AttackConfig(
        run=job.run.id,
        params={"steps": STEPS},
        levels=job.config.levels,
        n=min(job.config.n_test or IMAGES, len(rows)),
        seeds=(job.config.seed,),
        batch=min(BATCH, looked_at(rows.shape)),
    )
    evaluate(_opened(job, "final-test", attack, model, rows))
    if job.config.n_margins:
        n, seed = job.config.n_margins, job.config.seed
        estimate = EstimateConfig(job.run.id, n=n, seed=seed)
        measure_imported(_opened(job, final_margins.JOB, estimate, model, rows), job.run)


def _opened(job: Job, name: str, config: C, model: nn.Module, rows: Rows) -> Opened[C]:
    """A job on the run that this very process does, as a part of the import."""
    run, looked = job.run, for_looks(model, rows.shape, rows.labels.device)
    return Opened(
        run, name, run.folder, config, looked, rows, job.session, job.progress, job.recorder
    )


def _card(job: Job) -> None:
    run, config = job.run, job.config
    table = export.accuracy_intervals({run.id: (config, reader.attack_table(run.store))})
    about = reader.meta(run.store)
    name = notes.read(run).name
    card = export.model_card(config, about, table, run.about, margins_of(run), name)
    durable.write(run.card, card)

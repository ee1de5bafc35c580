"""Records of the store as events, by readable names."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from smd import registry
from smd.config import schema
from smd.config.schema import TrainConfig
from smd.core.kinds import (
    ABSTAINED,
    CERTIFIED,
    FOUND,
    KINDS,
    MISCLASSIFIED,
    REACHED,
    SMOOTHED,
    WRONG,
    kinds,
    of_smoothing,
)
from smd.errors import UserError
from smd.export import accuracy_table, to_csv
from smd.runs.folders import Run
from smd.sinks.events import About, End, Epoch, Histogram, Judged
from smd.store import reader
from smd.store.reader import AVERAGED
from smd.store.records import AttackRecord, EpochRecord, EstimateRecord, Margins, Verdicts
from smd.units import bin255, level_title, show_level
from smd.version import __version__

Metric = tuple[str, str, float, float]  # split, name, eps, value


def name_of(split: str, name: str, eps: float, norm: str = "Linf") -> str:
    """A number's name: ("val", "accuracy", 8/255) -> "val/robust accuracy at 8/255"."""
    at = f" at {level_title(eps, norm)}" if eps else ""
    if name == "accuracy":
        return f"{split}/robust accuracy{at}" if eps else f"{split}/clean accuracy"
    return f"{split}/{name.replace('_', ' ')}{at}"


def of_record(record: EpochRecord, norm: str = "Linf") -> Epoch:
    """An epoch as the training hands it to its store."""
    counted: dict[str, Histogram] = {}
    if record.margins is not None and record.clean_ok is not None and record.crossed is not None:
        finite = np.isfinite(record.margins)
        kind = kinds(record.clean_ok, record.crossed)
        counted = {each: _histogram(record.margins[finite & (kind == each)]) for each in KINDS}
    return _event(record.epoch, record.metrics, counted, norm)


def of_store(path: Path, before: int | None = None, norm: str = "Linf") -> Iterator[Epoch]:
    """The epochs that a run's store has, but for those from `before` on; raises UserError."""
    metrics = reader.metrics(path)
    with_margins = set(reader.margin_summary(path)["epoch"])
    for epoch, rows in metrics.groupby("epoch", sort=True):
        number = int(str(epoch))
        if before is not None and number >= before:
            return
        counted: dict[str, Histogram] = {}
        if number in with_margins:
            table = reader.margin_hist(path, number)
            parts = {kind: table[table["kind"] == kind].sort_values("bin") for kind in KINDS}
            counted = {k: Histogram(list(p["bin"]), list(p["n"])) for k, p in parts.items()}
        columns = (rows[name] for name in ("split", "name", "eps", "value"))
        yield _event(number, list(zip(*columns, strict=True)), counted, norm)


def _event(
    epoch: int, metrics: Sequence[Metric], counted: dict[str, Histogram], norm: str
) -> Epoch:
    values = {name_of(split, name, eps, norm): float(value) for split, name, eps, value in metrics}
    values |= {f"margins/{kind}": float(sum(each.counts)) for kind, each in counted.items()}
    moment = values.pop("train/finished at", 0.0) or time.time()
    drawn = {f"margins {k}": counted[k] for k in (FOUND, REACHED) if k in counted}
    return Epoch(epoch, moment, values, drawn)


def _histogram(margins: np.ndarray) -> Histogram:
    bins, counts = np.unique(bin255(margins), return_counts=True)
    return Histogram(bins.tolist(), counts.tolist())


def of_attack(record: AttackRecord, verdicts: Verdicts, epoch: int) -> Judged | None:
    """An attack's accuracy; None for images chosen by hand, which say nothing of the split."""
    if record.picked:
        return None
    level = show_level(record.eps, record.norm) + (" L2" if record.norm == "L2" else "")
    averaged = _averaged("ema" if AVERAGED in record.note.split() else "last")
    steps = f" {record.steps} steps" if record.steps else ""
    what = f"attack {record.name}{steps} seed {record.seed}{averaged}"
    name = f"robust accuracy at {level}" if record.eps else "clean accuracy"
    values = {
        f"{what}/{record.split} {name}": float(np.mean(verdicts.ok)),
        f"{what}/{record.split} images": float(record.n),
    }
    return Judged(epoch, record.created, values)


def of_estimate(record: EstimateRecord, margins: Margins, epoch: int) -> Judged:
    """An estimate's median margin in the unit of x, over correctly classified images, and how many
    images are of each kind."""
    if record.method in registry.smoothing():
        return _of_smoothing(record, margins, epoch)
    level = f" to {show_level(record.eps, record.norm)}" if record.eps else ""
    norm = " L2" if record.norm == "L2" else ""
    what = f"estimate {record.method}{level}{norm} seed {record.seed}{_averaged(record.weights)}"
    certifying = record.method in registry.certifying()
    kind = kinds(margins.clean_ok, margins.crossed, certifying)
    shown = (CERTIFIED, MISCLASSIFIED) if certifying else KINDS
    values = {f"{what}/{record.split} {each}": float((kind == each).sum()) for each in shown}
    if (correct := kind != MISCLASSIFIED).any():
        values[f"{what}/{record.split} median margin"] = float(np.median(margins.margin[correct]))
    return Judged(epoch, record.created, values)


def _of_smoothing(record: EstimateRecord, margins: Margins, epoch: int) -> Judged:
    """What became of the images in the smoothed network, and the median of its certified radii."""
    sigma = show_level(record.eps, record.norm)
    what = f"{record.method} sigma {sigma} seed {record.seed}{_averaged(record.weights)}"
    kind = of_smoothing(margins.clean_ok, margins.crossed)
    values = {
        f"{what}/{record.split} {each}": float((kind == each).sum())
        for each in (SMOOTHED, ABSTAINED, WRONG)
    }
    if (certified := kind == SMOOTHED).any():
        middle = float(np.median(margins.margin[certified]))
        values[f"{what}/{record.split} median radius (smoothed network)"] = middle
    return Judged(epoch, record.created, values)


def _averaged(weights: str) -> str:
    return "" if weights == "last" else f" {weights} weights"


def about(run: Run, config: TrainConfig) -> About:
    """What trackers are told of a run; an unreadable provenance is left out, with its reason."""
    fields = dict(schema.to_json(config))
    fields |= {f"{config.defense}.{name}": value for name, value in config.params.items()}
    facts = {"smd version": __version__}
    try:
        facts |= _flat(run.about)
    except UserError as error:
        facts["provenance"] = str(error)
    return About(run.id, run.folder, _flat(fields), facts)


def _flat(values: dict[str, object]) -> dict[str, str]:
    """JSON values as texts; what is in an object has "object.name"."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": str(each) for key, each in value.items()}
        else:
            flat[name] = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat


def end_of(run: Run, config: TrainConfig, status: str) -> End:
    """The tables of all that the run's store has, and its card; raises UserError."""
    tables = {}
    attacks = reader.attack_table(run.store)
    if len(attacks):
        tables["accuracies.csv"] = to_csv(accuracy_table({run.id: (config, attacks)}))
    if len(estimates := reader.estimates(run.store)):
        tables["estimates.csv"] = estimates.to_csv(index=False)
    margins = [_rows(event) for event in of_store(run.store) if event.margins]
    if margins:
        tables["margins.csv"] = "epoch,kind,bin,images\n" + "".join(margins)
    card = run.card.read_text(encoding="utf-8") if run.card.exists() else ""
    return End(status, tables, card)


def _rows(event: Epoch) -> str:
    return "".join(
        f"{event.epoch},{kind.removeprefix('margins ')},{low},{n}\n"
        for kind, each in event.margins.items()
        for low, n in zip(each.bins, each.counts, strict=True)
    )

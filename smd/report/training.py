"""The report on the network and its training."""

from pathlib import PurePath

import pandas as pd

from smd import registry
from smd.config.schema import ImportConfig, TrainConfig
from smd.export.titles import defense_title
from smd.report import charts
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, facts, joined, listing, number, paragraph
from smd.terminal.progress import duration
from smd.training import monitor_size

AVERAGED = (
    "the exponential moving average of the weights is kept beside the last ones; rows with"
    " weights=ema are of it, all else here is of the last ones"
)


def section(known: Known) -> Markup:
    """What was trained, how, on what machine, and how it went."""
    cautions = known.sentences("network_cautions", "weights_notes", "log_cautions")
    parts = [facts([*_network(known), *_training(known)])]
    if cautions:
        parts += [element("h3", "To know of the network"), listing(cautions, "cautions")]
    return joined([*parts, *_curves(known)])


def _network(known: Known) -> list[tuple[str, str]]:
    count = known.about.get("parameters")
    return [
        ("Network", registry.network_title(known.config.net)),
        ("Parameters", number(count) if isinstance(count, int) else "not stored"),
        ("Normalisation", _normalisation(known)),
    ]


def _normalisation(known: Known) -> str:
    """What the first layer does with each channel; an import's may stand in its file."""
    config, stood = known.config, known.about.get("normalisation")
    of_file = stood if isinstance(stood, dict) else {}
    mean, std = config.mean or of_file.get("mean"), config.std or of_file.get("std")
    if not mean or not std:
        return "none: it takes pixels in [0, 1]"
    return f"mean {cut(_listed(mean))}, standard deviation {cut(_listed(std))}"


def _listed(values: object) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list | tuple) else str(values)


def _training(known: Known) -> list[tuple[str, str]]:
    config, device = known.config, cut(known.about.get("device", "not stored"))
    if isinstance(config, ImportConfig):
        return [("Training", "elsewhere, how is not known here")]
    seconds = _seconds(known.metrics)
    spent = duration(seconds) + " for the training steps" if seconds else "not stored"
    return [
        ("Defense", defense_title(config)),
        ("Recipe", _recipe(config)),
        ("Epochs", f"{config.epochs:,}, batches of {config.batch:,} images"),
        ("Seed", str(config.seed)),
        ("Weights at first", _start(known)),
        ("Weight averaging", AVERAGED if config.average == "ema" else "none"),
        *_other_options(config),
        ("Device", f"{device}, {_processor(known)}" if device == "cpu" else device),
        ("Time", spent),
    ]


def _recipe(config: TrainConfig) -> str:
    full = config.full_recipe
    optimizer = {"sgd": "SGD with momentum 0.9", "adamw": "AdamW"}.get(
        full.optimizer, full.optimizer
    )
    falls = "falling as half a cosine" if full.cosine else "falling in steps" * bool(full.drops)
    told = f"{config.recipe}: {optimizer}, learning rate {full.lr:g}"
    return ", ".join(filter(None, [told, falls, f"weight decay {full.weight_decay:g}"]))


def _other_options(config: TrainConfig) -> list[tuple[str, str]]:
    """What is seldom changed, where it was."""
    balance = getattr(config, "balance", "none")
    return [
        ("Precision", config.precision * (config.precision != "float32")),
        ("Class balance", f"by {balance}" if balance != "none" else ""),
    ]


def _start(known: Known) -> str:
    about = known.about.get("started_from")
    if not isinstance(about, dict):
        return "random, drawn by the seed" if not known.config.init else "as asked: not stored yet"
    kind, name, sha256 = (cut(about.get(key, ""), 100) for key in ("kind", "name", "sha256"))
    name = PurePath(name).name if name.startswith("/") else name  # the rest tells of the machine
    return f"{kind} {name}, SHA-256 of its tensors {sha256}"


def _processor(known: Known) -> str:
    return cut(known.provenance.get("processor", "processor not stored"), 100)


def _seconds(metrics: pd.DataFrame) -> float:
    rows = metrics[(metrics["name"] == "seconds") & (metrics["split"] == "train")]
    return float(rows["value"].sum())


def _curves(known: Known) -> list[Markup]:
    if isinstance(known.config, ImportConfig):
        return [paragraph("There are no curves: an imported network has no epochs here.")]
    rows = known.metrics
    rows = rows[(rows["split"] == "val") & (rows["name"] == "accuracy")].dropna(subset=["value"])
    if rows.empty:
        return [paragraph("No epoch is stored yet, so there are no curves.")]
    sizes = len(known.samples["train"]), len(known.samples["val"])
    seen = monitor_size.of_run(known.about, *sizes)
    return [charts.accuracy_curves(rows, *seen, known.config.norm)]

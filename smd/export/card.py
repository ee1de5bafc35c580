"""The model card that lies beside a run's weights."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from smd import registry
from smd.config.schema import TrainConfig
from smd.export.margins_card import NONE
from smd.export.text import markdown_cell, to_markdown
from smd.export.titles import data_title, defense_title

CARD = """\
# {defense} on {data}

{origin} It takes images with pixels in [0, 1] and returns logits.

{facts}

## Accuracy

In %, on clean images and under attack at each noise level ε (L∞), a share of the pixels' range in
every pixel; where a column `norm` says L2, the length of the noise over all pixels. `n` images of
the split were attacked; one that is misclassified when clean counts as fooled at every level. In
brackets the 95 % interval for `n` images, too narrow where several are of one patient.
"Avg." is the mean over the clean images and the noise levels that the run watched.

{table}

## Margins

How far an image is from being misclassified, as {measured}.

{margins}

## Intended use

Research on adversarial robustness. An accuracy under an attack is an upper bound: a stronger
attack may find more. This model is not a medical device and must not be used for diagnosis or any
other decision about people.
"""


AVERAGED = (
    "model-ema.safetensors holds the exponential moving average of the weights, model.safetensors"
    " the last ones; rows of the accuracy table with weights=ema are of the average"
)


NAME = "| Name |"
MEASURED = {
    "Linf": "the largest change of a pixel (L∞)",
    "L2": "the length of the change over all pixels (L2)",
}
HERE = "An image classifier trained in SMD Studio."
ELSEWHERE = "An image classifier trained elsewhere, imported into SMD Studio and judged there."


def model_card(
    config: TrainConfig,
    meta: Mapping[str, Any],
    table: pd.DataFrame,
    provenance: Mapping[str, Any],
    margins: str = NONE,
    name: str = "",
) -> str:
    """The card of a trained network, in Markdown.

    meta: reader.meta; table: accuracy_intervals of this run; provenance:
    smd.runs.provenance.provenance of its start; margins: margins_section; name: the one that a
    person gave the run.
    """
    defense = defense_title(config)
    shown = table.drop(columns=["run", "defense"])
    card = CARD.format(
        defense=markdown_cell(defense),
        origin=ELSEWHERE if config.imported else HERE,
        data=markdown_cell(data_title(config)),
        facts=to_markdown(
            pd.DataFrame(
                _facts(config, meta, provenance),
                columns=["", "as imported" if config.imported else "as trained"],
            )
        ),
        table=to_markdown(shown) if len(shown) else "Nothing was attacked yet.",
        margins=margins,
        measured=MEASURED[config.norm],
    )
    return named_card(card, name)


def named_card(card: str, name: str) -> str:
    """The card with that name first among its facts, in place of one that it had; "": without."""
    lines = card.splitlines(keepends=True)
    rule = next((k for k, line in enumerate(lines) if line.startswith("| ---")), None)
    if rule is None:
        return card
    if rule + 1 < len(lines) and lines[rule + 1].startswith(NAME):
        del lines[rule + 1]
    row = f"{NAME} {markdown_cell(name)} |\n"
    return "".join([*lines[: rule + 1], *[row] * bool(name), *lines[rule + 1 :]])


def _facts(
    config: TrainConfig, meta: Mapping[str, Any], provenance: Mapping[str, Any]
) -> list[tuple[str, str]]:
    classes = ", ".join(str(name) for name in meta.get("classes", ()))
    commit = provenance.get("commit") or "unknown"
    changed = ", with changes that were not committed" if provenance.get("dirty") else ""
    versions = ", ".join(
        f"{name} {version}" for name, version in provenance.get("packages", {}).items()
    )
    told = _texts(meta, "image_notes", "image_cautions")
    network_told = _texts(meta, "network_cautions")
    return [
        ("Data", data_title(config)),
        (
            "Source",
            registry.DATASETS[config.data].source if config.data in registry.DATASETS else "",
        ),
        ("Classes", classes),
        *[("To know of the images", " ".join(told))] * bool(told),
        *[("To know of the network", " ".join(network_told))] * bool(network_told),
        ("Input", " x ".join(str(side) for side in meta.get("shape", ()))),
        ("Network", registry.network_title(config.net)),
        ("Parameters", str(meta.get("parameters", ""))),
        *_start(meta),
        ("Defense", defense_title(config)),
        ("Recipe", config.recipe),
        *[("Weight averaging", AVERAGED)] * (config.average == "ema"),
        *_of_training(config, meta),
        ("Code", commit + changed),
        ("Versions", f"Python {provenance.get('python', 'unknown')}, {versions}"),
    ]


def _start(meta: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the weights were at first, of a run that was told; it may come from elsewhere."""
    about = meta.get("started_from")
    if not isinstance(about, dict):
        return []
    kind, name, sha256 = (str(about.get(key, ""))[:200] for key in ("kind", "name", "sha256"))
    return [("Started from", f"{kind} {name}, sha256 of its tensors {sha256}")]


def _of_training(config: TrainConfig, meta: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How it was trained; of an import, which file it is and how its pixels are prepared."""
    if not config.imported:
        return [
            ("Epochs", str(config.epochs)),
            ("Batch", str(config.batch)),
            ("Seed", str(config.seed)),
        ]
    file = meta.get("file")
    about = file if isinstance(file, dict) else {}
    advice = meta.get("preprocessing_advice")
    told = _texts(meta, "weights_notes") + [str(advice)] * bool(advice)
    return [
        ("Trained", "elsewhere, how is not known here"),
        ("File", f"{about.get('name', 'unknown')}, {about.get('bytes', '?')} bytes"),
        ("SHA-256", str(about.get("sha256", "unknown"))),
        ("Normalisation", _normalisation(config, meta)),
        *[("To know of the file", " ".join(told))] * bool(told),
    ]


def _normalisation(config: TrainConfig, meta: Mapping[str, Any]) -> str:
    """Mean and standard deviation of the channels, those of the import or those of its file."""
    stood = meta.get("normalisation")
    of_file = stood if isinstance(stood, dict) else {}
    mean, std = config.mean or of_file.get("mean"), config.std or of_file.get("std")
    return f"mean {list(mean)}, std {list(std)}" if mean and std else "none: pixels in [0, 1]"


def _texts(meta: Mapping[str, Any], *names: str) -> list[str]:
    """The sentences that the store has under these names."""
    said = [meta.get(name) for name in names]
    return [str(text) for texts in said if isinstance(texts, list) for text in texts]

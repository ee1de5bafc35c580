"""The model card that lies beside a run's weights."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from smd import registry
from smd.config.schema import TrainConfig
from smd.export.margins_card import NONE
from smd.export.text import markdown_cell, to_markdown
from smd.export.titles import defense_title

CARD = """\
# {defense} on {data}

An image classifier trained in SMD Studio. It takes images with pixels in [0, 1] and returns logits.

{facts}

## Accuracy

In %, on clean images and under attack at each noise level ε (L∞), a share of the pixels' range in
every pixel; where a column `norm` says L2, the length of the noise over all pixels. `n` images of
the split were attacked; one that is misclassified when clean counts as fooled at every level.
"Avg." is the mean over the clean images and the noise levels that the run watched.

{table}

## Margins

How far an image is from being misclassified, as the largest change of a pixel (L∞).

{margins}

## Intended use

Research on adversarial robustness. An accuracy under an attack is an upper bound: a stronger
attack may find more. This model is not a medical device and must not be used for diagnosis or any
other decision about people.
"""


def model_card(
    config: TrainConfig,
    meta: Mapping[str, Any],
    table: pd.DataFrame,
    provenance: Mapping[str, Any],
    margins: str = NONE,
) -> str:
    """The card of a trained network, in Markdown.

    meta: reader.meta; table: accuracy_table of this run; provenance: smd.runs.provenance.provenance
    of its start; margins: margins_section.
    """
    defense = defense_title(config)
    shown = table.drop(columns=["run", "defense"])
    return CARD.format(
        defense=markdown_cell(defense),
        data=markdown_cell(_title(registry.DATASETS, config.data)),
        facts=to_markdown(
            pd.DataFrame(_facts(config, meta, provenance), columns=["", "as trained"])
        ),
        table=to_markdown(shown) if len(shown) else "Nothing was attacked yet.",
        margins=margins,
    )


def _facts(
    config: TrainConfig, meta: Mapping[str, Any], provenance: Mapping[str, Any]
) -> list[tuple[str, str]]:
    classes = ", ".join(str(name) for name in meta.get("classes", ()))
    commit = provenance.get("commit") or "unknown"
    changed = ", with changes that were not committed" if provenance.get("dirty") else ""
    versions = ", ".join(
        f"{name} {version}" for name, version in provenance.get("packages", {}).items()
    )
    said = [meta.get(name) for name in ("image_notes", "image_cautions")]
    told = [str(text) for texts in said if isinstance(texts, list) for text in texts]
    return [
        ("Data", _title(registry.DATASETS, config.data)),
        (
            "Source",
            registry.DATASETS[config.data].source if config.data in registry.DATASETS else "",
        ),
        ("Classes", classes),
        *[("To know of the images", " ".join(told))] * bool(told),
        ("Input", " x ".join(str(side) for side in meta.get("shape", ()))),
        ("Network", _title(registry.NETWORKS, config.net)),
        ("Parameters", str(meta.get("parameters", ""))),
        ("Defense", defense_title(config)),
        ("Epochs", str(config.epochs)),
        ("Batch", str(config.batch)),
        ("Seed", str(config.seed)),
        ("Code", commit + changed),
        ("Versions", f"Python {provenance.get('python', 'unknown')}, {versions}"),
    ]


def _title(table: Mapping[str, Any], name: str) -> str:
    return str(table[name].title) if name in table else name

"""What an import of weights is asked to do: a run without a training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smd import registry
from smd.config.options import Value, option
from smd.config.training import TrainConfig
from smd.registry import IMPORTED
from smd.registry.open_networks import WHOLE
from smd.registry.recipes import COMMON, Recipe


@dataclass(frozen=True)
class ImportConfig(TrainConfig):
    """One import. The fields of a training stand empty; data and network are as there."""

    # weights, or a whole network (.pt2, .onnx)
    file: str = option("", "the file", flag="FILE", title="File", in_form=False)
    net: str = option(
        "",
        "{names}, or torchvision:NAME, timm:NAME, FILE.py:FUNCTION (what suits the data set); none"
        " for a whole network",
        title="Network",
        table=registry.NETWORKS,
        beside=lambda name: "" if name in WHOLE else registry.problem_of_network(name),
        noun="network",
        always=True,
    )
    new_head: bool = option(
        False,
        "the last layer begins anew where the file has another number of classes",
        title="New last layer",
        seldom=True,
    )
    n_margins: int = option(
        200,
        "estimate the margins of at most so many test images, as many as fit into 20 s; 0: none"
        " ({default})",
        title="Test images to estimate margins of",
        minimum=0,
        seldom=True,
    )
    defense: str = IMPORTED.name
    norm: str = "Linf"
    params: Mapping[str, Value] = field(default_factory=dict)
    recipe: str = "common"
    epochs: int = 0
    batch: int = 0
    devices: str = ""
    precision: str = "float32"
    n_train: int = 0
    init: str = ""
    average: str = "none"
    allow_leaks: bool = False
    folds: int = 0
    fold: int = 0
    balance: str = "none"

    def __post_init__(self) -> None:
        suffix = Path(self.file).suffix.lower()
        if suffix in WHOLE:  # it has no class to be filled
            object.__setattr__(self, "net", suffix)
        entry = registry.DATASETS.get(self.data)
        if entry:
            object.__setattr__(self, "net", self.net or entry.net)

    @property
    def full_recipe(self) -> Recipe:
        """No recipe is known of it; the common one stands in."""
        return COMMON

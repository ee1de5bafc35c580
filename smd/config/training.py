"""What a training run is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from smd import registry
from smd.config.options import Value, option, own
from smd.registry.recipes import COMMON, Choice, Recipe

MOST_EPOCHS = 10_000


@dataclass(frozen=True)
class TrainConfig:
    """One training run. What is left out follows from the data set."""

    data: str = option(
        "digits",
        "data set: {names} ({default})",
        table=registry.DATASETS,
        noun="data set",
        always=True,
    )
    # folder or archive of class folders, for data = "folder"
    data_path: str = option(
        "",
        "own images: a folder or archive of class folders, .npy or .npz",
        flag="--path",
        seldom=True,
    )
    # side in pixels that own images are resized to; 0: as they are
    image_size: int = option(
        0,
        "own images: resize to this side in pixels (0: as they are)",
        title="Resize to",
        minimum=0,
        seldom=True,
    )
    # "": the data set's own
    net: str = option(
        "",
        "{names} (what suits the data set)",
        table=registry.NETWORKS,
        noun="network",
        always=True,
    )
    defense: str = option(
        "smd",
        "{names}, with options like smd:preset=ame (smd)",
        table=registry.DEFENSES,
        knobs=True,
        always=True,
    )
    params: Mapping[str, Value] = field(default_factory=dict)  # the defense's own knobs
    # optimiser and schedule: "common" to all defenses, or the defense's "official" one
    recipe: str = option(
        "common",
        "optimiser and schedule: one for all defenses, or the defense's own ({default})",
        choices=get_args(Choice),
    )
    # 0: the data set's own, or those of the official recipe
    epochs: int = option(
        0,
        "passes over the training images (the data set's own)",
        title="Epochs",
        minimum=1,
        maximum=MOST_EPOCHS,
        always=True,
    )
    # 0: the recipe's own
    batch: int = option(
        0,
        "images a step (the recipe's own: 128)",
        title="Batch size",
        minimum=1,
        seldom=True,
        usual=lambda config: config.full_recipe.batch,
    )
    seed: int = option(
        0, "of weights, order and the validation split (0)", title="Seed", minimum=0, always=True
    )
    # "auto", "cpu", "cuda", "cuda:1", ...
    device: str = option(
        "auto", "auto, cpu, cuda, cuda:1, mps (auto: a GPU if there is one)", always=True
    )
    # of the training steps, see smd.core.precision
    precision: str = option(
        "float32",
        "of the training steps; tf32 and bfloat16 are quicker on an NVIDIA GPU ({default})",
        choices=("float32", "tf32", "bfloat16"),
        seldom=True,
        in_form=False,
    )
    # use only so many training images; 0: all
    n_train: int = option(
        0,
        "use only so many training images (0: all)",
        title="Training images",
        minimum=0,
        seldom=True,
    )
    # attack only so many test images at the end; 0: at most 1,000
    n_test: int = option(
        0,
        "attack only so many test images at the end (0: up to 1000)",
        title="Test images",
        minimum=0,
        seldom=True,
        in_form=False,
    )
    # see smd.evaluation.final_margins
    n_margins: int = option(
        200,
        "estimate the margins of at most so many test images at the end, as many as fit into a"
        " fifth of the training's time; 0: none ({default})",
        title="Test images to estimate margins of",
        minimum=0,
        seldom=True,
    )
    skip_broken: bool = option(
        False, "own images: leave out files that cannot be read, and say which", seldom=True
    )
    # "": as they are
    channels: str = option(
        "",
        "own images: convert all of them (as they are)",
        choices=("", "gray", "rgb"),
        seldom=True,
    )

    def __post_init__(self) -> None:
        entry = registry.DATASETS.get(self.data)
        if entry:  # fill in what follows from the data set, so that the file says it all
            object.__setattr__(self, "net", self.net or entry.net)
            official = self.recipe == "official" and self.defense in registry.DEFENSES
            epochs = self.full_recipe.epochs if official else entry.epochs
            object.__setattr__(self, "epochs", self.epochs or epochs)
        object.__setattr__(self, "batch", self.batch or self.full_recipe.batch)
        if self.defense in registry.DEFENSES:
            object.__setattr__(
                self, "params", own(self.params, registry.DEFENSES[self.defense].params)
            )

    @property
    def full_recipe(self) -> Recipe:
        """Optimiser and schedule, batch size and epochs, that `recipe` stands for."""
        entry = registry.DEFENSES.get(self.defense)
        if not entry or self.recipe != "official":
            return COMMON
        fitting = [
            recipe for knob, value, recipe in entry.variants if self.params.get(knob) == value
        ]
        return (fitting or [entry.official])[0]

    @property
    def levels(self) -> tuple[float, ...]:
        """The noise levels watched while training, in [0, 1]."""
        return registry.DATASETS[self.data].levels

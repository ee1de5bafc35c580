"""What a training run is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from smd import registry
from smd.config.options import NORM, Value, option, own
from smd.registry.recipes import COMMON, SHARED, Choice, Recipe

MOST_EPOCHS = 10_000
MOST_FOLDS = 20


@dataclass(frozen=True)
class TrainConfig:
    """One training run. What is left out follows from the data set."""

    data: str = option(
        "digits",
        "data set: {names} ({default})",
        title="Data set",
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
    image_size: int = option(
        0,
        "own images: resize to this side in pixels (0: as they are)",
        title="Resize to",
        minimum=0,
        maximum=16_384,
        seldom=True,
    )
    # "": the data set's own
    net: str = option(
        "",
        "{names}, or torchvision:NAME, timm:NAME, FILE.py:FUNCTION (what suits the data set)",
        title="Network",
        table=registry.NETWORKS,
        beside=registry.problem_of_network,
        noun="network",
        always=True,
    )
    # (x - mean) / std of every channel, the network's first layer; (): it takes x as it is
    mean: tuple[float, ...] = option(
        (),
        "normalisation: what is taken from each channel, like 0.49,0.48,0.45, or once for all"
        " (none)",
        title="Mean",
        seldom=True,
    )
    std: tuple[float, ...] = option(
        (),
        "normalisation: what each channel is divided by then (none)",
        title="Standard deviation",
        seldom=True,
    )
    defense: str = option(
        "smd",
        "{names}, with options like smd:preset=ame (smd)",
        title="Defense",
        table=registry.DEFENSES,
        knobs=True,
        always=True,
    )
    params: Mapping[str, Value] = field(default_factory=dict)  # the defense's own knobs
    norm: str = option(
        "Linf", "of noise and margins, also of what judges the run ({default})", **NORM
    )
    # optimiser and schedule: "common" to all defenses, the defense's "official" one, or to go on
    # from weights
    recipe: str = option(
        "common",
        "optimiser and schedule: one for all defenses, the defense's own, or a gentle one to go on"
        " from weights (--init) with SGD or AdamW ({default})",
        title="Recipe",
        choices=get_args(Choice),
    )
    # 0: the data set's own, or those of any recipe but the common one
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
    # 0: all at once where the memory holds it, see smd.nets.parts
    microbatch: int = option(
        0,
        "images of a step that go through the network at once; the step stays that of the whole"
        " batch (0: as many as the memory holds)",
        title="Images at once",
        minimum=0,
        seldom=True,
        in_form=False,
    )
    # "": drawn by the seed; "pretrained": the library's; a file; the id of a run
    init: str = option(
        "",
        "weights to start from: a file, a trained run, or pretrained (random ones)",
        title="Start from weights",
    )
    # of the weights, see smd.training.averaging
    average: str = option(
        "none",
        "average the weights over the steps, too; both are kept and judged ({default})",
        title="Weight averaging",
        choices=("none", "ema"),
    )
    # of the training images' losses or draws, see smd.training.balance
    balance: str = option(
        "none",
        "loss: every image's loss counts by how rare its class is, so that all classes weigh alike;"
        " sampling: an epoch draws all classes equally often, images of rare ones several times and"
        " not every image of the others ({default})",
        title="Class balance",
        choices=("none", "loss", "sampling"),
        seldom=True,
    )
    seed: int = option(
        0, "of weights, order and the validation split (0)", title="Seed", minimum=0, always=True
    )
    # "auto", "cpu", "cuda", "cuda:1", ...
    device: str = option(
        "auto",
        "auto, cpu, cuda, cuda:1, mps, ray, slurm (auto: any free one)",
        title="Device",
        always=True,
    )
    # "": one; see smd.several
    devices: str = option(
        "",
        "several: all, a count such as 4 (CPU: processes, Ray: nodes), GPUs such as 0,1 (one)",
        title="Devices",
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
    # .csv, .tsv or .parquet with a row an image file, see smd.data.table
    labels: str = option(
        "",
        "own images: a table (.csv, .tsv, .parquet) of their labels, patients and splits (none)",
        title="Table of labels",
        seldom=True,
    )
    columns: str = option(
        "",
        "own images: the table's columns, like"
        " path=file,label=diagnosis,patient=pid,site=hospital,split=part,group=sex; patient= for"
        " none; index= of arrays; label=A+B+C of one-hot columns, rows=single (guessed)",
        title="Columns of the table",
        seldom=True,
    )
    allow_leaks: bool = option(
        False,
        "own images: train although the table has patients in two splits",
        title="Train although patients are in two splits",
        seldom=True,
    )
    # cross-validation: the test split is part `fold` of so many; 0: the usual test split
    folds: int = option(
        0,
        "cross-validation: so many parts, by patient where patients are known; `sweep` trains on"
        " all of them (0: none)",
        title="Folds",
        minimum=0,
        maximum=MOST_FOLDS,
        seldom=True,
    )
    fold: int = option(
        0,
        "cross-validation: the part that is tested, from 1 on",
        title="Fold",
        minimum=0,
        seldom=True,
    )
    # see smd.config.intensities; "": percentiles:0.5..99.5 of values that have more than 8 bits
    intensity: str = option(
        "",
        "own images: the values that become black and white: window:-160..240, percentiles:1..99,"
        " range, voi (as they are; of more than 8 bits percentiles:0.5..99.5 of the training"
        " images)",
        seldom=True,
    )
    volumes: bool = option(
        False, "own images: each folder of DICOM slices is one volume", seldom=True
    )
    # see smd.config.spacings; "": as they are
    spacing: str = option(
        "",
        "own images: resample scans to pixels or voxels of so many mm: 1.0, or width,height,"
        "distance between slices, 0.7,0.7,2.5 (as they are)",
        seldom=True,
    )
    # names with commas between, see smd.registry.sinks; also of every later job on the run
    log: str = option(
        "",
        "experiment trackers that get all that the store gets: tensorboard, mlflow, wandb, several"
        " with commas (none)",
        title="Experiment trackers",
        seldom=True,
    )

    def __post_init__(self) -> None:
        entry = registry.DATASETS.get(self.data)
        if entry:  # fill in what follows from the data set, so that the file says it all
            object.__setattr__(self, "net", self.net or entry.net)
            official = self.recipe == "official" and self.defense in registry.DEFENSES
            own_epochs = official or (self.recipe in SHARED and self.recipe != "common")
            epochs = self.full_recipe.epochs if own_epochs else entry.epochs
            object.__setattr__(self, "epochs", self.epochs or epochs)
        object.__setattr__(self, "batch", self.batch or self.full_recipe.batch)
        if self.defense in registry.DEFENSES:
            object.__setattr__(
                self, "params", own(self.params, registry.DEFENSES[self.defense].params)
            )

    @property
    def imported(self) -> bool:
        """Whether the network comes from elsewhere, so that this is no training of ours."""
        return self.defense == registry.IMPORTED.name

    @property
    def full_recipe(self) -> Recipe:
        """Optimiser and schedule, batch size and epochs, that `recipe` stands for."""
        entry = registry.DEFENSES.get(self.defense)
        if not entry or self.recipe != "official":
            return SHARED.get(self.recipe, COMMON)
        fitting = [
            recipe for knob, value, recipe in entry.variants if self.params.get(knob) == value
        ]
        return (fitting or [entry.official])[0]

    @property
    def levels(self) -> tuple[float, ...]:
        """The noise levels watched while training, unit of x."""
        return self.levels_in(self.norm)

    def levels_in(self, norm: str) -> tuple[float, ...]:
        """The noise levels of its data set in that norm."""
        return registry.DATASETS[self.data].watched(norm)

"""What own images are and what will be done with them, counted and in words; knows no Streamlit."""

import pandas as pd

from smd import paths, registry
from smd.config.schema import TrainConfig
from smd.data import Images, spacing
from smd.data.intensity import in_units
from smd.data.split import TEST, VAL, Splits
from smd.units import show_bytes, show_level, show_levels

from ..components.plain import plain


def with_total(table: pd.DataFrame) -> pd.DataFrame:
    """The counts with a last row that sums them."""
    total = {name: "all classes" if name == "class" else table[name].sum() for name in table}
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True)


def plan(config: TrainConfig, images: Images, splits: Splits) -> list[str]:
    """What a run will do with these images, each a sentence in Markdown."""
    return [
        _pixels(config, images),
        *_intensities(config, images),
        _validation(config, images, splits),
        _testing(config, images, splits),
        _network(config, images),
        "Accuracy is watched without noise and at noise levels"
        f" **{show_levels(config.levels, config.norm).replace(',', ', ')}**.",
        f"The imported images take **{show_bytes(images.pixels.nbytes)}** in"
        f" {plain(paths.cache_root())}; the files themselves are only read.",
    ]


def shape_words(images: Images) -> str:
    """ "64x64 pixels, gray", or with its depth for a volume."""
    sides = "x".join(str(side) for side in images.pixels.shape[:1:-1])
    return (
        f"{sides} {'voxels' if images.pixels.ndim == 5 else 'pixels'},"
        f" {'gray' if images.channels == 1 else 'RGB'}"
    )


def _pixels(config: TrainConfig, images: Images) -> str:
    how = "resized to" if config.image_size else "used as they are,"
    if images.spacing:
        how = f"resampled to **{spacing.words(images.spacing)}**,"
    return (
        f"**{len(images.labels):,}** images of {len(images.classes)} classes, {how}"
        f" **{shape_words(images)}**."
    )


def _intensities(config: TrainConfig, images: Images) -> list[str]:
    """What noise is in the files' own values, where these are known."""
    known = images.intensity
    if known is None:
        return []
    levels = ", ".join(
        f"{show_level(eps)} is {in_units(eps, known.low, known.high, known.unit)}"
        for eps in config.levels_in("Linf")
    )
    return [
        f"Values from **{known.words}** become 0 to 1, in 256 grey levels: noise of {levels}"
        f"{'' if known.unit else ' in the values of the files'}."
    ]


def _validation(config: TrainConfig, images: Images, splits: Splits) -> str:
    part = f" of {len(splits.train):,}" if config.n_train else ""
    training = f"**{config.n_train or len(splits.train):,}**{part} images are trained on"
    if (images.split == VAL).any():
        return (
            f"{training}, and **{len(splits.val):,}** are the validation images that you have set"
            " apart."
        )
    return (
        f"{training}; a tenth, **{len(splits.val):,}**, is kept for validation, "
        f"drawn by the seed, {_how(images)}."
    )


def _testing(config: TrainConfig, images: Images, splits: Splits) -> str:
    if config.folds:
        each = f"fold {config.fold}" if config.fold else "each of them once; of fold 1 it is"
        return (
            f"The images are divided into {config.folds} folds, {_how(images)}, and tested is"
            f" {each}, **{len(splits.test):,}** images."
        )
    if (images.split == TEST).any():
        return f"**{len(splits.test):,}** are the test images that you have set apart."
    return (
        f"A fifth, **{len(splits.test):,}**, is kept for testing, the same images in every run,"
        f" {_how(images)}."
    )


def _how(images: Images) -> str:
    """How images are divided."""
    if images.facts.patients:
        return (
            "by patient, so that nobody is in two splits, and by class share as well as that allows"
        )
    return "by class share"


def _network(config: TrainConfig, images: Images) -> str:
    net, dims = registry.find_network(config.net), len(images.shape) - 1
    usual = next(other.name for other in registry.NETWORKS.values() if other.dims == dims)
    what, points = ("volumes", "voxels") if dims == 3 else ("images", "pixels")
    why = f"it suits {what} of your own and is quick" if net.name == usual else "you chose it"
    if not net.dims:
        return (
            f"The network is **{plain(net.title)}**: you chose it; the job fits it to these {what}."
        )
    return (
        f"The network is **{net.title}**: {why}; it takes {net.sizes[0]} to {net.sizes[1]} {points}"
        " a side."
    )

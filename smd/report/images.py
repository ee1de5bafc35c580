"""The report on the data: where it is from, classes and splits, cautions, intensities."""

import math
from pathlib import PurePath

from smd import registry
from smd.data import spacing
from smd.report import words
from smd.report.known import SPLITS, Known
from smd.report.markup import Markup, cut, element, facts, joined, listing, number, paragraph, table
from smd.units import show_level

MOST = 40  # classes that the table names


def section(known: Known) -> Markup:
    """What the network was trained and judged on."""
    notes, cautions = known.sentences("image_notes"), known.sentences("image_cautions")
    parts = [facts(_facts(known)), _counts(known), paragraph(_patients(known))]
    if notes:
        parts += [element("h3", "What the import did"), listing(notes)]
    parts += [element("h3", "Cautions")]
    parts += [listing(cautions, "cautions") if cautions else paragraph(_no_cautions(known))]
    return joined(parts)


def _facts(known: Known) -> list[tuple[str, str]]:
    config, shape = known.config, known.about.get("shape", ())
    source = registry.DATASETS[config.data].source if config.data != "folder" else ""
    how = "cut or filled up" if config.spacing else "resized"
    resized = f"{how} to {config.image_size} pixels a side" if config.image_size else ""
    sides = " × ".join(str(side) for side in shape[1:])
    channels = {1: "gray", 3: "RGB"}.get(shape[0], f"{shape[0]} channels") if shape else ""
    return [
        ("Data", _data(known)),
        ("Source", source),
        ("Images", ", ".join(filter(None, [sides, channels, resized]))),
        ("Training images", f"a part of them, {config.n_train:,}" * bool(config.n_train)),
        ("Intensities", _intensity(known)),
        ("Resampled", _resampled(known)),
        ("Images now", "" if known.images is not None else _gone(known)),
    ]


def _data(known: Known) -> str:
    name = cut(PurePath(known.config.data_path).name, 120)
    return f"own images, {name}" if known.config.data == "folder" else words.data_title(known)


def _gone(known: Known) -> str:
    where = "say where they are now with " + words.locate_command(known)
    again = where if known.config.data == "folder" else "any run on this data set imports them"
    return f"the imported images are gone from the cache, so none is shown below; {again}"


def _intensity(known: Known) -> str:
    """What a pixel's range is worth in the unit of the files, and noise in it; "" if not told."""
    told = known.about.get("intensity")
    if not isinstance(told, dict):
        return "not told by the files: noise of 1/255 is that share of the pixels' range"
    low, high, unit = (told.get(name) for name in ("low", "high", "unit"))
    ends = [float(end) for end in (low, high) if isinstance(end, int | float)]
    if len(ends) < 2 or not all(map(math.isfinite, ends)) or ends[0] >= ends[1]:
        return "stored in a form that this version does not read"
    name = f" {cut(unit, 20)}" if isinstance(unit, str) and unit else ""
    levels = [
        f"{show_level(level)} is {level * (ends[1] - ends[0]):,.4g}{name}"
        for level in known.config.levels_in("Linf")
    ]
    return f"black is {ends[0]:,g}{name} and white {ends[1]:,g}{name}; noise of {', '.join(levels)}"


def _resampled(known: Known) -> str:
    """The size of pixels or voxels that all were resampled to; "" if they were not."""
    size = spacing.read(known.about.get("spacing"))
    return f"to {'voxels' if len(size) == 3 else 'pixels'} of {spacing.words(size)}" if size else ""


def _counts(known: Known) -> Markup:
    """Images of each class in each split."""
    heads = ["class", *(words.SPLIT[split] for split in SPLITS), "all"]
    counted = {split: known.samples[split]["label"].value_counts() for split in SPLITS}
    labels = range(len(known.classes))
    rows = []
    for label in labels[:MOST]:
        counts = [int(counted[split].get(label, 0)) for split in SPLITS]
        rows.append([known.class_name(label), *map(number, [*counts, sum(counts)])])
    if len(labels) > MOST:
        rest = labels[MOST:]
        counts = [int(counted[s].reindex(rest).sum()) for s in SPLITS]
        rows.append([f"{len(rest):,} other classes", *map(number, [*counts, sum(counts)])])
    total = [len(known.samples[split]) for split in SPLITS]
    rows.append(["all classes", *map(number, [*total, sum(total)])])
    return table("Images of each class in each split.", heads, rows, class_="counts")


def _patients(known: Known) -> str:
    if not known.patients:
        again = (
            " Import the images again with a table of labels that has a column of patients, which"
            " keeps each of them in one split."
        )
        return "Patients: not known." + again * (known.config.data == "folder")
    told = [f"{known.patients[split]:,} in {words.SPLIT[split]}" for split in SPLITS]
    return f"Patients: {words.enumerated(told)} (by a hash, never by name)."


def _no_cautions(known: Known) -> str:
    if known.config.data != "folder":
        return "None: only own images are audited, this set is a published one."
    return (
        "None was raised: no class is tiny or outnumbered, no test image is pixel for pixel among"
        " the others, none is of one colour throughout; an earlier version may not have looked."
    )

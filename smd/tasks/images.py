"""The images of a run: those it began with, also when its source has moved or changed since."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from smd import data
from smd.config.commands import locate_command
from smd.config.schema import TrainConfig
from smd.data import content
from smd.data.images import Images
from smd.data.request import Progress
from smd.data.split import Splits, carve
from smd.errors import UserError
from smd.runs.folders import Run, with_absolute_path
from smd.store import reader
from smd.store.writer import Recorder


def images_of(run: Run, progress: Progress | None = None) -> Images:
    """The run's images: from the cache that has them, from where they were located, or from where
    they were.

    Margins and sample ids belong to rows of these very images, which their content tells
    (smd.data.content). Raises UserError if they are nowhere, with the command that says where they
    are now.
    """
    about = reader.meta(run.store)
    kept = _cached(run, about)
    return kept if kept is not None else _from_source(run, about, progress)


def _cached(run: Run, about: Mapping[str, Any]) -> Images | None:
    """The imported images of the run, if the cache still has them."""
    key, known = about.get("images", ""), about.get("content", "")
    # the same images without a table's patients would do for all but a store that begins anew
    kept = data.find(key, "" if run.config.labels else known) if key else None
    if kept is not None and not known:  # an earlier version began it
        Recorder(run.store).describe({"content": content.of(kept)})
    return kept


def _from_source(run: Run, about: Mapping[str, Any], progress: Progress | None) -> Images:
    """The images where they were located, or where they were; errors as of `images_of`."""
    config, changed, missing = run.config, False, None
    paths = dict.fromkeys(filter(None, (_text(about.get("located")), config.data_path)))
    for path in paths or ("",):
        try:
            images = loaded(config, path, progress)
        except UserError as error:
            missing = error
            continue
        if not about.get("images") or same(images, about):
            return images
        changed = True
    if not about.get("images") and missing:  # it has not begun: there is nothing else to look for
        raise missing
    raise _lost(run, None if changed else missing)


def _lost(run: Run, missing: UserError | None) -> UserError:
    """Why the run's images cannot be had: nothing is there, or something else is."""
    config, hint = run.config, ""
    if config.data == "folder":
        hint = f" If they are elsewhere, say so: `{locate_command(run.id)}`."
    if missing is not None:
        return UserError(f"The images of {run.id} are gone. {missing}{hint}")
    return UserError(
        f"The images of {config.data_path or config.data} have changed since {run.id} was trained"
        f" on them: put them back as they were, or train a new run.{hint}"
    )


def loaded(config: TrainConfig, path: str, progress: Progress | None = None) -> Images:
    """The images at that path as the config wants them, imported if need be; raises UserError as
    smd.data.load does."""
    return data.load(
        config.data,
        path,
        config.image_size,
        progress,
        config.skip_broken,
        config.channels,
        config.labels,
        config.columns,
        config.intensity,
        config.volumes,
        config.spacing,
    )


def same(images: Images, about: Mapping[str, Any]) -> bool:
    """Whether these are the images of a run that says this about itself (reader.meta)."""
    known = about.get("content")
    return content.of(images) == known if known else images.key == about.get("images")


def locate(run: Run, path: str, progress: Progress | None = None) -> Path:
    """Keep in the run's store where its images are now, and return that place.

    Raises UserError if there are none, if they are others than those that it was trained on, or if
    nothing can tell.
    """
    about, config = reader.meta(run.store), run.config
    _refuse_locating(run, about)
    known = about.get("content")
    if not known:
        kept = data.cached(about["images"])
        known = content.of(kept) if kept is not None else ""
    place = Path(with_absolute_path(replace(config, data_path=path)).data_path)
    images = loaded(config, str(place), progress)
    if not known and images.key != about["images"]:
        raise UserError(
            f"Nothing can tell whether {place} holds the images of {run.id}: an earlier version,"
            " which kept no hash of them, trained it, and its imported images are gone. Put them"
            f" back at {config.data_path}, unchanged."
        )
    own = content.of(images)
    if known and own != known:
        raise UserError(
            f"{place} holds other images than {run.id} was trained on (their hash is {own[:12]},"
            f" not {known[:12]}): give the folder, archive or file that has the very same ones."
        )
    recorder = Recorder(run.store)
    recorder.describe({"content": own, "located": str(place)})
    recorder.flush()
    return place


def _refuse_locating(run: Run, about: Mapping[str, Any]) -> None:
    """Raises UserError where the run has no images yet, or such as have no place of their own."""
    if not about.get("images"):
        raise UserError(
            f"{run.id} has not begun, so it has no images yet: train a new run with --path."
        )
    if run.config.data != "folder":
        raise UserError(
            f"{run.id} is trained on {run.config.data}, which is found by its name: put its files"
            " into SMD_DATA."
        )


def located(run: Run) -> str:
    """Where the run's images are, in words: imported, at a path, or nowhere that is known."""
    about = reader.meta(run.store)
    kept = data.find(about.get("images", ""), about.get("content", ""))
    place = _text(about.get("located")) or run.config.data_path or run.config.data
    return f"{place} (imported as {kept.key})" if kept is not None else f"{place} (not imported)"


def _text(value: object) -> str:
    """What a store, which may come from elsewhere, says where there should be a path."""
    return value if isinstance(value, str) else ""


def splits_of(run: Run, images: Images) -> Splits:
    """The rows that the run began with, as its store names them; carved where it has not begun.

    Its margins and verdicts are on these rows, also if a later version carves others. Raises
    UserError if the store's rows are none of these images.
    """
    begun = {split: reader.samples(run.store, split) for split in ("train", "val", "test")}
    if all(table.empty for table in begun.values()):
        return carve_as(images, run.config)
    rows = {}
    for split, table in begun.items():
        try:
            source, labels = (table[name].to_numpy(np.int64) for name in ("source", "label"))
        except (TypeError, ValueError):  # a missing number
            raise _other_rows(run) from None
        inside = (
            len(source)
            and source[0] >= 0
            and source[-1] < len(images.labels)
            and (np.diff(source) > 0).all()
        )
        if (
            not inside
            or table["idx"].tolist() != list(range(len(source)))
            or (images.labels[source] != labels).any()
        ):
            raise _other_rows(run)
        rows[split] = source
    if len(np.unique(np.concatenate(list(rows.values())))) < sum(map(len, rows.values())):
        raise _other_rows(run)
    return Splits(**rows)


def carve_as(images: Images, config: TrainConfig) -> Splits:
    """The splits that the config asks for, see smd.data.split.carve."""
    return carve(images, config.seed, config.n_train, config.folds, config.fold)


def _other_rows(run: Run) -> UserError:
    return UserError(
        f"The samples in the store of {run.id} are not rows of its images: "
        f"restore {run.store.name}, or train a new run."
    )

"""The images of a run: those it began with, also when its source has moved or changed since."""

import numpy as np

from smd import data
from smd.data.images import Images
from smd.data.request import Progress
from smd.data.split import Splits, carve
from smd.errors import UserError
from smd.runs import Run
from smd.store import reader


def images_of(run: Run, progress: Progress | None = None) -> Images:
    """The run's images, from the cache it was trained from if that is still there.

    Margins and sample ids belong to rows of these very images. Raises UserError if they are gone and
    the source holds others now.
    """
    key = reader.meta(run.store).get("images", "")
    kept = data.cached(key) if key else None
    if kept is not None:
        return kept
    config = run.config
    images = data.load(config.data, config.data_path, config.image_size, progress)
    if key and images.key != key:
        raise UserError(
            f"The images of {config.data_path or config.data} have changed since {run.id} was trained on them: "
            "put them back as they were, or train a new run."
        )
    return images


def splits_of(run: Run, images: Images) -> Splits:
    """The rows that the run began with, as its store names them; carved where it has not begun.

    Its margins and verdicts are on these rows, also if a later version carves others. Raises UserError if the store's
    rows are none of these images.
    """
    begun = {split: reader.samples(run.store, split) for split in ("train", "val", "test")}
    if all(table.empty for table in begun.values()):
        return carve(images, run.config.seed, run.config.n_train)
    rows = {}
    for split, table in begun.items():
        try:
            found, labels = (table[name].to_numpy(np.int64) for name in ("source", "label"))
        except (TypeError, ValueError):  # a missing number
            raise _other_rows(run) from None
        inside = len(found) and found[0] >= 0 and found[-1] < len(images.labels) and (np.diff(found) > 0).all()
        if not inside or table["idx"].tolist() != list(range(len(found))) or (images.labels[found] != labels).any():
            raise _other_rows(run)
        rows[split] = found
    if len(np.unique(np.concatenate(list(rows.values())))) < sum(map(len, rows.values())):
        raise _other_rows(run)
    return Splits(**rows)


def _other_rows(run: Run) -> UserError:
    return UserError(
        f"The samples in the store of {run.id} are not rows of its images: "
        f"restore {run.store.name}, or train a new run."
    )

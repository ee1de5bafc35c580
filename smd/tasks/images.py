"""The images of a run: those it began with, also when its source has moved or changed since."""

from smd import data
from smd.data.images import Images
from smd.data.request import Progress
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

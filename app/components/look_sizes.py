"""How many images the accuracies of every epoch are of: n, for intervals in tooltips."""

from smd.runs.folders import Run
from smd.training import monitor_size

from .. import data
from ..charts.curves import Sizes


def of(run: Run) -> Sizes:
    """Those of validation images, and of training images under attack; the clean accuracy of
    training images is measured by the steps, on a network that changes meanwhile."""
    known = data.outline(run.store)
    sizes = known.sizes.set_index("split")["n"]
    train, val = (int(sizes.get(split, 0)) for split in ("train", "val"))
    clean, noisy = monitor_size.of_run(known.meta, train, val)
    attacked = monitor_size.of_training(known.meta, train)
    return {("val", False): clean, ("val", True): noisy, ("train", True): attacked}

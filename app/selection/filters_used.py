"""Which filters a view takes no notice of, and why: these are disabled there."""

from smd.runs.folders import Run
from smd.store import reader

from .. import data
from . import sources, state

ALL = ("class", "epoch", "range", "find", "closest", "between", "level", "predicted", "set")
# of Margins' views that show all images
NOTED = {"by class": ("epoch",), "over time": ("between",), "forces": ()}
NO_MARGINS = "No margins of these images are known yet, so there is nothing to filter here."
NOT_OVER = "There is no embedding before the training is over, so there is nothing to filter here."
NO_EMBEDDING = "There is no embedding of these images yet to filter."
NO_NETWORK = "This run has no trained network to attack, so there is nothing to filter here."

Ignored = tuple[str, tuple[str, ...]]  # why, and the filters that act all the same


def ignored(page: str, run: Run, split: str) -> dict[str, str]:
    """Filter -> why it changes nothing on this page as it stands now."""
    why, noted = WHY.get(page, _nothing)(run, split)
    return {key: why for key in ALL if key not in noted} if why else {}


def _nothing(_run: Run, _split: str) -> Ignored:
    return "", ()


def _margins(run: Run, split: str) -> Ignored:
    known = [source for source in sources.of(run) if source.split == split]
    if not known:
        return NO_MARGINS, ()
    whole = known[0].estimate or run.config.norm != "Linf"  # then the page has one view only
    view = "" if whole else str(state.read()["view"])
    if view not in NOTED:
        return "", ()
    return f"The view “{view}” shows all training images, whichever are selected.", NOTED[view]


def _embedding(run: Run, split: str) -> Ignored:
    if not run.trained:
        return NOT_OVER, ()
    known = set(data.read(reader.embeddings, run.store)["split"])
    return ("" if split in known else NO_EMBEDDING), ()


def _attacks(run: Run, _split: str) -> Ignored:
    return ("" if run.trained else NO_NETWORK), ()


WHY = {"Margins": _margins, "Embedding": _embedding, "Attacks": _attacks}

"""Filters in words, as the bar says them; no Streamlit here."""

from smd.units import level_title

from .choices import Choices
from .filters import ATTACKED, FINDS, OVER_TIME, PREDICTED, Filters


def of(filters: Filters, known: Choices) -> list[str]:
    """What leaves images out, a few words each; [] where nothing does."""
    said = [
        _classes("class", filters.labels, known),
        f"in the set {filters.within.name}" if filters.within else "",
        _span(filters, known),
        _find(filters, known),
        "drawn around in the embedding" if filters.region else "",
    ]
    return [words for words in said if words]


def _classes(what: str, labels: tuple[int, ...], known: Choices) -> str:
    return f"{what} {', '.join(known.classes[label] for label in labels)}" if labels else ""


def _span(filters: Filters, known: Choices) -> str:
    """A range of margins, and whose they are where these are not the last epoch's."""
    if not filters.span:
        return ""
    low, high = filters.span
    older = filters.epoch and known.epochs and filters.epoch != known.epochs[-1]
    return f"margin {low:.1f} to {high:.1f}/255" + (
        f" after epoch {filters.epoch}" if older else ""
    )


def _find(filters: Filters, known: Choices) -> str:
    """The question that is asked, with what else it says."""
    if filters.find == "closest":
        return f"the {filters.most} {FINDS['closest']}"
    said = FINDS.get(filters.find, "")
    if filters.find in OVER_TIME:
        start, end = filters.between
        said += f" between epochs {start} and {end}"
    if filters.find in (*ATTACKED, *PREDICTED):
        level = level_title(filters.eps, filters.eps_norm)
        said += f" at {level}" if filters.eps else " without noise"
    return f"{said}{_classes(', taken for', filters.taken_for, known)}"

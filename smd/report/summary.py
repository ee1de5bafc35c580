"""The head of the report: key figures, and three sentences that can be quoted."""

from smd import registry
from smd.config.schema import ImportConfig
from smd.export.percent import interval, shown
from smd.export.titles import defense_title
from smd.report import limits, words
from smd.report.known import Known
from smd.report.markup import Markup, code, cut, element, joined, paragraph
from smd.units import level_title

UNFINISHED = {
    "queued": "It waits for its turn",
    "running": "It is not over",
    "failed": "It failed",
    "cancelled": "It was cancelled",
    "lost": "Its process is gone",
}


def section(known: Known) -> Markup:
    """What was trained, how it does, and what that does not say."""
    parts = [_unfinished(known), _figures(known)]
    told = [trained(known), measured(known), limits.in_a_sentence(known)]
    return joined(
        [*filter(None, parts), element("div", [paragraph(s) for s in told], class_="lead")]
    )


def _unfinished(known: Known) -> Markup | None:
    """A run that is not over is said to be so first."""
    state = known.run.status.state
    if state not in UNFINISHED:
        return None
    epoch = 0 if known.metrics.empty else int(known.metrics["epoch"].max())
    return element(
        "p",
        f"{UNFINISHED[state]}: this run is {state}, after {epoch} of {known.config.epochs} epochs."
        " All below is of what it has stored so far.",
        class_="warn",
    )


def trained(known: Known) -> str:
    """The first sentence: what was trained on what."""
    config = known.config
    net, classes = registry.network_title(config.net), len(known.classes)
    of = f"{words.data_title(known)}, {classes:,} class{'es' * (classes != 1)}"
    if isinstance(config, ImportConfig):
        return (
            f"The network {net} was trained elsewhere, imported from {_file(known)} and judged here"
            f" on {of}."
        )
    n = len(known.samples["train"])
    if not n:
        return (
            f"The network {net} is to be trained with {defense_title(config)}; it has not begun,"
            " so it has no images yet."
        )
    return (
        f"The network {net} was trained with {defense_title(config)} on {n:,} training images of"
        f" {of}, for {config.epochs:,} epochs, seed {config.seed}."
    )


def _file(known: Known) -> str:
    about = known.about.get("file")
    return cut(about.get("name", "a file"), 80) if isinstance(about, dict) else "a file"


def measured(known: Known) -> Markup | str:
    """The second sentence: clean accuracy, and that under the strongest attack that was run."""
    best = known.strongest
    if best is None:
        command = code(words.attack_command(known, "ce-pgd"))
        of = words.SPLIT[known.split]
        return joined(
            [f"No attack on {of} images is stored, so no accuracy can be told: ", command]
        )
    clean, of = best.clean_accuracy, words.images(best.n, known.split)
    first = (
        f"The clean accuracy on {of} is not stored"
        if clean is None
        else f"Of {of} it classifies {words.percent(clean, best.n)} correctly"
    )
    mean = f", the mean over {best.seeds} attack seeds" * (best.seeds > 1)
    return (
        f"{first}, and under {best.title}, the strongest attack that was run, with"
        f" {words.noise(best.eps, best.norm)}, {words.percent(best.accuracy, best.n)}{mean}."
    )


def _figures(known: Known) -> Markup | None:
    """The two numbers that everybody looks for first."""
    best = known.strongest
    if best is None:
        return None
    clean, level = best.clean_accuracy, level_title(best.eps, best.norm)
    cards = [] if clean is None else [_figure("without noise", clean, best.n)]
    cards.append(_figure(f"under {best.title} at {level}", best.accuracy, best.n))
    return element("div", cards, class_="figures")


def _figure(what: str, share: float, n: int) -> Markup:
    parts = [
        element("span", f"Accuracy {what}", class_="what"),
        element("strong", f"{shown(100 * share)} %"),
        element("span", f"95 % interval {interval(share, n)}, n = {n:,}", class_="range"),
    ]
    return element("div", parts)

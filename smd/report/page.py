"""The report of a run, put together: one HTML page without a script or a request."""

import time
from collections.abc import Callable
from pathlib import Path

from smd.config.on_runs import SPLITS
from smd.errors import UserError
from smd.export.titles import defense_title
from smd.files import durable
from smd.report import (
    accuracy,
    flagged,
    fragile,
    images,
    margins,
    repeat,
    subgroups,
    summary,
    training,
    words,
)
from smd.report.known import Known, known
from smd.report.markup import Markup, element, joined, paragraph
from smd.report.style import STYLE
from smd.runs import notes
from smd.runs.folders import Run
from smd.version import __version__

SECTIONS: tuple[tuple[str, str, Callable[[Known], Markup]], ...] = (  # (anchor, title, content)
    ("summary", "Summary", summary.section),
    ("data", "Data", images.section),
    ("training", "Network and training", training.section),
    ("accuracy", "Accuracy under attack", accuracy.section),
    ("margins", "Margins", margins.section),
    ("fragile", "The most fragile images", fragile.section),
    ("groups", "Groups", subgroups.section),
    ("trust", "Flags and limits", flagged.section),
    ("repeat", "How to repeat it", repeat.section),
)
ODD = (TypeError, ValueError, KeyError, OverflowError)
UNREADABLE = (
    "The run's store holds rows on this that are not as SMD Studio writes them, so nothing of it is"
    " told here: restore the store, or make a new run."
)
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report(run: Run, split: str = "test") -> str:
    """The report on a run's images of one split, a whole HTML page as text.

    Raises UserError where there is no such split, or where the run's config or store cannot be
    read.
    """
    if split not in SPLITS:
        raise UserError(f"There is no split '{split}': choose {', '.join(SPLITS)}.")
    facts = known(run, split)
    title = _title(facts)
    return f"<!DOCTYPE html>\n{element('html', [_head(title), _body(facts, title)], lang='en')}\n"


def _title(facts: Known) -> str:
    title = f"{defense_title(facts.config)} on {words.data_title(facts)}"
    name = notes.read(facts.run).name
    return f"{name}: {title}" if name else title


def write(run: Run, path: Path, split: str = "test") -> None:
    """Write the report to a file, replaced as a whole; errors are as of `report`, and UserError
    where the file cannot be written."""
    page = report(run, split)
    try:
        durable.write(path, page)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def _head(title: str) -> Markup:
    parts = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"Robustness report: {title}"),
        Markup(f"<style>{STYLE}</style>"),
    ]
    return element("head", parts)


def _body(facts: Known, title: str) -> Markup:
    links = [element("li", element("a", name, href=f"#{anchor}")) for anchor, name, _ in SECTIONS]
    head = [
        element("p", "Robustness report", class_="kicker"),
        element("h1", title),
        element("p", f"Run {facts.run.id}, {words.SPLIT[facts.split]} images", class_="sub"),
        element("nav", element("ul", links), aria_label="Sections"),
    ]
    parts = [_section(number, facts, *entry) for number, entry in enumerate(SECTIONS, start=1)]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    foot = f"Written on {today} by SMD Studio {__version__}. Research only: not a medical device."
    return element(
        "body", [element("header", head), element("main", parts), element("footer", foot)]
    )


def _section(
    number: int, facts: Known, anchor: str, title: str, content: Callable[[Known], Markup]
) -> Markup:
    heading = element("h2", joined([element("span", str(number), class_="number"), " ", title]))
    try:
        inside = content(facts)
    except ODD:  # the store may come from elsewhere and hold anything
        inside = paragraph(UNREADABLE, class_="warn")
    return element("section", [heading, inside], id=anchor)

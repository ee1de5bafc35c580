"""What people add to a run: its name, notes, tags, and whether it is pinned or hidden.

One small file in its folder.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from smd.errors import UserError
from smd.export.card import named_card
from smd.files import durable, foreign
from smd.jobs import transitions
from smd.jobs.endings import reason
from smd.runs.folders import Run

SCHEMA = 1
FILE = "notes.json"
LONGEST_TEXT, LONGEST_TAG, LONGEST_NAME = 20_000, 40, 60  # characters
MOST_TAGS = 20


@dataclass(frozen=True)
class Notes:
    """What is noted of one run."""

    text: str = ""  # plain, shown as it is
    tags: tuple[str, ...] = ()
    pinned: bool = False  # it stands before the others
    hidden: bool = False  # lists leave it out
    name: str = ""  # what it is called in place of its id; others may be called the same


def read(run: Run) -> Notes:
    """The run's notes; empty ones where there are none, or where their file cannot be read."""
    try:
        return _parse(foreign.json_object(run.folder / FILE, foreign.MEGABYTE))
    except (OSError, UserError):
        return Notes()


def _parse(values: Mapping[str, Any]) -> Notes:
    """What is there in the types and lengths that `write` keeps; what is of another type is left
    out."""
    text, tags, name = values.get("text"), values.get("tags"), values.get("name")
    texts = (
        [tag[:LONGEST_TAG] for tag in tags if isinstance(tag, str)]
        if isinstance(tags, list)
        else []
    )
    return Notes(
        text[:LONGEST_TEXT] if isinstance(text, str) else "",
        _tidy(texts)[:MOST_TAGS],
        values.get("pinned") is True,
        values.get("hidden") is True,
        tidy_name(name)[:LONGEST_NAME].strip() if isinstance(name, str) else "",
    )


def write(run: Run, notes: Notes) -> Notes:
    """Keep the notes in place of those before, and return them as kept; raises as `change` does."""
    return change(run, lambda before: notes)


def change(run: Run, edit: Callable[[Notes], Notes]) -> Notes:
    """Keep what `edit` makes of the notes, and return them as kept: name and tags stripped, each
    tag once. The model card has the name, too.

    Nobody else changes them meanwhile. Raises UserError if they are too long, or the run is gone or
    not to be written.
    """
    with transitions.locked(run.folder):
        before = read(run)
        after = _checked(edit(before))
        if after != before:
            _store(run, after)
        if after.name != before.name:
            _name_card(run, after.name)
    return after


def _store(run: Run, notes: Notes) -> None:
    try:
        durable.write(run.folder / FILE, json.dumps({"schema": SCHEMA, **asdict(notes)}, indent=1))
    except OSError as error:
        raise UserError(reason(error)) from error


def _name_card(run: Run, name: str) -> None:
    """A card that is there says what the run is called now; one that cannot be read is left."""
    with suppress(OSError, UserError, UnicodeDecodeError):
        card = foreign.content(run.card).decode()
        durable.write(run.card, named_card(card, name))


def _checked(notes: Notes) -> Notes:
    notes = replace(notes, tags=_tidy(notes.tags), name=tidy_name(notes.name))
    if len(notes.name) > LONGEST_NAME:
        raise UserError(
            f"The name has {len(notes.name):,} characters: shorten it to {LONGEST_NAME}."
        )
    if len(notes.text) > LONGEST_TEXT:
        raise UserError(
            f"The notes have {len(notes.text):,} characters: shorten them to {LONGEST_TEXT:,}."
        )
    if len(notes.tags) > MOST_TAGS:
        raise UserError(f"The run has {len(notes.tags)} tags: keep at most {MOST_TAGS}.")
    for tag in notes.tags:
        if len(tag) > LONGEST_TAG:
            raise UserError(
                f"The tag '{tag[:20]}…' is too long: shorten it to {LONGEST_TAG} characters."
            )
    return notes


def _tidy(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean for tag in tags if (clean := " ".join(tag.split()))))


def tidy_name(name: str) -> str:
    """On one line, without signs that cannot be printed, such as those that turn text around."""
    seen = "".join(sign if sign.isprintable() else " " for sign in name)
    return " ".join(seen.split())


def listed(runs: Iterable[Run], keep: str = "") -> list[tuple[Run, Notes]]:
    """The runs of a list with their notes: pinned ones first, hidden ones left out except that of
    the id `keep`."""
    noted = [(run, read(run)) for run in runs]
    shown = [(run, notes) for run, notes in noted if not notes.hidden or run.id == keep]
    return sorted(shown, key=lambda pair: not pair[1].pinned)  # stable: the newest stay first

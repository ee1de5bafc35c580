"""Named sets of a run's images: what people have put together, or tagged one by one.

One small file in the run's folder: it survives, travels with the run and goes with it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from smd.config.on_runs import SPLITS
from smd.errors import UserError
from smd.files import durable, foreign
from smd.jobs import transitions
from smd.jobs.endings import reason
from smd.runs.folders import Run

SCHEMA = 1
FILE = "image-sets.json"
LONGEST_NAME = 40  # characters
MOST_SETS, MOST_IMAGES = 100, 200_000  # of a run; images of all sets together

Sets = Mapping[str, Mapping[str, tuple[int, ...]]]  # name -> split -> ids, ascending


def read(run: Run) -> Sets:
    """The run's sets by their names; none where their file is missing or cannot be read."""
    try:
        return _kept(run)
    except (OSError, UserError):
        return {}


def _kept(run: Run) -> Sets:
    """As `read`, but a file that cannot be read raises, so that nothing is written over it."""
    try:
        return _parse(foreign.json_object(run.folder / FILE).get("sets"))
    except FileNotFoundError:
        return {}


def of_split(run: Run, split: str) -> dict[str, tuple[int, ...]]:
    """The sets that have images of that split, and these."""
    return {name: parts[split] for name, parts in read(run).items() if split in parts}


def names_of(run: Run, split: str) -> dict[int, str]:
    """The names of the sets that an image is in, of each that is in one: "odd hands, artifact"."""
    found: dict[int, list[str]] = {}
    for name, ids in of_split(run, split).items():
        for idx in ids:
            found.setdefault(idx, []).append(name)
    return {idx: ", ".join(names) for idx, names in found.items()}


def _parse(values: object) -> Sets:
    """What is there in the types and bounds that `change` keeps; what is of another is left out."""
    sets: dict[str, dict[str, tuple[int, ...]]] = {}
    room = MOST_IMAGES
    for name, parts in values.items() if isinstance(values, dict) else ():
        if problem(str(name)) or not isinstance(parts, dict) or len(sets) >= MOST_SETS:
            continue
        known = {split: ids for split in SPLITS if (ids := _ids(parts.get(split), room))}
        room -= sum(map(len, known.values()))
        if known:
            sets[name] = known
    return sets


def _ids(values: object, room: int) -> tuple[int, ...]:
    listed = values if isinstance(values, list) else []
    known = {v for v in listed[:room] if type(v) is int and 0 <= v < 2**31}
    return tuple(sorted(known))


def problem(name: str) -> str:
    """Why a set cannot be called so, in a sentence; "" if it can."""
    if not name.strip():
        return "The set has no name: give it one."
    if len(name) > LONGEST_NAME:
        return f"The name '{name[:20]}…' is too long: shorten it to {LONGEST_NAME} characters."
    if not name.isprintable() or name != " ".join(name.split()):
        return f"The name {name!a} has signs that are no text, or spaces at an end: leave them out."
    if "," in name or not name[0].isalnum() or not any(map(str.isalpha, name)):
        return (
            f"The name '{name}' could be taken for ids or a formula: begin with a letter or number,"
            " and use a letter and no comma."
        )
    return ""


def add(run: Run, name: str, split: str, ids: Iterable[int]) -> Sets:
    """Put images of a split into the set of that name, a new one if there is none; all sets as
    kept. Raises UserError as `_changed` does, and for a name that cannot be one."""
    if why := problem(name):
        raise UserError(why)
    return _changed(run, name, split, set(ids), set())


def remove(run: Run, name: str, split: str, ids: Iterable[int]) -> Sets:
    """Take images of a split out of a set, which goes with its last image; all sets as kept."""
    return _changed(run, name, split, set(), set(ids))


def delete(run: Run, name: str) -> Sets:
    """Forget a set; its images stay."""
    with transitions.locked(run.folder):
        left = {other: parts for other, parts in _kept(run).items() if other != name}
        _store(run, left)
    return left


def _changed(run: Run, name: str, split: str, more: set[int], less: set[int]) -> Sets:
    """Nobody else changes the sets meanwhile.

    Raises UserError if there are too many, or the run is gone or not to be written.
    """
    with transitions.locked(run.folder):
        sets = {each: dict(parts) for each, parts in _kept(run).items()}
        parts = sets.setdefault(name, {})
        parts[split] = tuple(sorted({int(i) for i in (set(parts.get(split, ())) | more) - less}))
        kept = {each: {s: ids for s, ids in of.items() if ids} for each, of in sets.items()}
        kept = {each: of for each, of in kept.items() if of}
        _check(kept)
        _store(run, kept)
    return kept


def _check(sets: Sets) -> None:
    if len(sets) > MOST_SETS:
        raise UserError(f"The run has {MOST_SETS} sets, which is the most: delete one first.")
    images = sum(len(ids) for parts in sets.values() for ids in parts.values())
    if images > MOST_IMAGES:
        raise UserError(
            f"The run's sets would have {images:,} images together, and {MOST_IMAGES:,} is the"
            " most: keep fewer, or delete a set."
        )


def _store(run: Run, sets: Sets) -> None:
    try:
        durable.write(run.folder / FILE, json.dumps({"schema": SCHEMA, "sets": sets}))
    except OSError as error:
        raise UserError(reason(error)) from error


def asked(run: Run, given: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of a command, in which `--ids NAME` has become the ids of the run's set, and
    `named` its name.

    Raises UserError where there is no such set, or it has no images of the split.
    """
    text = str(given["ids"]).strip()
    if not any(sign.isalpha() for sign in text):
        return {**given, "named": ""}
    split, parts = given["split"], read(run).get(text)
    if parts is None:
        names = ", ".join(read(run)) or "none"
        raise UserError(
            f"There is no set '{text}' of images of {run.id}, whose sets are: {names}. Write one of"
            " these, or ids like 3,17."
        )
    if split not in parts:
        has = " and ".join(parts)
        raise UserError(
            f"The set '{text}' has no {split} images, but such of {has}: add --split"
            f" {next(iter(parts))}."
        )
    return {**given, "ids": ",".join(map(str, parts[split])), "named": text}

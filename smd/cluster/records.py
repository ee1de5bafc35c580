"""What a recorder is told, as plain values that another machine sends, and back, checked.

An answer of a node becomes rows of a store, so its types, shapes and lengths are looked at first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import numpy as np

from smd.config.types import LARGEST
from smd.errors import UserError
from smd.store.records import (
    AttackRecord,
    EmbeddingRecord,
    EpochRecord,
    EstimateRecord,
    Margins,
    Points,
    ScoreRecord,
    Scores,
    StageRecord,
    Verdicts,
)
from smd.store.writer import Recorder

# method of a recorder -> what it takes
TAKES: Mapping[str, tuple[type, ...]] = {
    "epoch": (EpochRecord,),
    "attack": (AttackRecord, Verdicts),
    "estimate": (EstimateRecord, Margins),
    "score": (ScoreRecord, Scores),
    "embedding": (EmbeddingRecord, Points),
}
OWN = ("images", "content", "located")  # of a run's description: the head knows them better
LONGEST = 100_000  # characters of a text
Plain = dict[str, Any]


# what looking at values of other types and depths raises
ODD = (
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class Unfit(UserError):
    """An answer of a node that no engine gives."""


def plain(name: str, args: Sequence[Any]) -> Plain:
    """A call of a recorder's method as values that need no class to be read."""
    return {"call": name, "args": [_plain(arg) for arg in args]}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def apply(recorder: Recorder, sent: Plain, known: Mapping[str, Any]) -> None:
    """Do with a recorder what a node's did; raises Unfit where it is nothing that an engine tells.

    known: what the head says of the run itself, in place of what the node says (see OWN).
    """
    try:
        name, args = str(sent["call"]), sent["args"]
        if name in TAKES:
            records = [_record(kind, arg) for kind, arg in zip(TAKES[name], args, strict=True)]
            getattr(recorder, name)(*records)
        elif name == "start":
            _start(recorder, args, known)
        elif name == "describe":
            recorder.describe(_json(args[0]) | dict(known))
        elif name == "gauges":
            moments, names, values = args
            recorder.gauges(_array(moments), [_text(each) for each in names], _array(values))
        else:
            raise Unfit(f"A node asked for '{name[:40]}', which is none of its business.")
    except ODD as error:
        raise Unfit(
            f"A node's answer does not fit ({str(error)[:100]}): resume the job."
        ) from error


def _start(recorder: Recorder, args: list[Any], known: Mapping[str, Any]) -> None:
    meta, samples, paths, patients, groups = args
    parts = {_text(split): (_array(one), _array(two)) for split, (one, two) in samples.items()}
    if any(len(labels) != len(rows) for labels, rows in parts.values()):
        raise ValueError("labels and rows")
    most = max((int(rows.max(initial=-1)) for _, rows in parts.values()), default=-1)
    names, people = ([_text(each) for each in column] for column in (paths, patients))
    kinds = {_text(name): [_text(each) for each in column] for name, column in groups.items()}
    if any(column and len(column) <= most for column in (names, people, *kinds.values())):
        raise ValueError("samples")
    recorder.start(_json(meta) | dict(known), parts, names, people, kinds)


def _json(values: Any) -> Plain:
    found = json.loads(json.dumps(values, allow_nan=True))
    if not isinstance(found, dict) or "schema" in found:
        raise ValueError("a description")
    return {name: value for name, value in found.items() if name not in OWN}


def _record(kind: type, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    made = {name: _field(name, hints[name], values[name]) for name in hints}
    lengths = {len(each) for each in made.values() if isinstance(each, np.ndarray)}
    lengths |= {len(each) for each in made.get("states", {}).values()}
    if len(lengths) > 1:
        raise ValueError(f"lengths {sorted(lengths)}")
    return kind(**made)


def _field(name: str, hint: Any, value: Any) -> Any:
    if hint is str:
        return _text(value)
    if hint is bool or hint is int or hint is float:
        return _number(name, hint, value)
    if name == "metrics":
        return [(_text(a), _text(b), float(c), float(d)) for a, b, c, d in value]
    if name == "stages":
        return [_record(StageRecord, each) for each in value]
    if name == "states":
        return {_text(key): _array(each) for key, each in value.items()}
    if name == "flags":
        return {_text(key): _text(each) for key, each in value.items()}
    return None if value is None and hint is not np.ndarray else _array(value, name == "scores")


def _number(name: str, kind: type, value: Any) -> Any:
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, int | float):
        raise ValueError(name)
    if kind is int and (not isinstance(value, int) or abs(value) > LARGEST):
        raise ValueError(name)
    return kind(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        raise ValueError("a text")
    return value


def _array(value: Any, table: bool = False) -> np.ndarray:
    """An array of numbers of its own; what a node shares of its memory may go."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        raise ValueError("an array")
    if value.ndim != 1 + table:
        raise ValueError(f"{value.ndim} dimensions")
    return value.copy()

"""What a table of labels says of each image beside its label: its patient, and the groups it is in.

A patient is kept as a keyed hash alone: its secret stays on this installation, so that what the
table calls the patient stands in no cache, store, log or message.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smd import paths
from smd.files import durable, foreign, secret

FILE = "facts.json"  # in the folder of a cache
KEY = "patients"  # the secret's file among what this installation keeps to itself
LOST = "patients get other hashes then"
DIGITS = 16  # of a patient's hash, hexadecimal
MOST_GROUPS = 20  # kinds of groups
MOST_VALUES = 20  # of a kind; one with more would tell images apart rather than group them
LONGEST = 60  # characters of a group's name or value
LIMIT = 2**28  # bytes of the file


@dataclass(frozen=True, eq=False)
class Facts:
    """Of each image, in the order of the rows; empty where no table says anything."""

    patients: tuple[str, ...] = ()  # (N,) hashes, "" where it is not known; () of no image
    # kind -> (N,) texts, "" where it is not known; at most MOST_VALUES distinct ones
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.patients or self.groups)

    def at(self, rows: Sequence[int]) -> "Facts":
        """Those of some rows alone, in that order."""
        groups = {name: _picked(values, rows) for name, values in self.groups.items()}
        return Facts(_picked(self.patients, rows), groups)

    @property
    def units(self) -> np.ndarray:
        """(N,) int64: the number of each image's patient, counted as they first come, so that it is
        the same on every installation; an image whose patient is not known is one of its own."""
        numbers: dict[str, int] = {}
        names = (patient or f"row {row}" for row, patient in enumerate(self.patients))
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _picked(values: tuple[str, ...], rows: Sequence[int]) -> tuple[str, ...]:
    return tuple(values[row] for row in rows) if values else ()


def hashed(patients: Sequence[str]) -> tuple[str, ...]:
    """The hash of each patient, "" of "". Raises UserError where this installation can keep no
    secret."""
    key = secret.key(paths.state_root() / KEY, LOST)
    known = {"": ""}
    for patient in patients:
        if patient not in known:
            digest = hmac.new(key, patient.encode(errors="surrogateescape"), hashlib.sha256)
            known[patient] = digest.hexdigest()[:DIGITS]
    return tuple(known[patient] for patient in patients)


def write(folder: Path, facts: Facts) -> None:
    """Keep them in the folder of a cache. Raises OSError."""
    groups = {name: _coded(values) for name, values in facts.groups.items()}
    content = {"patients": facts.patients, "groups": groups}
    durable.write(folder / FILE, json.dumps(content, separators=(",", ":")))


def read(folder: Path, n: int) -> Facts:
    """Those of the n rows that are cached in a folder; raises OSError, ValueError, TypeError or
    KeyError where the file is gone or broken: images without their patients would be divided
    otherwise."""
    kept = json.loads(foreign.content(folder / FILE, LIMIT))
    patients = tuple(kept["patients"])
    if any(not re.fullmatch(f"([0-9a-f]{{{DIGITS}}})?", patient) for patient in patients):
        raise ValueError("what should be the hash of a patient is none")
    groups = {_text(name): _decoded(each) for name, each in kept["groups"].items()}
    if len(groups) > MOST_GROUPS or {len(patients), *map(len, groups.values())} - {0, n}:
        raise ValueError("the facts are not of these images")
    return Facts(patients, groups)


def _coded(values: tuple[str, ...]) -> dict[str, Any]:
    distinct = sorted(set(values))
    place = {value: code for code, value in enumerate(distinct)}
    return {"values": distinct, "codes": [place[value] for value in values]}


def _decoded(kept: Mapping[str, Any]) -> tuple[str, ...]:
    values = [_text(value) for value in kept["values"]]
    if len(values) > MOST_VALUES + 1 or any(code < 0 for code in kept["codes"]):  # and ""
        raise ValueError("these are no groups")
    return tuple(values[code] for code in kept["codes"])


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError("this is no name of a group")
    return value

"""A benchmark's figures as tables on the terminal and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from smd.bench.part import Part


@dataclass(frozen=True)
class Done:
    """A part that has been measured."""

    part: Part
    seconds: float  # that measuring took


def text(done: Done) -> str:
    """The part's table with its title and note."""
    part = done.part
    table = pd.DataFrame(part.rows).to_string(index=False, na_rep="", float_format="{:.4g}".format)
    return f"{part.title} ({part.name}, {done.seconds:.0f} s)\n{table}\n{part.note}\n"


def write(path: Path, parts: Sequence[Done], machine: Mapping[str, Any], quick: bool) -> None:
    """All figures as JSON, in place of what the file held; its folder is made."""
    values = {
        "machine": dict(machine),
        "quick": quick,  # sizes were tiny: the figures mean nothing
        "seconds": sum(done.seconds for done in parts),
        "parts": [{**asdict(done.part), "seconds": done.seconds} for done in parts],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")

"""Numbers and names as the report's sentences say them."""

import math
import shlex
from collections.abc import Sequence

from smd.config import commands
from smd.config.on_runs import AttackConfig, EstimateConfig
from smd.export import titles
from smd.export.percent import interval, shown
from smd.program import WORDS
from smd.report.known import Known
from smd.report.markup import cut
from smd.units import show_level

SPLIT = {"train": "training", "val": "validation", "test": "test"}


def percent(share: float, n: int) -> str:
    """A share of n images with its interval: "93.50 % (95 % interval 89.2 to 96.2 %, n = 200)"."""
    if not n or not math.isfinite(share):
        return "an unknown share"
    return f"{shown(100 * share)} % (95 % interval {interval(share, n)}, n = {n:,})"


def noise(eps: float, norm: str) -> str:
    """A noise level in a sentence: "noise of at most 8/255 of the pixels' range in every pixel"."""
    if norm == "Linf":
        return f"noise of at most {show_level(eps)} in every pixel (L∞)"
    return f"noise of length at most {show_level(eps, norm)} over all pixels (L2)"


def data_title(known: Known) -> str:
    """The data set's title; of own images their name."""
    return cut(titles.data_title(known.config), 80)


def images(n: int, split: str) -> str:
    """ "200 test images"."""
    return f"{n:,} {SPLIT[split]} image{'s' * (n != 1)}"


def enumerated(items: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def attack_command(known: Known, attack: str) -> str:
    """The command that attacks the run."""
    norm = known.config.norm
    config = AttackConfig(known.run.id, attack, norm=norm, split=known.split)
    return commands.attack_command(config, own=norm)


def estimate_command(known: Known) -> str:
    """The command that estimates margins of the split."""
    norm = known.config.norm
    config = EstimateConfig(known.run.id, norm=norm, split=known.split)
    return commands.estimate_command(config, own=norm)


def clinical_command(known: Known) -> str:
    """The command that prints the clinical numbers."""
    return commands.clinical_command(known.run.id, known.split)


def report_command(known: Known) -> str:
    """The command that writes this report."""
    return shlex.join([*WORDS, "report", known.run.id, "--split", known.split])


def locate_command(known: Known) -> str:
    """The command that says where the run's images are now."""
    return commands.locate_command(known.run.id)

"""What a benchmark ran on, and with which code."""

import os
import platform
import time
from pathlib import Path
from typing import Any

import torch

from smd.provenance import provenance


def machine() -> dict[str, Any]:
    """JSON values: processor, cores, threads of torch, versions, commit (None without git) and date (UTC)."""
    origin = provenance()
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": origin["python"],
        "packages": origin["packages"],
        "commit": origin["commit"],
        "dirty": origin["dirty"],
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def _processor() -> str:
    """The processor's name; Linux keeps it where platform does not look."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()

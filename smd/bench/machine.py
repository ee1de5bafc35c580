"""What a benchmark ran on, and with which code."""

import os
import time
from typing import Any

import torch

from smd.runs.provenance import provenance


def machine() -> dict[str, Any]:
    """JSON values: processor, cores, threads, versions, commit (None without git), date (UTC)."""
    origin = provenance()
    return {
        "cpu": origin["processor"],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": origin["python"],
        "packages": origin["packages"],
        "commit": origin["commit"],
        "dirty": origin["dirty"],
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }

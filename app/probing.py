"""How long a run would take: a few of its steps, taken by a process of its own, since pages import no torch."""

import json
import subprocess
import sys
from typing import Any

from smd import commands
from smd.config import TrainConfig
from smd.errors import UserError
from smd.paths import REPOSITORY

PATIENCE = 600  # seconds


def probe(asked: TrainConfig) -> dict[str, Any]:
    """What `python -m smd probe` answers; raises UserError with the reason if it cannot."""
    command = [sys.executable, "-m", "smd", "probe", *commands.train_words(asked), "--format", "json"]
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError("No estimate after ten minutes: start the run, its page tells the time left.") from None
    if done.returncode:
        raise UserError(done.stderr.strip().removeprefix("smd: "))
    return dict(json.loads(done.stdout))

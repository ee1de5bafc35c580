"""How long a run would take.

A few of its steps, taken by a process of its own, since pages import no torch.
"""

import json
import subprocess
from typing import Any

from smd import children
from smd.config import commands
from smd.config.schema import TrainConfig
from smd.errors import UserError

PATIENCE = 600  # seconds


def probe(config: TrainConfig) -> dict[str, Any]:
    """What `python -m smd probe` answers; raises UserError with the reason if it cannot."""
    command = children.command("smd", "probe", *commands.train_words(config), "--format", "json")
    try:
        done = subprocess.run(
            command,
            cwd=children.FOLDER,
            env=children.environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            "No estimate after ten minutes: start the run, its page tells the time left."
        ) from None
    if done.returncode:
        raise UserError(done.stderr.strip().removeprefix("smd: "))
    return dict(json.loads(done.stdout))

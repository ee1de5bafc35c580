"""What this program is called in a shell, as messages and pages tell commands."""

import sys
from pathlib import Path

from smd.paths import CHECKOUT

# Where the package is installed its script lies beside Python; in a checkout there may be none.
WORDS = (
    ("smd",)
    if CHECKOUT is None and Path(sys.executable).with_name("smd").is_file()
    else ("python", "-m", "smd")
)
PROGRAM = " ".join(WORDS)

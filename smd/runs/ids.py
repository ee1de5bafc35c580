"""The ids of runs and jobs: a moment, words, and four random digits."""

import calendar
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

STAMP = r"\d{8}-\d{6}"
# seconds by which clocks are set back, zones included; what is further ahead is not ours
SET_BACK = 26 * 3600.0


def new(folder: Path, *words: str) -> str:
    """An id that nothing in that folder has, also without its time, as pages and links show it."""
    while True:
        short = "-".join([*words, secrets.token_hex(2)])
        if not any(folder.glob(f"*-{short}")):
            return f"{_moment(folder)}-{short}"


def _moment(folder: Path) -> str:
    """This second; the one after the newest job's where the clock was set back, so that the newest
    stays the newest."""
    now = time.time()
    newest = max(
        (path.name[:15] for path in folder.glob("*") if re.fullmatch(STAMP, path.name[:15])),
        default="",
    )
    with suppress(ValueError, OverflowError):
        last = calendar.timegm(time.strptime(newest, "%Y%m%d-%H%M%S"))
        if now < last + 1 and last - now < SET_BACK:
            now = last + (1 if now < last else 0)
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))

"""Where stores can lie.

DuckDB takes "?" in a path for the start of options and "\\" for "/", also behind a link.
"""

import os
from pathlib import Path

from smd.errors import UserError

ODD = ("?", "\\")


def refuse_odd(path: Path) -> None:
    """Raises UserError where DuckDB would look for the store in another place than the path
    says."""
    real = path.resolve()
    odd = next((sign for sign in ODD if sign in str(real)), None)
    if odd is None and _is_utf8(real):
        return
    what = f'a "{odd}" in it' if odd else "letters that are no UTF-8"
    raise UserError(
        f"No results can be kept in {path.parent}, as its path has {what}: rename it, or set"
        " SMD_RUNS."
    )


def _is_utf8(path: Path) -> bool:
    try:
        return os.fsencode(path) == str(path).encode()
    except UnicodeEncodeError:
        return False

"""Whether two machines have the same code: a hash of every file of this package."""

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


@cache
def digest() -> str:
    """SHA-256 of names and contents of the package's modules, hexadecimal."""
    found = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        found.update(f"{path.relative_to(PACKAGE)} {len(content)}\n".encode() + content)
    return found.hexdigest()

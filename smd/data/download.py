"""Fetch a data set's original files: checked, and never half there."""

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smd.errors import UserError

CHUNK = 1 << 20  # bytes between two reports
TIMEOUT = 30  # seconds of silence

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Remote:
    """One file on the net and where it goes."""

    url: str
    md5: str
    file: Path


def download(remotes: Sequence[Remote], otherwise: str, report: Report) -> None:
    """Fetch those of the files that are missing.

    Raises UserError that names the missing files and their folder, and says what to do `otherwise`.
    """
    missing = [remote for remote in remotes if not remote.file.exists()]
    for remote in missing:
        try:
            _fetch(remote, report)
        except (OSError, http.client.HTTPException) as error:
            names = ", ".join(each.file.name for each in missing if not each.file.exists())
            raise UserError(
                f"{remote.file.name} is missing and could not be downloaded ({error}): "
                f"put {names} into {remote.file.parent}, or {otherwise}."
            ) from None


def _fetch(remote: Remote, report: Report) -> None:
    remote.file.parent.mkdir(parents=True, exist_ok=True)
    part = remote.file.with_name(f".{remote.file.name}.{os.getpid()}.part")
    try:
        if _copy(remote, part, report) != remote.md5:
            raise OSError(f"what {remote.url} sent is not the original file")
        part.replace(remote.file)
    finally:
        part.unlink(missing_ok=True)


def _copy(remote: Remote, part: Path, report: Report) -> str:
    """Download to that place; returns the content's MD5, which the sets' authors publish."""
    digest = hashlib.md5(usedforsecurity=False)
    request = urllib.request.Request(remote.url, headers={"User-Agent": "smd-studio"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response, part.open("wb") as out:
        total = int(response.headers.get("Content-Length") or 0)
        while chunk := response.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
            report(f"Downloading {remote.file.name}", out.tell() / total if total else 0.0)
    return digest.hexdigest()

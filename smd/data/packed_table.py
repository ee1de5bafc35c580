"""A table of labels that lies in an archive beside the images: labels.csv at its top.

So one file that is uploaded, moved or shared has all that is known of its images.
"""

from collections.abc import Iterable
from pathlib import Path

from smd.data import names, table
from smd.data.archive import Member
from smd.data.table import Table
from smd.errors import UserError

NAMES = tuple(f"labels{ending}" for ending in table.ENDINGS)


def listed(members: Iterable[Member], archive: Path) -> tuple[list[str], Table | None]:
    """The paths of all members, and the table among them: at the top, or in the one folder there.

    Raises UserError where there are several, or it is no table.
    """
    paths: list[str] = []
    tops: set[str] = set()
    there: dict[
        str, bytes
    ] = {}  # few: of the top, and of its folder as long as that is the only one
    for member in members:
        paths.append(member.path)
        if not names.of_system(member.path):
            tops.add(member.path.split("/")[0])
        if len(tops) > 1:
            there = {path: content for path, content in there.items() if "/" not in path}
        if _may_be(member.path) and ("/" not in member.path or len(tops) == 1):
            if member.size > table.MOST_BYTES:
                raise UserError(
                    f"{names.visible(member.path)} in {names.visible(str(archive))} is larger than"
                    f" {table.MOST_BYTES // 10**6} MB: keep one row an image in it."
                )
            there[member.path] = member.read()
    if len(there) > 1:
        raise UserError(
            f"{names.visible(str(archive))} has several tables,"
            f" {', '.join(map(names.visible, sorted(there)))}: keep one."
        )
    for path, content in there.items():
        return paths, table.parsed(path.rsplit("/", 1)[-1], content)
    return paths, None


def unfit(error: UserError, title: str) -> UserError:
    """What is said of one that does not fit the images: it may be meant for something else."""
    return UserError(
        f"{error} If {title} in the archive is no table of its images, give it another name there."
    )


def _may_be(path: str) -> bool:
    parts = path.split("/")
    return len(parts) <= 2 and parts[-1].lower() in NAMES and not names.of_system(path)

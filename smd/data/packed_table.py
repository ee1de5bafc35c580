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
    found: dict[str, bytes] = {}
    for member in members:
        paths.append(member.path)
        if _may_be(member.path):
            found[member.path] = member.read()
    tops = {path.split("/")[0] for path in paths if not names.of_system(path)}
    there = {path: content for path, content in found.items() if "/" not in path or len(tops) == 1}
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

"""Names of files and folders, which come from anywhere.

Which are a system's own, and how they can be shown.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable

SYSTEM_FOLDERS = {
    "__macosx",
    "@eadir",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "__pycache__",
}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}
# kinds of signs that end lines, turn the writing round, or show nothing
UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}
SHOWN = 200  # characters of a path
LISTED = 5  # types that a message names


def of_system(path: str) -> bool:
    """Whether it is hidden, or a system made it: thumbnails, trash, what a file manager keeps."""
    parts = [part.lower() for part in path.split("/")]
    return parts[-1] in SYSTEM_FILES or any(
        part.startswith(".") or part in SYSTEM_FOLDERS for part in parts
    )


def visible(name: str) -> str:
    """The name in Unicode's usual form (NFC).

    Bytes that are no UTF-8 and signs that cannot be seen as \\x.. codes.
    """
    return "".join(map(_visible, unicodedata.normalize("NFC", name)))


def _visible(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # how Python carries such a byte
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode() if unicodedata.category(sign) in UNSEEN else sign


def end(path: str) -> str:
    """The end of a path, which tells most, as messages show one that can be of any length."""
    return "..." * (len(path) > SHOWN) + visible(path[-SHOWN:])


def ending(path: str) -> str:
    """The type that a file's name tells, in lower case, such as ".txt"; "no ending" if it has
    none."""
    stem, dot, last = path.split("/")[-1].rpartition(".")
    return f".{visible(last.lower())}" if dot and stem and len(last) <= 10 else "no ending"


def types(paths: Iterable[str]) -> str:
    """ "3 .txt, 1 .pdf and 2 others": how many files of which types, the most frequent first."""
    endings = sorted(Counter(map(ending, paths)).items(), key=lambda each: (-each[1], each[0]))
    listed = ", ".join(
        f"{count:,} {'with ' * (name[0] != '.')}{name}" for name, count in endings[:LISTED]
    )
    rest = sum(count for _, count in endings[LISTED:])
    return f"{listed} and {rest:,} of other types" if rest else listed

"""What is wrong with the files of an import.

All of it is told at once, so that it can be mended at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from smd.errors import UserError

LISTED = 10  # files that a message names
SKIP = (
    "To leave out what cannot be read, use --skip-broken (on the Train page: 'Leave out broken"
    " files')."
)


class Unusable(UserError):
    """Files are in the way, and there is an option that says what to do with them."""

    def __init__(self, sentences: Sequence[str], broken: int = 0, odd: Sequence[str] = ()) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)
        self.broken = broken  # files that cannot be read
        # in which ways others differ from the first one: "channels", "sizes", "dims"
        self.odd = tuple(odd)


@dataclass
class Problems:
    """Files that cannot be used, gathered while an import goes on."""

    broken: list[str] = field(default_factory=list)  # a sentence each
    # how they differ from the first, in general -> sentences
    odd: dict[str, list[str]] = field(default_factory=dict)

    def differs(self, kind: str, sentence: str) -> None:
        """Note an image that is whole, but not like the first one."""
        self.odd.setdefault(kind, []).append(sentence)

    def check(self, total: int, skip_broken: bool = False) -> None:
        """Raise Unusable if there are any; total: of all images; skip_broken: those that cannot be
        read may be."""
        broken = [] if skip_broken else self.broken
        sentences = broken[:LISTED]
        if len(broken) > LISTED:
            sentences.append(f"{len(broken) - LISTED:,} more cannot be used either.")
        if broken:
            sentences.append(SKIP)
        for alike in self.odd.values():
            sentences.append(alike[0])
            if len(alike) > 1:
                sentences.append(
                    f"{len(alike) - 1:,} more differ from the first one in the same way."
                )
        many = len(broken) + sum(map(len, self.odd.values()))
        if many > 1:
            sentences.insert(0, f"{many:,} of {total:,} images are in the way.")
        if sentences:
            raise Unusable(sentences, len(broken), tuple(self.odd))

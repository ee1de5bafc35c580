"""What is wrong with the files of an import: all of it is told at once, so that it can be mended at once."""

from dataclasses import dataclass, field

from smd.errors import UserError

LISTED = 10  # files that a message names


@dataclass
class Problems:
    """Files that cannot be used, gathered while an import goes on."""

    broken: list[str] = field(default_factory=list)  # a sentence each
    odd: dict[str, list[str]] = field(default_factory=dict)  # how they differ from the first, in general -> sentences

    def differs(self, kind: str, sentence: str) -> None:
        """Note an image that is whole, but not like the first one."""
        self.odd.setdefault(kind, []).append(sentence)

    def check(self, total: int) -> None:
        """Raise UserError if there are any; total: of all images."""
        sentences = self.broken[:LISTED]
        if len(self.broken) > LISTED:
            sentences.append(f"{len(self.broken) - LISTED:,} more cannot be used either.")
        for found in self.odd.values():
            sentences.append(found[0])
            if len(found) > 1:
                sentences.append(f"{len(found) - 1:,} more differ from the first one in the same way.")
        many = len(self.broken) + sum(map(len, self.odd.values()))
        if many > 1:
            sentences.insert(0, f"{many:,} of {total:,} images are in the way.")
        if sentences:
            raise UserError(" ".join(sentences))

"""Text from elsewhere on a terminal.

What would move the cursor, colour it or turn writing round is only shown.
"""

import unicodedata

PICTURES, DELETE = 0x2400, 0x2421  # Unicode's pictures of control characters


def visible(text: str, kept: str = "\n\t") -> str:
    """The text with every control character, but those of `kept`, as a picture or as its number."""
    return (
        text
        if text.isprintable()
        else "".join(c if c in kept or c.isprintable() else _shown(c) for c in text)
    )


def _shown(character: str) -> str:
    number = ord(character)
    if number < 32:
        return chr(PICTURES + number)
    if number == 127:
        return chr(DELETE)
    return character if unicodedata.category(character) in ("Zs", "Cn") else f"\\u{number:04x}"

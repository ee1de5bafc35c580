"""Any text as TeX that prints it: no character is a command, and plain pdflatex can set it."""

import re
import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedblright{}",
    "`": r"\`{}",
    "|": r"\textbar{}",
}
SIGNS = {
    "‐": "-",
    "‑": "-",
    "‒": r"\textendash{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "⁄": "/",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "‘": r"\textquoteleft{}",
    "’": "'",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\ldots{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "ℓ": r"$\ell$",
}
UNSEEN = ("C", "M", "Z")  # Unicode categories: control, combining mark, separator


def escaped(text: str) -> str:
    """The text as TeX, in ASCII.

    White space becomes one space. Letters lose the accents (é: e), compatible forms become plain
    (²: 2); a character that has no such form is written as its code point (U+732B), control
    characters are left out.
    """
    pieces = "".join(map(_character, " ".join(text.split())))
    return re.sub("-(?=-)", "-{}", pieces)  # two hyphens would be set as a dash


def _character(char: str) -> str:
    forms = char if char in SIGNS else unicodedata.normalize("NFKD", char)
    known = "".join(map(_known, forms))
    unseen = unicodedata.category(char)[0] in UNSEEN
    return known if known or unseen else f"U+{ord(char):04X}"


def _known(char: str) -> str:
    """A form may be special in its turn: that of a wide backslash is a backslash."""
    return SPECIAL.get(char) or SIGNS.get(char) or (char if " " <= char <= "~" else "")

"""Columns as people read them; in CSV, JSON and Parquet they keep their names."""

import re

FIELDS = (  # a column's name -> its heading
    (re.compile(r"0(?=$|, spread over )"), "clean"),
    (re.compile(r"beyond (?=\S+ \(%\)$)"), "margin > "),
    (re.compile(r"noise level$"), "noise level ε"),
    (re.compile(r"withstood$"), "robust (share of seeds)"),
)


def heading(name: object) -> str:
    """The heading of a column: "clean" of "0", "margin > 8/255 (%)" of "beyond 8/255 (%)"."""
    text = str(name)
    for pattern, words in FIELDS:
        if matched := pattern.match(text):
            return words + text[matched.end() :]
    return text

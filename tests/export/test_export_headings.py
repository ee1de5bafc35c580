"""Headings are words where people read, names where programs do."""

import pandas as pd
import pytest

from smd import export

TABLE = pd.DataFrame({"run": ["a"], "0": [90.0], "8/255": [40.0]})


@pytest.mark.parametrize(
    "name, words",
    [
        ("0", "clean"),
        ("0, spread over attack seeds", "clean, spread over attack seeds"),
        ("beyond 8/255 (%)", "margin > 8/255 (%)"),
        ("noise level", "noise level ε"),
        ("withstood", "robust (share of seeds)"),
        ("8/255", "8/255"),
        ("0.5", "0.5"),
        ("00", "00"),
        ("beyond", "beyond"),
    ],
)
def test_a_column_has_a_heading(name, words):
    assert export.heading(name) == words


def test_people_read_headings():
    assert export.to_markdown(TABLE).startswith("| run | clean | 8/255 |")
    assert r"run & clean & 8/255 \\" in export.to_latex(TABLE)
    assert export.to_text(TABLE).split("\n")[0].split() == ["run", "clean", "8/255"]


def test_programs_read_names():
    assert export.to_csv(TABLE).startswith("run,0,8/255\n")
    assert '"0": 90.0' in export.to_json(TABLE)

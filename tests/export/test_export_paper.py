"""LaTeX for a paper: the caption tells what the rows agree in, and no run's id is in it."""

import pandas as pd

from smd.export.bold import BOLD
from smd.export.paper import What, paper_latex

WHAT = What("digits", "CE-PGD, 20 steps", "test", ("8/255",))


def table(**columns):
    rows = {
        "run": ["digits-smd-0a1b", "digits-std-2c3d"],
        "defense": ["SMD", "STD"],
        "n": [359, 359],
        "attack seeds": [1, 1],
        "8/255": ["94.71 (91.90–96.58)", "91.64 (88.31–94.08)"],
        **columns,
    }
    return pd.DataFrame(rows)


def latex(shown, best=()):
    bold = pd.DataFrame(False, index=shown.index, columns=shown.columns)
    for row, column in best:
        bold.loc[row, column] = True
    return paper_latex(shown, bold, WHAT)


def test_what_all_rows_share_is_told_once():
    text = latex(table(), [(0, "8/255")])
    assert r"defense & 8/255 \\" in text
    assert "0a1b" not in text and "2c3d" not in text
    assert "on 359 test images (Digits, 8x8 gray)" in text
    assert r"under CE-PGD, 20 steps at $\varepsilon$ = 8/255 (L$\infty$)" in text
    assert r"\label{tab:digits-ce-pgd-20-steps-linf}" in text
    assert text.index(r"\caption") < text.index(r"\label") < text.index(r"\begin{tabular}")
    assert "In brackets the 95 \\% interval for n images." in text
    assert r"\textbf{94.71" in text and BOLD.split(":")[0] in text


def test_rows_that_differ_keep_their_column():
    text = latex(table(**{"n": [359, 100], "attack seeds": [3, 3]}))
    assert r"defense & n & 8/255 \\" in text
    assert "on test images" in text
    assert "mean over 3 attack seeds" in text
    assert "Bold" not in text


def test_two_runs_of_a_defense_are_told_apart():
    text = latex(table(defense=["SMD", "SMD"]))
    assert "SMD (1) &" in text and "SMD (2) &" in text


def test_plain_accuracies_have_no_intervals():
    text = latex(table(**{"8/255": [94.71, 91.64]}))
    assert r"SMD & 94.71 \\" in text
    assert "interval" not in text


def test_of_several_data_sets_the_caption_names_none():
    text = latex(table(data=["digits", "cifar10"]))
    assert "Digits" not in text
    assert r"defense & 8/255 & data \\" in text


def test_balanced_accuracy_is_called_so_in_caption_and_label():
    bold = pd.DataFrame(False, index=[0, 1], columns=table().columns)
    what = WHAT._replace(measure="balanced accuracy", interval="Of a bootstrap.")
    text = paper_latex(table(), bold, what)
    assert r"Balanced accuracy in \% on 359 test images" in text
    assert r"\label{tab:digits-balanced-accuracy-ce-pgd-20-steps-linf}" in text
    assert "Of a bootstrap." in text and "for n images" not in text and "Bold" not in text

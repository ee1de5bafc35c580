"""LaTeX that any TeX takes, whatever the names in it are."""

import math
import shutil
import subprocess

import pandas as pd
import pytest

from smd import export
from smd.experiments import published
from smd.export.tex import escaped
from tests.export.exporting import CIFAR, attacked

EVIL = r"a_b & 50% \input{/etc/passwd}"


def body(text):
    """The lines between the rules."""
    return text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()


def test_a_table_is_a_complete_tabular():
    table = pd.DataFrame(
        {"run": ["a", "b"], "n": [1000, 10], "8/255": [12.345, math.nan], "Avg.": [70.0, 5.5]}
    )
    assert (
        export.to_latex(table)
        == """\
% \\usepackage{booktabs}
\\begin{tabular}{lrrr}
\\toprule
run & n & 8/255 & Avg. \\\\
\\midrule
a & 1000 & 12.35 & 70.00 \\\\
b & 10 &  & 5.50 \\\\
\\bottomrule
\\end{tabular}
"""
    )


def test_a_caption_makes_it_float():
    text = export.to_latex(pd.DataFrame({"a": [1]}), caption="50% & more")
    assert text.splitlines()[1:4] == [r"\begin{table}", r"\centering", r"\caption{50\% \& more}"]
    assert text.endswith("\\end{tabular}\n\\end{table}\n")


def test_the_caption_or_a_comment_says_what_bold_means():
    table = pd.DataFrame({"a": [1]})
    assert r"\caption{Accuracy. Bold: 5 \%.}" in export.to_latex(
        table, caption="Accuracy.", note="Bold: 5 %."
    )
    assert export.to_latex(table, note="Bold: 5 %.").splitlines()[1] == r"% Bold: 5 \%."


def test_what_is_best_is_bold_and_an_empty_cell_is_not():
    table = pd.DataFrame({"run": ["a", "b"], "0": [90.0, math.nan]})
    bold = pd.DataFrame({"run": [False, False], "0": [True, True]})
    assert body(export.to_latex(table, bold)) == [r"a & \textbf{90.00} \\", r"b &  \\"]


def test_a_hostile_name_is_text():
    text = export.to_latex(pd.DataFrame({EVIL: [EVIL]}), caption=EVIL)
    assert "\\input" not in text
    assert text.count(r"a\_b \& 50\% \textbackslash{}input\{/etc/passwd\}") == 3


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("8/255", "8/255"),
        (r"&%$#_{}", r"\&\%\$\#\_\{\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        (
            '<a> "b" | `c`',
            r"\textless{}a\textgreater{} \textquotedblright{}b\textquotedblright{} \textbar{}"
            r" \`{}c\`{}",
        ),
        ("89.97 ± 0.31 (86.42–92.69)", r"89.97 $\pm$ 0.31 (86.42\textendash{}92.69)"),
        ("2 × 3 ≤ ε ≠ 4", r"2 $\times$ 3 $\leq$ $\varepsilon$ $\neq$ 4"),
        ("two\nlines\tand\r\n\nmore", "two lines and more"),
        ("a--b", "a-{}-b"),
        ("é Å ² ﬁ ½", "e A 2 fi 1/2"),
        ("猫 고", "U+732B U+ACE0"),
        ("a\x00\x07\u0301\u200bb", "ab"),
        ("＼input｛＄", r"\textbackslash{}input\{\$"),
    ],
)
def test_every_character_is_printed_or_spelt_out(text, tex):
    assert escaped(text) == tex
    assert escaped(text).isascii()


@pytest.mark.parametrize("start", ["[x]", "*"])
def test_no_row_begins_like_an_option_of_the_row_before(start):
    text = export.to_latex(pd.DataFrame({start: [start, start]}))
    assert [line for line in text.splitlines() if line.startswith(start)] == []
    assert text.count("{}" + start) == 3


def test_a_tex_takes_it(tmp_path):
    tex = shutil.which("pdflatex") or shutil.which("tectonic")
    if not tex:
        pytest.skip("There is no pdflatex or tectonic.")
    everything = "".join(map(chr, range(0x20, 0x2E80))) + "猫🐈\x00\x07"
    ours = export.accuracy_cells(
        {name: (CIFAR, attacked({0: 0.9, 8: 0.5})) for name in (EVIL, "[x]", "*", everything)}
    )
    cells = pd.concat([ours, published.rows("cifar10", "autoattack")])
    table = export.wide(cells)
    parts = [
        export.to_latex(
            table, export.best(cells, {}), caption=EVIL + everything[:200], note=export.BOLD
        ),
        export.to_latex(export.interval_table(cells), note=export.BOLD),
        export.to_latex(table[:0]),
    ]
    page = (
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\n\\end{document}\n"
    )
    (tmp_path / "page.tex").write_text(page % "\n\n".join(parts))
    quiet = (
        ["-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"]
        if "pdflatex" in tex
        else []
    )
    done = subprocess.run(
        [tex, *quiet, "page.tex"], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 0
    assert "root:" not in done.stdout.decode(errors="replace")

"""Text is escaped unless it is markup, and numbers lie where their axes say."""

import pytest

from smd.report.axes import Frame, ticks
from smd.report.markup import Markup, cut, element, joined, table
from smd.report.style import STYLE


def test_text_becomes_markup_only_by_being_escaped():
    assert element("p", "<b>&'\"") == "<p>&lt;b&gt;&amp;&#x27;&quot;</p>"
    assert element("p", Markup("<b></b>")) == "<p><b></b></p>"
    assert element("p", ["<", element("b", ">")]) == "<p>&lt;<b>&gt;</b></p>"
    assert element("img", alt='"><x', class_="c") == '<img alt="&quot;&gt;&lt;x" class="c"/>'
    assert joined(["a\x07", "b"], " ") == "a␇ b"
    assert isinstance(joined(["<"]), Markup)


def test_long_texts_are_cut_visibly():
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


def test_numbers_stand_at_the_right_with_their_heading():
    html = table("T", ["name", "n"], [["a", "1,000"], ["b", "–"]])
    assert '<th scope="col">name</th><th scope="col" class="n">n</th>' in html
    assert '<th scope="row">a</th><td class="n">1,000</td>' in html


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 100, 5, [0, 25, 50, 75, 100]),
        (0, 8, 6, [0, 2, 4, 6, 8]),
        (0, 3, 6, [0, 1, 2, 3]),
        (0, 0.5, 6, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (0, 0, 6, [0]),
    ],
)
def test_ticks_are_round_and_few(low, high, most, expected):
    assert ticks(low, high, most) == pytest.approx(expected)


def test_a_frame_maps_its_ends_to_the_edges():
    frame = Frame(0, 10, 100)
    assert (frame.x(0), frame.x(10)) == (46, 426)
    assert (frame.y(0), frame.y(100)) == (230, 14)
    assert Frame(1, 1, 0).x(1) == 46


def test_the_style_is_self_contained_and_paper_is_light():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "</" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
    assert "@media screen and (prefers-color-scheme: dark)" in STYLE
    assert "@page { size: A4" in STYLE

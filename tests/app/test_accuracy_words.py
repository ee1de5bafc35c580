"""What captions of accuracy tables say: levels of either norm, and which accuracy it is."""

import pytest

from app.sections.accuracy_tables import Attack, what_of
from smd import export
from smd.analysis import balanced
from tests.export.exporting import CIFAR, attacked

PGD = ("test", "ce-pgd", 20, "")


@pytest.mark.parametrize(
    ("norm", "levels"), [("Linf", ("8/255", "16/255")), ("L2", ("1", "1.5", "2"))]
)
def test_a_caption_has_the_levels_of_the_cells(norm, levels):
    eps = [8, 16] if norm == "Linf" else [255, 1.5 * 255, 2 * 255]
    table = attacked(dict.fromkeys((0, *eps), 0.5), norm=norm)
    cells = export.accuracy_cells({"a": (CIFAR, table)})
    what = what_of(Attack(norm, *PGD), cells, "")
    assert what.levels == levels
    assert what.measure == "accuracy"


def test_balanced_accuracy_has_its_own_name_and_interval():
    cells = export.accuracy_cells({"a": (CIFAR, attacked({0: 0.9, 8: 0.5}))})
    told = balanced.said({}, True)
    what = what_of(Attack("Linf", *PGD), cells, told)
    assert (what.measure, what.interval) == ("balanced accuracy", told)

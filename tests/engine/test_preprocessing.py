"""Whether another preprocessing is better: a paired test, over patients where they are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from smd.data.facts import Facts
from smd.evaluation import preprocessing
from smd.evaluation.preprocessing import Preprocessed

OTHER = np.array([True] * 30)
GIVEN = np.array([False] * 12 + [True] * 18)  # the first twelve are right only otherwise


def table():
    return [
        Preprocessed("as given", (), (), False, GIVEN),
        Preprocessed("other", (0.5,), (0.5,), False, OTHER),
    ]


def test_images_without_patients_count_one_by_one():
    best = preprocessing.better(table())
    assert best is not None
    assert best.title == "other"
    assert "import it again" in preprocessing.advice(table(), 2, best)


def test_images_of_one_patient_are_one_difference():
    one = pd.Series(["a"] * 12 + [f"{k}" for k in range(18)])
    assert preprocessing.better(table(), one) is None
    each = pd.Series([f"{k}" for k in range(30)])
    assert preprocessing.better(table(), each) is not None


def test_patients_are_those_of_the_images_that_are_looked_at(monkeypatch):
    monkeypatch.setattr(preprocessing, "MOST", 3)
    images = SimpleNamespace(facts=Facts(patients=("p", "q", "p", "", "")))
    found = preprocessing.patients(images, np.array([0, 1, 2, 3, 4]))
    assert len(found) == 3
    assert found[0] == found[1]  # rows 0 and 2
    assert found[2] not in (found[0],)  # row 4, of a patient that is not known
    assert preprocessing.patients(SimpleNamespace(facts=Facts()), np.array([0, 1])) is None

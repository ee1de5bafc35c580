"""Clinical numbers against scikit-learn, their undefined cases and their intervals."""

import tracemalloc

import numpy as np
import pytest

from smd.analysis import bootstrap, clinical

RNG = np.random.default_rng(3)
N, K = 60, 3
LABELS = RNG.integers(0, K, N)
LOGITS = (RNG.normal(size=(N, K)) + 1.5 * np.eye(K)[LABELS]).round(1)  # with ties
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
PREDICTED = LOGITS.argmax(1)
ONES = np.ones((1, N))


def test_numbers_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    counts = clinical.confusion(LABELS, PREDICTED, K)
    assert (counts == metrics.confusion_matrix(LABELS, PREDICTED)).all()
    found = clinical.rates(LABELS, PREDICTED, K)(ONES)[0]
    sensitivity = metrics.recall_score(LABELS, PREDICTED, average=None)
    precision = metrics.precision_score(LABELS, PREDICTED, average=None)
    assert found[:K] == pytest.approx(sensitivity)
    assert found[2 * K : 3 * K] == pytest.approx(precision)
    assert found[-2] == pytest.approx(metrics.balanced_accuracy_score(LABELS, PREDICTED))
    assert found[-1] == pytest.approx(metrics.accuracy_score(LABELS, PREDICTED))
    areas = clinical.macro_auc(LABELS, PROBABILITIES)(ONES)[0]
    each = [metrics.roc_auc_score(np.equal(LABELS, k), PROBABILITIES[:, k]) for k in range(K)]
    assert areas[:K] == pytest.approx(each)
    macro = metrics.roc_auc_score(LABELS, PROBABILITIES, multi_class="ovr", average="macro")
    assert areas[K] == pytest.approx(macro)


def test_a_resample_is_weighed_as_if_its_images_stood_there_twice():
    times = RNG.integers(0, 3, N)
    again = np.repeat(np.arange(N), times)
    for build in (
        lambda rows: clinical.rates(LABELS[rows], PREDICTED[rows], K),
        lambda rows: clinical.macro_auc(LABELS[rows], LOGITS[rows]),
        lambda rows: clinical.ece(PROBABILITIES[rows], LABELS[rows]),
    ):
        weighed = build(np.arange(N))(times[None].astype(float))
        assert weighed == pytest.approx(build(again)(np.ones((1, len(again)))))


def test_specificity_and_npv_are_of_the_other_classes():
    labels, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 1, 0])
    found = clinical.rates(labels, predicted, 2)(np.ones((1, 5)))[0]
    names = [(rate, k) for rate in clinical.RATES for k in range(2)]
    values = dict(zip(names, found, strict=False))
    assert values["sensitivity", 1] == values["specificity", 0] == pytest.approx(1 / 2)
    assert values["specificity", 1] == values["sensitivity", 0] == pytest.approx(2 / 3)
    assert values["PPV", 1] == values["NPV", 0] == pytest.approx(1 / 2)
    assert values["NPV", 1] == values["PPV", 0] == pytest.approx(2 / 3)


def test_what_has_no_images_is_undefined_and_no_zero():
    labels = predicted = np.zeros(4, int)
    found = clinical.rates(labels, predicted, 2)(np.ones((1, 4)))[0]
    # sensitivity of 1, specificity of 0, PPV of 1, NPV of 0
    assert np.isnan(found[[1, 2, 5, 6]]).all()
    assert found[-2] == found[-1] == 1
    assert np.isnan(clinical.auc(labels == 1, np.arange(4.0))(np.ones((1, 4)))).all()
    assert np.isnan(clinical.youden(labels == 1, np.arange(4.0)))
    empty = np.array([], int)
    assert np.isnan(bootstrap.measured(clinical.rates(empty, empty, 2), 0)).all()


def test_calibration_error_of_hand_made_bins():
    sure = np.array([[0.1, 0.9], [0.1, 0.9], [0.4, 0.6], [1.0, 0.0]])
    # 0.9 twice, once right: 0.4 apart; 0.6 right: 0.4 apart; 1.0 right
    found = clinical.ece(sure, np.array([1, 0, 1, 0]))(np.ones((1, 4)))
    assert found[0, 0] == pytest.approx((2 * 0.4 + 0.4) / 4)


def test_youden_separates_and_takes_the_lowest_of_equals():
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.6])
    assert clinical.youden(np.array([0, 0, 1, 1, 1], bool), scores) == 0.3
    assert clinical.youden(np.array([0, 1, 0, 1, 0], bool), scores) == 0.2


def test_images_of_one_patient_make_the_interval_wider():
    right = np.repeat(RNG.random(20) < 0.7, 10)  # patients whose ten images fare alike
    labels = np.tile([0, 1], 100)
    found = clinical.rates(labels, np.where(right, labels, 1 - labels), 2)
    value, low, high = bootstrap.measured(found, 200, np.repeat(np.arange(20), 10))[-1]
    alone = bootstrap.measured(found, 200)[-1]
    assert low < value < high
    assert high - low > 2 * (alone[2] - alone[1])
    again = bootstrap.measured(found, 200, np.repeat(np.arange(20), 10))
    assert (again[-1] == (value, low, high)).all()  # the seed is fixed


def test_an_interval_covers_about_as_often_as_it_says():
    covered = 0
    for seed in range(40):
        right = np.random.default_rng(seed).random(80) < 0.8
        found = clinical.rates(np.zeros(80, int), np.where(right, 0, 1), 2)
        _, low, high = bootstrap.measured(found, 80, resamples=200)[-1]
        covered += low <= 0.8 <= high
    assert 33 <= covered <= 40


def test_one_patient_has_no_interval():
    found = bootstrap.measured(clinical.rates(LABELS, PREDICTED, K), N, np.zeros(N, int))
    assert np.isfinite(found[-1, 0])
    assert np.isnan(found[-1, 1:]).all()


def test_a_share_that_no_resample_changes_has_no_interval():
    found = bootstrap.measured(clinical.rates(LABELS, LABELS, K), N)
    assert found[-1, 0] == 1
    assert np.isnan(found[-1, 1:]).all()


def test_parts_of_the_resamples_are_the_whole(monkeypatch):
    found = clinical.macro_auc(LABELS, LOGITS)
    whole = bootstrap.measured(found, N, resamples=50)
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * N)
    assert bootstrap.measured(found, N, resamples=50) == pytest.approx(whole, nan_ok=True)


def test_log_odds_are_probabilities_and_groups_have_a_least_size():
    odds = np.log(PROBABILITIES / (1 - PROBABILITIES))
    assert clinical.probabilities(odds) == pytest.approx(PROBABILITIES)
    assert clinical.probabilities(np.array([-1e9, 1e9])) == pytest.approx([0, 1])
    assert clinical.too_small(np.repeat([0, 1], [10, 9]), 2)
    assert not clinical.too_small(np.repeat([0, 1], [10, 10]), 2)


def several_predictions(patients):
    """Of one set of images: labels, predictions, whose each image is, classes."""
    draw = np.random.default_rng(0)
    n, classes = 300, 4
    labels = np.minimum(draw.integers(0, 5, n), 2)  # a class without images
    called = [draw.integers(0, classes, n), labels, np.where(draw.random(n) < 0.5, labels, 3)]
    return labels, called, None if patients is None else draw.integers(0, patients, n), classes


def by_cell(labels, called, whose, classes, resamples):
    of_counts = clinical.rates_of(np.bincount(labels, minlength=classes) > 0)
    cells = [labels * classes + own for own in called]
    return bootstrap.measured_by_cell(of_counts, cells, classes**2, whose, resamples=resamples)


@pytest.mark.parametrize("patients", [40, 5])
def test_rates_by_counts_are_those_by_weights_to_the_bit(monkeypatch, patients):
    """Several predictions of the same images share their resamples, in parts of any size."""
    labels, called, whose, classes = several_predictions(patients)
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * len(labels))
    plain = [
        bootstrap.measured(clinical.rates(labels, own, classes), len(labels), whose, resamples=50)
        for own in called
    ]
    found = by_cell(labels, called, whose, classes, 50)
    assert len(found) == len(plain)
    for one, two in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one, two)


def test_rates_of_images_drawn_by_their_cells_have_the_intervals_of_those_drawn_one_by_one():
    """The same numbers to the bit, intervals as far as two sets of resamples go: quantiles of
    20,000 resamples move by well under a tenth of the width."""
    labels, called, _, classes = several_predictions(None)
    of_one = clinical.rates(labels, called[0], classes)
    plain = bootstrap.measured(of_one, len(labels), resamples=20_000)
    found = by_cell(labels, called[:1], None, classes, 20_000)[0]
    np.testing.assert_array_equal(found[:, 0], plain[:, 0])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(plain))
    width = plain[:, 2] - plain[:, 1]
    assert np.nanmax(np.abs(found[:, 1:] - plain[:, 1:]) / width[:, None]) < 0.06


def test_resamples_by_cells_are_multinomial_in_parts_of_any_size(monkeypatch):
    """Mean and covariance of the counts are those of the distribution."""
    counts = np.array([0, 10, 50, 40])
    drawn = np.concatenate([*bootstrap._resampled(counts, 0, 20_000)])
    share = counts / 100
    assert (drawn.sum(1) == 100).all() and (drawn[:, 0] == 0).all()
    assert drawn.mean(0) == pytest.approx(counts, abs=0.15)
    expected = 100 * (np.diag(share) - np.outer(share, share))
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.7)
    monkeypatch.setattr(bootstrap, "CHUNK", 12)
    parts = [*bootstrap._resampled(counts, 0, 20)]
    assert [len(part) for part in parts] == [3] * 6 + [2]
    np.testing.assert_array_equal(np.concatenate(parts), drawn[:20])


def test_rates_of_a_thousand_classes_need_little_memory():
    """A cell for each pair of classes is a million: never for all resamples at once."""
    classes = 1000
    labels = np.arange(3 * classes) % classes
    tracemalloc.start()
    by_cell(labels, [labels[::-1].copy()], None, classes, 20)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 400 << 20

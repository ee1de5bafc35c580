"""`smd.estimate_margins`: the estimators' own numbers, in columns that say what they are."""

import pytest
import torch

import smd
from smd import estimators, registry
from smd.core import kinds
from smd.data.batches import OnDevice
from smd.estimators.measure import measure

SETTINGS = {
    "min-norm": {"steps": 10, "targets": 3},
    "fab": {"steps": 10, "targets": 3},
    "gem": {"rounds": 10},
    "pgd": {"eps": 16 / 255},
    "certified": {"rounds": 2},
    "smoothing": {"sigma": 0.1, "selection": 5, "samples": 20},
}


@pytest.fixture(scope="module")
def given(digits):
    return digits[0][:48], digits[1][:48]


@pytest.mark.slow
@pytest.mark.parametrize("method", registry.ESTIMATORS)
def test_the_margins_are_those_of_a_job(method, trained, given):
    n = 2 if registry.ESTIMATORS[method].certifying else 48  # a proof takes seconds
    x, y = given[0][:n], given[1][:n]
    norm = registry.ESTIMATORS[method].norms[0]
    settings = {"norm": norm, **SETTINGS[method]}
    table = smd.estimate_margins(trained, x, y, method, batch_size=16, **settings)
    rows = OnDevice((x * 255).round().to(torch.uint8), y)
    estimator = estimators.build(method, SETTINGS[method])
    found = measure(trained, rows, torch.arange(len(x)), estimator, norm, 0, 16)
    assert (table["margin"].to_numpy() == found.margin).all()
    assert (table["crossed"].to_numpy() == found.crossed).all()


def test_an_upper_bound_stands_only_where_a_boundary_was_met(trained, given):
    x, y = given
    wrong = y.clone()
    wrong[:3] = (y[:3] + 1) % 10
    table = smd.estimate_margins(trained, x, wrong, "pgd", eps=4 / 255)
    assert set(table["kind"]) == {"found", "reached", "misclassified"}
    bound = table.set_index("kind")["upper_bound"]
    assert bound["reached"].isna().all()
    assert (bound["misclassified"] == 0).all()
    found = table[table["kind"] == "found"]
    assert (found["upper_bound"] == found["margin"]).all()
    assert (found["margin"] <= 4 / 255 + 1e-6).all()
    assert list(table["label"]) == wrong.tolist()


def test_a_found_margin_bounds_that_of_a_linear_network():
    """Two classes whose logits differ by w (x - 1/2): its margin is |w (x - 1/2)| / |w|_1."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(16, 2)
    model = torch.nn.Sequential(torch.nn.Flatten(), layer)
    x = torch.rand(32, 1, 4, 4) * 0.4 + 0.3
    with torch.no_grad():
        layer.bias.copy_(-layer.weight.sum(1) / 2)
        y = model(x).argmax(1)
        w = layer.weight[0] - layer.weight[1]
        true = (((x.flatten(1) - 0.5) @ w).abs() / w.abs().sum()).numpy()
    table = smd.estimate_margins(model, x, y, "pgd", eps=0.2)
    near = table["kind"].to_numpy() == "found"
    assert near.any()
    assert (table["upper_bound"].to_numpy()[near] >= true[near] - 0.2 / 1024 - 1e-6).all()


def test_the_python_api_names_the_smoothed_network_and_bounds_nothing(trained, digits):
    x, y = digits[0][:8], digits[1][:8]
    about = {"norm": "L2", "sigma": 0.1, "selection": 5, "samples": 50}
    table = smd.estimate_margins(trained, x, y, "smoothing", **about)
    assert set(table["kind"]) <= {kinds.SMOOTHED, kinds.WRONG, kinds.ABSTAINED}
    assert kinds.SMOOTHED in set(table["kind"])
    assert table["upper_bound"].isna().all()

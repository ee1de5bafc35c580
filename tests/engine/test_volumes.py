"""Volumes pass everything that images pass: training, attacks, estimators, evaluation."""

import numpy as np
import pytest
import torch
from attacking import broken_off, context, evaluated
from test_evaluate import TenClasses, as_set, reaches
from torch import nn

from smd import attacks, estimators, registry
from smd.attacks import autoattack, frame
from smd.attacks.autoattack import AutoAttack, Part
from smd.config.schema import TrainConfig
from smd.core import lp
from smd.data.images import Images
from smd.evaluation import examples
from smd.evaluation import state as evaluation_state
from smd.training.loop import epochs, prepare

CPU = torch.device("cpu")
QUICK = {
    "pgd": {"eps": 0.1},
    "gem": {"rounds": 4},
    "min-norm": {"steps": 8, "targets": 2},
    "fab": {"steps": 8, "targets": 2},
    "certified": {"rounds": 1},
    "smoothing": {"sigma": 0.01, "selection": 5, "samples": 20},
}


@pytest.fixture
def quick(monkeypatch):
    """AutoAttack with few steps and queries: what it breaks is not looked at."""
    monkeypatch.setattr(autoattack, "STEPS", 6)
    monkeypatch.setattr(autoattack, "QUERIES", 30)


@pytest.fixture(scope="module")
def volumes():
    """30 volumes (1, 5, 8, 8) of two classes, a bright half on the left or on the right."""
    drawn = np.random.default_rng(0)
    labels = np.arange(30) % 2
    pixels = drawn.integers(0, 120, (30, 1, 5, 8, 8), np.uint8)
    for volume, label in zip(pixels, labels, strict=True):
        volume[..., 4 * label : 4 * label + 4] += 100
    return Images(
        "folder",
        "made-up",
        ("left", "right"),
        pixels,
        labels,
        np.repeat(np.uint8([0, 1, 2]), [20, 5, 5]),
    )


@pytest.mark.slow
@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_every_defense_trains_on_volumes(volumes, defense):
    config = TrainConfig(data="folder", net="volume-cnn", defense=defense, epochs=2, batch=20)
    training = prepare(config, volumes, CPU)
    assert training.info.shape == (1, 5, 8, 8)
    results = list(epochs(training, lambda state, batches: None))
    assert len(results) == 2
    for name, values in results[-1].state.items():
        assert values.shape[0] == 20, name
        assert np.isfinite(values).all(), name


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", registry.ATTACKS)
def test_every_stage_of_every_attack_stays_in_its_ball(trained_3d, quick, name, norm):
    model, x, y = trained_3d
    eps = 0.1 if norm == "Linf" else 1.0
    params = {"steps": 3} if registry.ATTACKS[name].params else {}
    plan = attacks.build(name, params).plan(5)
    assert plan.flags_before(model, x[:6], y[:6]) <= {"few-classes"}
    for stage in plan.stages:
        found = stage.perturb(model, x[:6], y[:6], context(eps, norm))
        assert found.shape == (6, 1, 5, 12, 12)
        assert (lp.length(found - x[:6], norm) <= eps + 1e-6).all()
        assert found.min() >= 0
        assert found.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "norm"), [(n, norm) for n, e in registry.ESTIMATORS.items() for norm in e.norms]
)
def test_every_estimator_measures_volumes(trained_3d, name, norm):
    model, x, y = trained_3d
    params = {"eps": 2.0} if name == "pgd" and norm == "L2" else QUICK[name]
    entry = registry.ESTIMATORS[name]
    proven = entry.certifying or entry.smooths
    n = 1 if entry.certifying else 6  # a proof takes seconds
    found = estimators.build(name, params).estimate(
        model, x[:n], y[:n], norm, torch.Generator().manual_seed(0)
    )
    assert found.margin.shape == (n,)
    assert found.margin.isfinite().all()
    assert (found.margin >= 0 if proven else found.margin > 0).all()  # a lower bound may be 0


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_autoattack_reaches_the_closed_form_robust_accuracy_of_volumes(norm):
    model = TenClasses(4 * 3 * 6)
    x = 0.5 + 0.3 * (torch.rand(40, 1, 4, 3, 6, generator=torch.Generator().manual_seed(5)) - 0.5)
    exact = as_set(x, torch.zeros(40, dtype=torch.long)).take(torch.arange(40)).x
    margin = model.margin(exact, norm)
    eps = float(margin.quantile(0.6)) + 1e-4
    verdict = evaluated(
        model,
        as_set(x, model(exact).argmax(1)),
        torch.arange(40),
        AutoAttack(),
        eps,
        size=40,
        norm=norm,
    )
    assert reaches(verdict, margin, eps)


def test_evaluating_a_volume_goes_on_where_it_stopped_and_keeps_its_noise(trained_3d, tmp_path):
    model, x, y = trained_3d
    asked = (model, as_set(x, y), torch.arange(24), attacks.build("ce-pgd", {"steps": 3}), 0.2)
    whole = evaluation_state.EvaluationState.begin(24)
    expected = evaluated(*asked, size=6, state=whole, keep=30, picked=True)
    half = broken_off(
        tmp_path / "j.npz",
        6,
        lambda watch: evaluated(*asked, size=6, watch=watch, keep=30, picked=True),
    )
    verdict = evaluated(*asked, size=6, state=half, keep=30, picked=True)
    assert verdict.pred.tolist() == expected.pred.tolist()
    assert half.kept.keys() == whole.kept.keys()
    assert {kept.image.shape for kept in half.kept.values()} == {(1, 5, 12, 12)}
    assert all(np.array_equal(half.kept[k].image, whole.kept[k].image) for k in whole.kept)


def test_noise_of_volumes_is_stored_bit_for_bit(tmp_path):
    n, drawn = 3, np.random.default_rng(0)
    noise, p = (
        drawn.normal(size=(n, 1, 4, 5, 5)).astype(np.float32),
        np.full((n, 2), 0.5, np.float32),
    )
    written = examples.Examples(
        "test", "ce-pgd", np.arange(n), np.arange(n), np.ones(n, np.float32), noise, p, p
    )
    examples.write(tmp_path / "one.npz", written)
    np.testing.assert_array_equal(examples.read(tmp_path / "one.npz").noise, noise)


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (3, 32, 32), (3, 12, 12), (1, 5, 12, 12), (3, 4, 4, 7)]
)
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_what_is_shown_in_a_frame_comes_back_as_it_was(shape, norm):
    x = torch.rand(2, *shape)
    around = frame.framed(x, norm)
    shown = around.shown(x)
    assert shown.shape[1] == x[0].numel() // (shape[-1] * shape[-2])
    assert torch.equal(around.seen(shown), x)
    assert (norm == "L2") or shown[0].numel() == x[0].numel()
    assert torch.equal(frame.Behind(nn.Flatten(), around)(shown), x.flatten(1))


def test_only_images_that_the_package_cannot_start_on_get_a_margin():
    framed = {
        side: frame.framed(torch.zeros(1, 1, side, side), "L2").below for side in range(5, 65)
    }
    assert {side: margin for side, margin in framed.items() if margin} == {
        12: 1,
        14: 1,
        18: 2,
        19: 1,
        24: 1,
    }


@pytest.mark.parametrize("side", [11, 12, 14, 18, 19, 24, 25])
def test_square_starts_on_images_of_every_side(side, quick):
    model = TenClasses(side * side)
    x = 0.5 + 0.1 * (torch.rand(8, 1, side, side, generator=torch.Generator().manual_seed(5)) - 0.5)
    y = model(x).argmax(1)
    found = Part("square", 2).perturb(model, x, y, context(2.0, "L2"))
    assert (lp.length(found - x, "L2") <= 2 + 1e-5).all()
    assert (model(found).argmax(1) != y).any()

"""Jobs of one run are told apart by what they do."""

import pytest

from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, TrainConfig
from smd.runs import folders
from smd.runs.job_titles import attack, embedding, estimate, job_title


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (
            AttackConfig("r", levels=(8 / 255, 16 / 255), n=500),
            "CE-PGD on 500 test images at 8/255, 16/255, seeds 0 to 4",
        ),
        (
            AttackConfig("r", params={"steps": 20}, levels=(8 / 255,), seeds=(0,)),
            "CE-PGD (steps=20) on all test images at 8/255, seed 0",
        ),
        (
            AttackConfig(
                "r", "autoattack", norm="L2", levels=(0.5, 1.0), n=1, split="train", seeds=(0, 7)
            ),
            "AutoAttack on 1 train image at 0.5 L2, 1 L2, seeds 0, 7",
        ),
        (
            AttackConfig("r", ids=(5, 3, 9, 1), seeds=(0,)),
            "CE-PGD on 4 chosen test images (5, 3, 9, …) at the run's own levels, seed 0",
        ),
        (
            AttackConfig("r", ids=(5,), levels=(1 / 255,), seeds=(0,)),
            "CE-PGD on 1 chosen test image (5) at 1/255, seed 0",
        ),
        (
            AttackConfig("r", ids=(5, 3), named="odd hands", seeds=(0,)),
            "CE-PGD on 2 chosen test images (the set 'odd hands') at the run's own levels, seed 0",
        ),
    ],
)
def test_an_attack_says_images_levels_and_seeds(asked, title):
    assert attack(asked) == title


def test_an_estimation_says_how_far_it_looks_and_in_which_norm():
    assert estimate(EstimateConfig("r", n=200)) == "Minimum norm on 200 test images, seed 0"
    two = EstimateConfig("r", "pgd", levels=(8 / 255, 16 / 255), n=20, split="train", seed=3)
    assert estimate(two) == "PGD 8/255 and PGD 16/255 on 20 train images, seed 3"
    length = EstimateConfig("r", "pgd", levels=(0.5,), norm="L2")
    assert estimate(length) == "PGD 0.5, L2 on all test images, seed 0"
    assert "(rounds=9)" in estimate(EstimateConfig("r", "gem", {"rounds": 9}))


def test_a_map_says_images_and_twins():
    assert (
        embedding(EmbeddingConfig("r", n=2000, level=4 / 255))
        == "embedding of 2,000 test images, up to 500 adversarial examples at 4/255, seed 0"
    )


def test_a_job_whose_config_cannot_be_read_is_named_by_its_id(own_runs):
    run = folders.create(TrainConfig())
    assert job_title(run.folder) == "training"
    folder = folders.create_job(run, AttackConfig(run.id, levels=(8 / 255,), seeds=(0,)))
    assert job_title(folder) == "CE-PGD on all test images at 8/255, seed 0"
    (folder / "config.json").write_text("{broken")
    assert job_title(folder) == f"attack {folder.name}"


def test_the_list_of_runs_says_what_each_job_does(own_runs, capsys):
    from smd import __main__ as cli

    run = folders.create(TrainConfig())
    folders.create_job(run, AttackConfig(run.id, levels=(8 / 255,), n=20, seeds=(0,)))
    folders.create_job(run, AttackConfig(run.id, levels=(8 / 255,), n=30, seeds=(0,)))
    cli.main(["runs"])
    listed = capsys.readouterr().out
    assert "CE-PGD on 20 test images at 8/255, seed 0" in listed
    assert "CE-PGD on 30 test images at 8/255, seed 0" in listed

from smd.config.commands import attack_command, estimate_command, sweep_command, train_command
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig


def test_the_command_of_a_plain_training() -> None:
    assert (
        train_command(TrainConfig(epochs=40))
        == "python -m smd train --data digits --net small-cnn --defense smd --epochs 40 --seed 0"
        " --device auto"
    )


def test_the_command_of_a_training_with_everything_set() -> None:
    config = TrainConfig(
        data="folder",
        data_path="/my images",
        image_size=32,
        params={"preset": "ame"},
        epochs=2,
        batch=64,
        seed=1,
        device="cuda:1",
        precision="bfloat16",
        n_train=100,
        n_test=50,
        n_margins=0,
    )
    assert (
        train_command(config)
        == "python -m smd train --data folder --net small-cnn --defense smd:preset=ame --epochs 2"
        " --seed 1 --device cuda:1 --path '/my images' --image-size 32 --batch 64 --precision"
        " bfloat16 --n-train 100 --n-test 50 --n-margins 0"
    )


def test_the_command_of_an_attack() -> None:
    config = AttackConfig(
        "abc", params={"steps": 10}, levels=(2 / 255, 4 / 255), n=500, seeds=(0, 1)
    )
    assert (
        attack_command(config)
        == "python -m smd attack abc --attack ce-pgd:steps=10 --eps 2/255,4/255 --split test"
        " --n 500"
        " --seeds 0,1 --device auto"
    )
    assert attack_command(config, "def").startswith("python -m smd attack abc def --attack ")
    chosen = AttackConfig("abc", ids=(3, 5), batch=32, split="val", device="cpu")
    assert (
        attack_command(chosen)
        == "python -m smd attack abc --attack ce-pgd --split val --ids 3,5 --seeds 0,1,2,3,4"
        " --device cpu --batch 32"
    )


def test_the_command_of_an_estimation() -> None:
    assert (
        estimate_command(EstimateConfig("abc", n=200))
        == "python -m smd estimate abc --method min-norm --split test --n 200 --seed 0"
        " --device auto"
    )
    config = EstimateConfig(
        "abc", "pgd", levels=(0.5, 1.5), norm="L2", split="val", batch=32, seed=1, device="cpu"
    )
    assert (
        estimate_command(config)
        == "python -m smd estimate abc --method pgd --eps 0.5,1.5 --norm L2 --split val --n 0"
        " --seed 1 --device cpu --batch 32"
    )


def test_the_command_of_a_sweep() -> None:
    configs = [
        TrainConfig(defense=name, epochs=4, seed=seed) for name in ("smd", "std") for seed in (0, 1)
    ]
    assert (
        sweep_command(configs)
        == "python -m smd sweep --data digits --net small-cnn --epochs 4 --device auto --defenses"
        " smd,std --seeds 0,1"
    )
    official = [TrainConfig(defense="std", recipe="official")]
    assert (
        sweep_command(official)
        == "python -m smd sweep --data digits --net small-cnn --recipe official --device auto"
        " --defenses std --seeds 0"
    )

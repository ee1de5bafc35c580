"""A toy of every kind, added as CONTRIBUTING says (its code and one entry), is found everywhere."""

import dataclasses
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from streamlit.testing.v1 import AppTest

from app import pages
from app.charts import agreement as agreement_charts
from app.charts import style
from smd import __main__ as command_line
from smd import attacks, data, estimators, nets, registry
from smd.analysis import agreement, gaps
from smd.attacks import AttackPlan
from smd.cli import train as train_command
from smd.config import validation
from smd.config.commands import attack_command, margins_command
from smd.config.parsing import parse_choice
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.data.batches import on_device
from smd.data.images import Images
from smd.defenses import StepResult
from smd.errors import UserError
from smd.estimators import Found
from smd.estimators.measure import measure
from smd.evaluation.evaluate import Target, Task, evaluate_level
from smd.export.titles import attack_title, defense_title
from smd.jobs import kinds, listing
from smd.registry.knobs import count, level
from smd.training.loop import epochs, prepare

COLOUR, PALE = "#123456", "#654321"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class ToyDefense:
    """Cross-entropy on images that are all a little brighter."""

    shift: float = 4 / 255

    def begin(self, info):
        return {"margin": torch.full((info.n,), self.shift)}

    def step(self, model, batch, state, context):
        logits = model((batch.x + self.shift).clamp(0, 1))
        F.cross_entropy(logits, batch.y).backward()
        right = logits.detach().argmax(1) == batch.y
        return StepResult(right, right)


@dataclass(frozen=True)
class Brighter:
    """The only stage of the toy attack."""

    name = "brighter"
    cost = 1.0
    deterministic = True

    def perturb(self, model, x, y, context):
        return (x + context.eps).clamp(0, 1)


@dataclass(frozen=True)
class ToyAttack:
    """One stage."""

    tries: int = 1

    def plan(self, classes):
        return AttackPlan((Brighter(),) * self.tries)


@dataclass(frozen=True)
class ToyEstimator:
    """Every margin is as long as it is told."""

    reach: float = 8 / 255

    def estimate(self, model, x, y, norm, generator):
        return Found(torch.full((len(x),), self.reach), torch.zeros(len(x), dtype=torch.bool))


class ToyNetwork(torch.nn.Module):
    """One linear layer."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = torch.nn.Linear(int(np.prod(shape)), classes)

    def features(self, x):
        return x.flatten(1)

    def forward(self, x):
        return self.head(self.features(x))


def toy_images(request):
    """Forty images of two classes, dark and bright."""
    labels = np.arange(40) % 2
    pixels = np.broadcast_to(np.uint8(60 + 120 * labels)[:, None, None, None], (40, 1, 8, 8))
    split = np.repeat(np.uint8([0, 1, 2]), [24, 8, 8])
    return Images("toy", "toy", ("dark", "bright"), pixels.copy(), labels, split)


TOYS = {
    "DATASETS": registry.DataSet(
        "toy", "Toy images", f"{__name__}:toy_images", 8, "toy", (8 / 255,), 1, "none", "here"
    ),
    "NETWORKS": registry.Network("toy", "Toy network", f"{__name__}:ToyNetwork", (8, 8), "here"),
    "DEFENSES": registry.Defense(
        "toy",
        "Toy",
        f"{__name__}:ToyDefense",
        "here",
        params=(level("shift", 4 / 255, "how much brighter"),),
        label="TOY{shift}",
        margin=True,
        colour=COLOUR,
    ),
    "ATTACKS": registry.Attack(
        "toy",
        "Toy attack",
        f"{__name__}:ToyAttack",
        "here",
        params=(count("tries", 1, "how often"),),
        strength=1,
        stages=(registry.Stage("brighter", "falls to brightness", PALE),),
    ),
    "ESTIMATORS": registry.Estimator(
        "toy",
        "Toy estimator",
        f"{__name__}:ToyEstimator",
        "here",
        params=(level("reach", 8 / 255, "how far"),),
    ),
}


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    for table, entry in TOYS.items():
        monkeypatch.setitem(getattr(registry, table), "toy", entry)


def trained():
    """A toy network, trained for an epoch on toy images by the toy defense."""
    config = TrainConfig(data="toy", defense="toy", epochs=1, batch=8)
    assert validation.of_training(config) == []
    training = prepare(config, data.load("toy"), CPU)
    (result,) = epochs(training, lambda training, batches: None)
    return training, result


def test_a_toy_network_trains_with_a_toy_defense_on_toy_images():
    training, result = trained()
    assert isinstance(training.model, ToyNetwork)
    assert result.state["margin"].tolist() == pytest.approx([4 / 255] * training.info.n)
    assert training.config.levels == (8 / 255,)


def test_a_toy_attack_gives_verdicts():
    images, eps = data.load("toy"), 0.5
    model = nets.build("toy", images.shape, 2)
    with torch.no_grad():  # dark below a mean of a half, bright above
        model.head.weight.copy_(torch.stack([-torch.ones(64), torch.ones(64)]))
        model.head.bias.copy_(torch.tensor([64.0, 0.0]) - 1e-3)
    points = on_device(images, np.arange(40), CPU)
    plan = attacks.build("toy", {}).plan(2)
    verdict = evaluate_level(Target(model, points), Task(torch.arange(40), plan, eps, 0, 8))
    assert verdict.ok.tolist() == [label == 1 for label in images.labels]
    assert verdict.distance[verdict.stage == 1] == pytest.approx(eps)


def test_a_toy_estimator_measures():
    training, _ = trained()
    estimator = estimators.build("toy", {"reach": 0.25})
    found = measure(
        training.model, training.sets.train, torch.arange(8), estimator, "Linf", 0, size=4
    )
    assert found.margin[found.clean_ok].tolist() == pytest.approx([0.25] * found.clean_ok.sum())


@pytest.mark.parametrize("table", TOYS)
def test_a_toy_is_a_choice_and_a_wrong_name_lists_it(table):
    entries = getattr(registry, table)
    if hasattr(entries["toy"], "params"):
        (knob,) = entries["toy"].params
        assert parse_choice(f"toy:{knob.name}=1", entries, "thing") == ("toy", {knob.name: 1})
    with pytest.raises(UserError, match="toy"):
        registry.find(entries, "no-such", "thing")


def test_configs_of_toys_are_checked():
    configs = [
        (TrainConfig(data="toy", defense="toy"), validation.of_training),
        (AttackConfig("run", "toy", levels=(0.1,)), validation.of_attack),
        (EstimateConfig("run", "toy", levels=(0.1,)), validation.of_margins),
    ]
    for config, problems in configs:
        assert problems(config) == []
        wrong = replace(config, params={"no-such": 1})
        assert any("no-such" in problem for problem in problems(wrong))


def test_the_command_line_offers_toys_and_writes_them():
    words = ["train", "--data", "toy", "--defense", "toy:shift=2/255", "--device", "cpu"]
    args = command_line.parser().parse_args(words)
    config = train_command.config_from(args, args.defense)
    assert (config.net, dict(config.params)) == ("toy", {"shift": 2 / 255})
    assert "toy:tries=3" in attack_command(AttackConfig("run", "toy", params={"tries": 3}))
    assert "toy" in margins_command(EstimateConfig("run", "toy"))


def test_titles_and_colours_of_toys_stand_in_tables_and_charts():
    config = TrainConfig(data="toy", defense="toy")
    assert defense_title(config) == "TOY4"
    assert attack_title("toy").startswith("Toy attack")
    assert style.colour("toy") == COLOUR
    assert style.run_colours(pd.DataFrame({"run": ["a"], "defense": ["toy"]})) == [COLOUR]


def verdicts(name, *broken_by):
    ids = range(len(broken_by))
    ok = [stage == "" for stage in broken_by]
    columns = {"name": name, "steps": 1, "n": len(ids), "note": "", "seeds": 1, "split": "test"}
    more = {"norm": "Linf", "eps": 8 / 255, "idx": ids, "ok": ok, "broken_by": broken_by}
    return pd.DataFrame({**columns, **more})


def test_a_toy_attacks_stage_has_its_pattern_and_colour_and_its_strength_a_gap():
    outcomes = pd.concat(
        [verdicts("toy", "brighter", "", ""), verdicts("autoattack", "square", "square", "")]
    )
    patterns = agreement.patterns(outcomes)
    assert patterns["pattern"].tolist() == [
        "falls to brightness",
        "falls to Square only",
        "withstands all",
    ]
    chart = agreement_charts.patterns(agreement.counted(patterns)).to_dict()
    assert PALE in str(chart)
    (gap,) = gaps.gaps(outcomes).itertuples()
    assert gap.weaker.startswith("Toy attack")
    assert gap.stronger.startswith("AutoAttack")


FORM = """
import streamlit as st
from app.forms import knobs
from smd import registry
for table in ("DEFENSES", "ATTACKS", "ESTIMATORS"):
    for param in getattr(registry, table)["toy"].params:
        knobs.knob(param, f"{table}-{param.name}", [])
"""


def test_toys_knobs_are_fields_of_forms():
    form = AppTest.from_string(FORM).run()
    assert not form.exception
    fields = {field.key: field.value for field in (*form.text_input, *form.number_input)}
    assert fields == {
        "DEFENSES-shift": "4/255",
        "ATTACKS-tries": 1,
        "ESTIMATORS-reach": "8/255",
    }


NAVIGATION = """
import streamlit as st
from app import pages
for group, found in pages.groups([]).items():
    for page in found:
        st.text(f"{group}: {page.title}")
"""


def test_a_toy_page_stands_in_the_navigation(monkeypatch):
    toy = replace(pages.PAGES[0], name="toy", title="Toy page")
    monkeypatch.setattr(pages, "PAGES", (*pages.PAGES, toy))
    monkeypatch.setitem(pages.BY_NAME, "toy", toy)
    app = AppTest.from_string(NAVIGATION).run()
    assert not app.exception
    assert f"{toy.group}: Toy page" in [text.value for text in app.text]


@dataclass(frozen=True)
class ToyConfig:
    """What the toy job is asked to do."""

    run: str


def test_a_toy_job_is_listed_and_told_by_its_folder_and_config(own_runs, monkeypatch):
    kind = dataclasses.replace(kinds.KINDS["embed"], name="toy", folder="toys", config=ToyConfig)
    monkeypatch.setitem(kinds.KINDS, "toy", kind)
    folder = own_runs / "a-run" / "toys" / "20260101-000000-toy"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert listing.on_run(own_runs / "a-run") == [folder]
    assert kinds.of_folder(folder) is kind
    assert kinds.of_config(ToyConfig("a-run")) is kind


@pytest.mark.parametrize("table", ["NETWORKS", "DEFENSES", "ATTACKS", "ESTIMATORS"])
def test_every_entry_is_described_in_a_plain_sentence(table):
    for entry in getattr(registry, table).values():
        if entry.name != "toy":
            assert entry.description.endswith(".")
            assert len(entry.description) < 150

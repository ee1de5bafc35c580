"""The order of an attack job, and how far it is."""

import pytest

from smd import attacks, registry
from smd.attacks import AttackPlan
from smd.attacks.autoattack import AutoAttack
from smd.attacks.ce_pgd import CePgd
from smd.tasks.attack_plan import share_of_all, work_items


def planned(plan, levels=(2 / 255, 8 / 255), seeds=(4, 5, 6)):
    return work_items("job", plan, levels, seeds)


def test_clean_images_come_first_then_all_levels_with_the_first_seed():
    names = [item.name for item in planned(CePgd().plan(10))]
    assert names == ["job:0:4"] + [
        f"job:{level}:{seed}" for seed in (4, 5, 6) for level in ("2/255", "8/255")
    ]


def test_later_seeds_cost_what_must_be_done_again():
    assert [item.cost for item in planned(CePgd().plan(10))] == [0.0] + 6 * [1.0]
    plan = AutoAttack().plan(10)
    fab = next(stage.cost for stage in plan.stages if stage.name == "fab-t")
    later = 1 - fab / sum(stage.cost for stage in plan.stages)
    assert 0.5 < later < 0.9
    assert [item.cost for item in planned(plan)] == pytest.approx([0.0, 1.0, 1.0] + 4 * [later])


@pytest.mark.parametrize("plan", [CePgd().plan(10), AutoAttack().plan(10)])
def test_the_share_of_all_work_grows_from_nothing_to_one(plan: AttackPlan):
    items = planned(plan)
    shares = [
        share_of_all(items, number, part)
        for number in range(len(items))
        for part in (0.0, 0.5, 1.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] == shares[2] == 0
    assert shares[-1] == pytest.approx(1)
    assert len(set(shares[3:])) > len(items)


@pytest.mark.parametrize("entry", registry.ATTACKS.values(), ids=lambda entry: entry.name)
def test_the_registry_knows_what_an_attack_costs(entry):
    """Pages estimate times without torch: the passes there are those of the stages themselves."""
    settings = {p.name: p.default for p in entry.params}
    plan = attacks.build(entry.name, {}).plan(10)
    assert entry.passes(settings) == sum(stage.cost for stage in plan.stages)

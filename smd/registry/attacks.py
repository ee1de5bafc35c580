"""Attacks, with the stages by which their verdicts are told apart."""

from smd.registry.kinds import Attack, Stage
from smd.registry.knobs import count, named

GRADIENT = 3.0  # forward passes that one gradient costs, roughly
# apgd-ce, apgd-t and fab-t against nine targets, and square, which takes no gradients
AUTOATTACK = 100 * GRADIENT + 9 * 100 * GRADIENT + 9 * 100 * (GRADIENT + 1) + 5000
FIRST_ORDER = "falls to CE-PGD"  # to plain PGD on the cross-entropy, in whichever attack

ATTACKS = named(
    Attack(
        name="ce-pgd",
        title="CE-PGD",
        target="smd.attacks.ce_pgd:CePgd",
        source="paper, Eq. 2 and Sec. 4",
        description="Climbs the cross-entropy from a random point near the image.",
        params=(count("steps", 100, "gradient steps; each is a quarter of the noise level long"),),
        seeds=(0, 1, 2, 3, 4),
        cost="quick; a first look",
        passes=lambda settings: GRADIENT * float(settings["steps"]),
        strength=1,
        stages=(Stage("ce-pgd", FIRST_ORDER, "#e3b28c"),),
    ),
    Attack(
        name="ce-cw-pgd",
        title="CE-CW-PGD",
        target="smd.attacks.ce_cw_pgd:CeCwPgd",
        source="paper, Sec. 4; MMA's white-box attack",
        description="Climbs the cross-entropy and the margin of the logits, from several random"
        " points each; an image must withstand all.",
        params=(
            count(
                "steps", 100, "gradient steps of a run; each is a quarter of the noise level long"
            ),
            count(
                "runs",
                10,
                "random starts, the first half on the cross-entropy, the others on the CW loss;"
                " the worst counts",
            ),
        ),
        cost="a few times CE-PGD",
        passes=lambda settings: GRADIENT * float(settings["steps"]) * float(settings["runs"]),
        strength=2,
        stages=(
            Stage("ce", FIRST_ORDER, "#e3b28c"),
            Stage("cw", "falls to CW but not to CE-PGD", "#d98f5a"),
        ),
    ),
    Attack(
        name="autoattack",
        title="AutoAttack",
        target="smd.attacks.autoattack:AutoAttack",
        source="Croce and Hein 2020, standard",
        description="Four attacks one after the other, three that follow gradients and one that"
        " does not; the field's yardstick.",
        seeds=(0, 1, 2),
        cost="about forty times CE-PGD for an image that withstands it; the paper's yardstick",
        passes=lambda settings: AUTOATTACK,
        strength=3,
        stages=(
            Stage("apgd-ce", "falls to AutoAttack only (apgd-ce)", "#c8641f"),
            Stage("apgd-dlr", "falls to AutoAttack only (apgd-dlr)", "#c8641f"),
            Stage("fab", "falls to AutoAttack only (fab)", "#c8641f"),
            Stage("apgd-t", "falls to targeted attacks only (apgd-t)", "#a84f2a"),
            Stage("fab-t", "falls to targeted attacks only (fab-t)", "#a84f2a"),
            Stage("square", "falls to Square only", "#74407a"),
        ),
    ),
    # beside the three: in no order of strength with them, no stage of AutoAttack's standard version
    Attack(
        name="pm-pgd",
        title="PM-PGD",
        target="smd.attacks.pm_pgd:PmPgd",
        source="the loss of PMA (Xie et al. 2024, arXiv 2411.15210)",
        description="CE-PGD with another loss: climbs the margin of the probabilities, that of the"
        " likeliest wrong class less that of the true one.",
        params=(count("steps", 100, "gradient steps; each is a quarter of the noise level long"),),
        seeds=(0, 1, 2, 3, 4),
        cost="as CE-PGD",
        passes=lambda settings: GRADIENT * float(settings["steps"]),
    ),
)


def by_strength() -> list[str]:
    """The names of the attacks that have a strength, from the weakest to the strongest."""
    ranked = [attack for attack in ATTACKS.values() if attack.strength]
    return [attack.name for attack in sorted(ranked, key=lambda attack: attack.strength)]


def stages() -> tuple[Stage, ...]:
    """The stages of all attacks, in the order of the attacks' strengths."""
    ranked = sorted(ATTACKS.values(), key=lambda attack: attack.strength)
    return tuple(stage for attack in ranked for stage in attack.stages)

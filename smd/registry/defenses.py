"""Every defense that the paper names, with the settings that its tables have."""

from smd.registry.kinds import Defense, Param
from smd.registry.recipes import Recipe, dropping
from smd.units import px

FRIENDLY = Recipe(lr=0.1, drops=dropping(120, (59, 0.1), (89, 0.01), (109, 0.005)), epochs=120)


def at_levels(*levels: int) -> tuple[dict[str, float], ...]:
    """Settings that differ in their noise level, in 1/255."""
    return tuple({"eps": k / 255} for k in levels)


DEFENSES = {
    d.name: d
    for d in (
        Defense(
            "smd",
            "SMD",
            "smd.defenses.smd:SMD",
            "paper, Alg. 1 and 2",
            (
                Param(
                    "preset",
                    "choice",
                    "paper",
                    "the paper; its Alg. 2 to the letter; stopping at the first crossing; the"
                    " authors' later code",
                    ("paper", "literal", "first-crossing", "ame"),
                    in_form=False,
                ),
            ),
            variants=(("preset", "ame", Recipe(weight_decay=1e-4)),),
            margin=True,
            moves=True,
        ),
        Defense(
            "std",
            "STD",
            "smd.defenses.std:STD",
            "cross-entropy on clean images",
            official=Recipe(weight_decay=1e-4),
        ),
        Defense(
            "at",
            "AT",
            "smd.defenses.at:AT",
            "Madry et al. 2018",
            (
                Param("eps", "level", 8 / 255, "noise level that it trains with"),
                Param("steps", "int", 20, "steps of the attack, 2/255 each", minimum=1),
            ),
            official=Recipe(
                0.1, 2e-4, ((0.5, 0.1), (0.75, 0.01)), epochs=205, decay_weights_only=True
            ),
            label="AT{eps}",
            endorsed={"eps": (8 / 255,), "steps": (7, 20)},
            settings=at_levels(4, 8, 12),
        ),
        Defense(
            "trades",
            "TRADES",
            "smd.defenses.trades:TRADES",
            "Zhang et al. 2019",
            (
                Param("beta", "float", 6.0, "weight of robustness against clean accuracy"),
                Param("eps", "level", 8 / 255, "noise level that it trains with"),
            ),
            official=Recipe(0.1, 2e-4, dropping(76, (74, 0.1)), epochs=76),
            label="TR-b{beta}-{eps}",
            endorsed={"beta": (1.0, 6.0), "eps": (8 / 255,)},
            settings=tuple(
                {"beta": beta, "eps": k / 255}
                for beta, k in ((1.0, 8), (6.0, 8), (6.0, 16), (6.0, 24))
            ),
        ),
        Defense(
            "mart",
            "MART",
            "smd.defenses.mart:MART",
            "Wang et al. 2020",
            (
                Param("beta", "float", 6.0, "weight of the divergence of clean and noisy answers"),
                Param("eps", "level", 8 / 255, "noise level that it trains with"),
            ),
            official=Recipe(0.1, 7e-4, dropping(90, (74, 0.1), (89, 0.01)), epochs=90),
            label="MART-b{beta}-{eps}",
            endorsed={"beta": (5.0, 6.0), "eps": (8 / 255,)},
        ),
        Defense(
            "fat",
            "FAT",
            "smd.defenses.fat:FAT",
            "Zhang et al. 2020a, friendly adversarial training",
            (
                Param(
                    "eps",
                    "level",
                    8 / 255,
                    "noise level of its PGD, which stops soon after an image is misclassified",
                ),
            ),
            official=FRIENDLY,
            label="FAT{eps}",
            endorsed={"eps": (8 / 255,)},
            settings=at_levels(4, 8, 16),
            state="steps",
            state_title="PGD steps before the image was emitted",
        ),
        Defense(
            "gairat",
            "GAIRAT",
            "smd.defenses.gairat:GAIRAT",
            "Zhang et al. 2020b, geometry-aware weights",
            (
                Param(
                    "eps",
                    "level",
                    8 / 255,
                    "noise level of its PGD; images that it breaks early weigh most",
                ),
            ),
            official=FRIENDLY,
            label="GAI{eps}",
            endorsed={"eps": (8 / 255,)},
            settings=at_levels(4, 8, 16),
            state="kappa",
            state_title="PGD iterates classified correctly, of 10",
        ),
        Defense(
            "mma",
            "MMA",
            "smd.defenses.mma:MMA",
            "Ding et al. 2019",
            (
                Param(
                    "dmax",
                    "level",
                    12 / 255,
                    "images whose margin reaches it are trained on clean only",
                ),
            ),
            official=Recipe(epochs=142),
            label="MMA{dmax}",
            endorsed={"dmax": px(12, 20, 32)},
            settings=tuple({"dmax": level} for level in px(12, 20, 32)),
            margin=True,
            moves=True,
        ),
        Defense(
            "dat",
            "DAT",
            "smd.defenses.dat:DAT",
            "Wang et al. 2019",
            (Param("eps", "level", 8 / 255, "noise level that it trains with"),),
            official=Recipe(
                0.01, 2e-4, dropping(120, (60, 0.1), (100, 0.01)), epochs=120, slowdown=1e-4
            ),
            label="DAT{eps}",
            endorsed={"eps": (8 / 255,)},
        ),
        Defense(
            "cat",
            "CAT",
            "smd.defenses.cat:CAT",
            "Cai et al. 2018",
            (
                Param("eps", "level", 8 / 255, "noise level that it trains with"),
                Param(
                    "max_k",
                    "int",
                    7,
                    "most steps of the attack, reached in the last part of the run",
                    in_form=False,
                ),
            ),
            official=Recipe(0.1, 5e-4, (), epochs=300, batch=200),
            label="CAT{eps}",
            endorsed={"eps": (8 / 255,), "max_k": (7,)},
        ),
        Defense(
            "ates",
            "ATES",
            "smd.defenses.ates:ATES",
            "Sitawarin et al. 2020, early stopping as a curriculum",
            (
                Param(
                    "eps",
                    "level",
                    8 / 255,
                    "noise level of its PGD, which stops at a difficulty that rises with time",
                ),
            ),
            official=Recipe(
                lr=0.05,
                weight_decay=5e-4,
                drops=dropping(100, (40, 0.1), (60, 0.01), (80, 0.001)),
                epochs=100,
            ),
            label="ATES{eps}",
            endorsed={"eps": (8 / 255,)},
        ),
        Defense(
            "iaat",
            "IAAT",
            "smd.defenses.iaat:IAAT",
            "Balaji et al. 2019",
            (
                Param(
                    "gamma",
                    "level",
                    1.9 / 255,
                    "how much larger or smaller an image's radius is tried",
                    in_form=False,
                ),
                Param(
                    "beta",
                    "float",
                    0.1,
                    "how far a radius moves to what was found, 0 to 1",
                    in_form=False,
                    maximum=1,
                ),
            ),
            official=Recipe(
                lr=0.1,
                weight_decay=5e-4,
                drops=dropping(110, (70, 0.2), (90, 0.04), (100, 0.008)),
                epochs=110,
                batch=256,
            ),
            endorsed={"gamma": (1.9 / 255,), "beta": (0.1,)},
            margin=True,
        ),
        Defense(
            "customized-at",
            "Customized AT",
            "smd.defenses.customized_at:CustomizedAT",
            "Cheng et al. 2020",
            (
                Param("eps", "level", 8 / 255, "the largest radius of an image"),
                Param(
                    "variant",
                    "choice",
                    "paper",
                    "an image that its attack breaks is trained on as it is and its radius "
                    "stays; or clean, and its radius is 0 again",
                    ("paper", "code"),
                    in_form=False,
                ),
                Param(
                    "loss",
                    "choice",
                    "xent",
                    "cross-entropy with soft labels; or that plus a hinge on the logit margin",
                    ("xent", "mix"),
                ),
            ),
            official=Recipe(
                lr=0.1,
                weight_decay=5e-4,
                drops=dropping(200, (80, 0.1), (140, 0.01), (180, 0.001)),
                epochs=200,
            ),
            label="CustAT{eps}",
            endorsed={"eps": px(8)},
            margin=True,
        ),
    )
}

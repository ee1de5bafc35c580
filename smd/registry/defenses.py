"""Every defense that the paper names, with the settings that its tables have."""

from collections import ChainMap

from smd.registry.kinds import NORMS, Defense
from smd.registry.knobs import choice, count, each, level, named, weight
from smd.registry.recipes import Recipe, dropping
from smd.units import px

EPS = level("eps", 8 / 255, "noise level that it trains with")
FRIENDLY = Recipe(lr=0.1, drops=dropping(120, (59, 0.1), (89, 0.01), (109, 0.005)), epochs=120)

DEFENSES = named(
    Defense(
        name="smd",
        title="SMD",
        target="smd.defenses.smd:SMD",
        source="paper, Alg. 1 and 2",
        description="Learns how large each image's margin may be: it grows where the network"
        " withstands it and shrinks to the boundary where not.",
        params=(
            choice(
                "preset",
                ("paper", "literal", "first-crossing", "ame"),
                "the paper; its Alg. 2 to the letter; stopping at the first crossing; the authors'"
                " later code",
                in_form=False,
            ),
        ),
        variants=(("preset", "ame", Recipe(weight_decay=1e-4)),),
        margin=True,
        norms=NORMS,
        moves=True,
        colour="#1a8a94",
    ),
    Defense(
        name="std",
        title="STD",
        target="smd.defenses.std:STD",
        source="cross-entropy on clean images",
        description="Ordinary training, without any defense.",
        official=Recipe(weight_decay=1e-4),
        norms=NORMS,  # it makes no noise: its run is judged in either
        colour="#c8641f",
    ),
    Defense(
        name="at",
        title="AT",
        target="smd.defenses.at:AT",
        source="Madry et al. 2018",
        description="Trains on attacked images only, all with the same noise level.",
        params=(EPS, count("steps", 20, "steps of the attack, 2/255 each")),
        official=Recipe(0.1, 2e-4, ((0.5, 0.1), (0.75, 0.01)), epochs=205, decay_weights_only=True),
        label="AT{eps}",
        endorsed={"eps": px(8), "steps": (7, 20)},
        settings=each("eps", px(4, 8, 12)),
        colour="#6c7bb0",
    ),
    Defense(
        name="trades",
        title="TRADES",
        target="smd.defenses.trades:TRADES",
        source="Zhang et al. 2019",
        description="Learns clean images and punishes answers that change under noise; beta sets"
        " the balance.",
        params=(weight("beta", 6.0, "weight of robustness against clean accuracy"), EPS),
        official=Recipe(0.1, 2e-4, dropping(76, (74, 0.1)), epochs=76),
        label="TR-b{beta}-{eps}",
        endorsed={"beta": (1.0, 6.0), "eps": px(8)},
        settings=(
            {"beta": 1.0, "eps": 8 / 255},
            *({"beta": 6.0, "eps": eps} for eps in px(8, 16, 24)),
        ),
        colour="#9c5a96",
    ),
    Defense(
        name="mart",
        title="MART",
        target="smd.defenses.mart:MART",
        source="Wang et al. 2020",
        description="Like AT, and looks hardest at the images whose clean answer is least sure.",
        params=(weight("beta", 6.0, "weight of the divergence of clean and noisy answers"), EPS),
        official=Recipe(0.1, 7e-4, dropping(90, (74, 0.1), (89, 0.01)), epochs=90),
        label="MART-b{beta}-{eps}",
        endorsed={"beta": (5.0, 6.0), "eps": px(8)},
        colour="#7b8b48",
    ),
    Defense(
        name="fat",
        title="FAT",
        target="smd.defenses.fat:FAT",
        source="Zhang et al. 2020a, friendly adversarial training",
        description="Trains on attacked images that are only just misclassified.",
        params=(
            level(
                "eps",
                8 / 255,
                "noise level of its PGD, which stops soon after an image is misclassified",
            ),
        ),
        official=FRIENDLY,
        label="FAT{eps}",
        endorsed={"eps": px(8)},
        settings=each("eps", px(4, 8, 16)),
        state="steps",
        state_title="PGD steps before the image was emitted",
        colour="#b08d2a",
    ),
    Defense(
        name="gairat",
        title="GAIRAT",
        target="smd.defenses.gairat:GAIRAT",
        source="Zhang et al. 2020b, geometry-aware weights",
        description="Like AT, and weighs an image the more, the sooner its attack succeeds.",
        params=(
            level("eps", 8 / 255, "noise level of its PGD; images that it breaks early weigh most"),
        ),
        official=FRIENDLY,
        label="GAI{eps}",
        endorsed={"eps": px(8)},
        settings=each("eps", px(4, 8, 16)),
        state="kappa",
        state_title="PGD iterates classified correctly, of 10",
        colour="#4f9d69",
    ),
    Defense(
        name="mma",
        title="MMA",
        target="smd.defenses.mma:MMA",
        source="Ding et al. 2019",
        description="Enlarges each image's margin, the distance to the boundary, up to dmax.",
        params=(
            level("dmax", 12 / 255, "images whose margin reaches it are trained on clean only"),
        ),
        official=Recipe(epochs=142),
        label="MMA{dmax}",
        endorsed={"dmax": px(12, 20, 32)},
        settings=each("dmax", px(12, 20, 32)),
        margin=True,
        moves=True,
        colour="#b5495b",
    ),
    Defense(
        name="dat",
        title="DAT",
        target="smd.defenses.dat:DAT",
        source="Wang et al. 2019",
        description="Like AT, with attacks that come ever closer to a maximum of the loss as"
        " training goes on.",
        params=(EPS,),
        official=Recipe(
            0.01, 2e-4, dropping(120, (60, 0.1), (100, 0.01)), epochs=120, slowdown=1e-4
        ),
        label="DAT{eps}",
        endorsed={"eps": px(8)},
        colour="#4c8fc4",
    ),
    Defense(
        name="cat",
        title="CAT",
        target="smd.defenses.cat:CAT",
        source="Cai et al. 2018",
        description="Like AT, with attacks of ever more steps as training goes on.",
        params=(
            EPS,
            count(
                "max_k",
                7,
                "most steps of the attack, reached in the last part of the run",
                minimum=0,
                in_form=False,
            ),
        ),
        official=Recipe(0.1, 5e-4, (), epochs=300, batch=200),
        label="CAT{eps}",
        endorsed={"eps": px(8), "max_k": (7,)},
        colour="#c77fb0",
    ),
    Defense(
        name="ates",
        title="ATES",
        target="smd.defenses.ates:ATES",
        source="Sitawarin et al. 2020, early stopping as a curriculum",
        description="Like AT, with attacks that stop at a difficulty which rises with time.",
        params=(
            level(
                "eps",
                8 / 255,
                "noise level of its PGD, which stops at a difficulty that rises with time",
            ),
        ),
        official=Recipe(0.05, 5e-4, dropping(100, (40, 0.1), (60, 0.01), (80, 0.001)), epochs=100),
        label="ATES{eps}",
        endorsed={"eps": px(8)},
        colour="#5f8f8a",
    ),
    Defense(
        name="iaat",
        title="IAAT",
        target="smd.defenses.iaat:IAAT",
        source="Balaji et al. 2019",
        description="Like AT, with a radius of its own for every image, which follows what the"
        " network withstands.",
        params=(
            level(
                "gamma",
                1.9 / 255,
                "how much larger or smaller an image's radius is tried",
                in_form=False,
            ),
            weight(
                "beta",
                0.1,
                "how far a radius moves to what was found, 0 to 1",
                maximum=1,
                in_form=False,
            ),
        ),
        official=Recipe(
            0.1, 5e-4, dropping(110, (70, 0.2), (90, 0.04), (100, 0.008)), epochs=110, batch=256
        ),
        endorsed={"gamma": (1.9 / 255,), "beta": (0.1,)},
        margin=True,
        colour="#8c6d5a",
    ),
    Defense(
        name="customized-at",
        title="Customized AT",
        target="smd.defenses.customized_at:CustomizedAT",
        source="Cheng et al. 2020",
        description="Like AT, with a radius of its own for every image and labels that are less"
        " sure the larger it is.",
        params=(
            level("eps", 8 / 255, "the largest radius of an image"),
            choice(
                "variant",
                ("paper", "code"),
                "an image that its attack breaks is trained on as it is and its radius stays; or"
                " clean, and its radius is 0 again",
                in_form=False,
            ),
            choice(
                "loss",
                ("xent", "mix"),
                "cross-entropy with soft labels; or that plus a hinge on the logit margin",
            ),
        ),
        official=Recipe(0.1, 5e-4, dropping(200, (80, 0.1), (140, 0.01), (180, 0.001)), epochs=200),
        label="CustAT{eps}",
        endorsed={"eps": px(8)},
        margin=True,
        colour="#98a53f",
    ),
)

IMPORTED = Defense(
    name="imported",
    title="Imported",
    target="",
    source="a file",
    description="Weights from a file. How they were trained is not known here.",
    colour="#7b6f8d",
)
# also those that nothing here can be trained with
KNOWN_DEFENSES = ChainMap(DEFENSES, {IMPORTED.name: IMPORTED})

"""Estimators of margins."""

from smd.registry.kinds import Estimator, Param
from smd.registry.knobs import count, level, named

ESTIMATORS = named(
    Estimator(
        name="pgd",
        title="PGD",
        target="smd.estimators.pgd:Pgd",
        source="paper, Sec. 2.5 and Fig. 5; how MMA estimates margins",
        description="Attacks at one noise level and bisects between the image and what fools the"
        " network; overestimates.",
        params=(level("eps", 8 / 255, "how far it looks; the farther, the more it overestimates"),),
    ),
    Estimator(
        name="gem",
        title="Gradual expansion",
        target="smd.estimators.gem:Gem",
        source="paper, Sec. 3.1, without training",
        description="Expands a small margin round by round until it meets the boundary, as SMD"
        " does in training.",
        params=(
            count(
                "rounds", 50, "expansions, which take the place of the epochs in Eq. 12", minimum=1
            ),
        ),
    ),
    Estimator(
        name="min-norm",
        title="Minimum norm",
        target="smd.estimators.min_norm:MinNorm",
        source="Croce and Hein 2020 (Auto-PGD); Rony et al. 2019 (DDN, for L2)",
        description="Searches the smallest ball in which Auto-PGD finds an adversarial example,"
        " towards any class, then each of the likeliest; the closest estimate.",
        params=(
            count("steps", 100, "most steps of a search"),
            count(
                "targets",
                9,
                "likeliest other classes with a search of their own; 0: one towards any",
                minimum=0,
            ),
            count("restarts", 1, "times to search; all but the first start at random"),
        ),
    ),
    Estimator(
        name="fab",
        title="Minimum norm (FAB)",
        target="smd.estimators.fab:Fab",
        source="Croce and Hein 2020 (FAB)",
        description="Steps along the boundary's linear approximation, towards each of the"
        " likeliest classes; farther from the truth than minimum norm, and slower.",
        params=(
            count("steps", 100, "iterations of a run"),
            count(
                "targets",
                9,
                "likeliest other classes with a run of their own; 0: one run towards any",
                minimum=0,
            ),
            count("restarts", 1, "times to run; all but the first start at random"),
        ),
    ),
    Estimator(
        name="certified",
        title="Certified (lower bound)",
        target="smd.estimators.certified:Certified",
        source="Zhang et al. 2018 (CROWN); Gowal et al. 2018 (interval bounds)",
        description="Proves that no adversarial example is nearer, by linear bounds on the network;"
        " for small networks whose layers it knows.",
        params=(count("rounds", 8, "halvings between what is proven and what is not"),),
        certifying=True,
    ),
    Estimator(
        name="smoothing",
        title="Certified (smoothed network)",
        target="smd.estimators.smoothing:Smoothing",
        source="Cohen, Rosenfeld and Kolter 2019",
        description="Certifies, by sampling, the network that answers with the likeliest class"
        " under Gaussian noise; of this network itself it says nothing.",
        params=(
            Param("sigma", "float", 0.25, "standard deviation of the noise", minimum=1e-3),
            count("selection", 100, "draws that name the class"),
            count("samples", 1_000, "draws that bound its probability", minimum=10),
            Param(
                "alpha",
                "float",
                0.001,
                "probability with which a certificate may fail, for each image",
                minimum=1e-9,
                maximum=0.5,
            ),
        ),
        smooths="sigma",
        norms=("L2",),
    ),
)


def certifying() -> list[str]:
    """The names of those that prove lower bounds."""
    return [name for name, entry in ESTIMATORS.items() if entry.certifying]


def smoothing() -> list[str]:
    """The names of those that certify the smoothed network and not the network itself."""
    return [name for name, entry in ESTIMATORS.items() if entry.smooths]

"""Data sets, networks, attacks and estimators."""

from smd.registry.kinds import Attack, DataSet, Estimator, Network, Param
from smd.units import px

DATASETS = {
    d.name: d
    for d in (
        DataSet(
            "digits",
            "Digits, 8x8 gray",
            "smd.data.digits:load",
            8,
            "small-cnn",
            px(8, 16, 32),
            25,
            "none",
            "UCI optical digits, the test set, as in scikit-learn",
        ),
        DataSet(
            "fashion-mnist",
            "Fashion-MNIST, 28x28 gray",
            "smd.data.official:fashion_mnist",
            28,
            "fashion-cnn",
            px(2, 4, 8),
            150,
            "none",
            "paper, App. B.4",
        ),
        DataSet(
            "svhn",
            "SVHN, 32x32 RGB",
            "smd.data.official:svhn",
            32,
            "svhn-cnn",
            px(2, 4, 8),
            150,
            "crop",
            "paper, App. B.3",
        ),
        DataSet(
            "cifar10",
            "CIFAR-10, 32x32 RGB",
            "smd.data.official:cifar10",
            32,
            "wrn-28-4",
            px(2, 4, 8),
            150,
            "crop+flip",
            "paper, App. B.2",
        ),
        DataSet(
            "folder",
            "My own images",
            "smd.data.folder:load",
            0,
            "small-cnn",
            px(2, 4, 8),
            60,
            "none",
            "class folders, an archive of them, or a file of arrays",
        ),
    )
}

NETWORKS = {
    n.name: n
    for n in (
        Network("small-cnn", "Small CNN", "smd.nets.small:small_cnn", (8, 64), "ours"),
        Network(
            "fashion-cnn",
            "CNN of App. B.4",
            "smd.nets.paper:fashion_cnn",
            (25, 64),
            "paper, App. B.4",
        ),
        Network(
            "svhn-cnn", "CNN of App. B.3", "smd.nets.paper:svhn_cnn", (25, 64), "paper, App. B.3"
        ),
        Network("wrn-28-4", "WideResNet-28-4", "smd.nets.wrn:wrn_28_4", (8, 64), "paper, Sec. 4"),
        Network(
            "volume-cnn", "Small 3-D CNN", "smd.nets.volume:volume_cnn", (4, 128), "ours", dims=3
        ),
    )
}

ATTACKS = {
    a.name: a
    for a in (
        Attack(
            "ce-pgd",
            "CE-PGD",
            "smd.attacks.ce_pgd:CePgd",
            "paper, Eq. 2 and Sec. 4",
            (
                Param(
                    "steps",
                    "int",
                    100,
                    "gradient steps; each is a quarter of the noise level long",
                    minimum=1,
                ),
            ),
            seeds=(0, 1, 2, 3, 4),
            cost="quick; a first look",
        ),
        Attack(
            "ce-cw-pgd",
            "CE-CW-PGD",
            "smd.attacks.ce_cw_pgd:CeCwPgd",
            "paper, Sec. 4; MMA's white-box attack",
            (
                Param(
                    "steps",
                    "int",
                    100,
                    "gradient steps of a run; each is a quarter of the noise level long",
                    minimum=1,
                ),
                Param(
                    "runs",
                    "int",
                    10,
                    "random starts, the first half on the cross-entropy, the others on the CW loss;"
                    " the worst counts",
                    minimum=1,
                ),
            ),
            cost="a few times CE-PGD",
        ),
        Attack(
            "autoattack",
            "AutoAttack",
            "smd.attacks.autoattack:AutoAttack",
            "Croce and Hein 2020, standard",
            seeds=(0, 1, 2),
            cost="about forty times CE-PGD for an image that withstands it; the paper's yardstick",
        ),
    )
}

ESTIMATORS = {
    e.name: e
    for e in (
        Estimator(
            "pgd",
            "PGD",
            "smd.estimators.pgd:Pgd",
            "paper, Sec. 2.5 and Fig. 5; how MMA estimates margins",
            (
                Param(
                    "eps",
                    "level",
                    8 / 255,
                    "how far it looks; the farther, the more it overestimates",
                ),
            ),
        ),
        Estimator(
            "gem",
            "Gradual expansion",
            "smd.estimators.gem:Gem",
            "paper, Sec. 3.1, without training",
            (
                Param(
                    "rounds",
                    "int",
                    50,
                    "expansions, which take the place of the epochs in Eq. 12",
                    minimum=1,
                ),
            ),
        ),
        Estimator(
            "min-norm",
            "Minimum norm (FAB)",
            "smd.estimators.min_norm:MinNorm",
            "Croce and Hein 2020",
            (
                Param("steps", "int", 100, "iterations of a run", minimum=1),
                Param(
                    "targets",
                    "int",
                    9,
                    "likeliest other classes with a run of their own; 0: one run towards any",
                ),
                Param(
                    "restarts",
                    "int",
                    1,
                    "times to run; all but the first start at random",
                    minimum=1,
                ),
            ),
        ),
    )
}

"""The networks that robust classifiers of CIFAR size are published with, and ResNets for volumes.

Names and shapes of their weights are the published ones, so that public files fit to the letter.
"""

from smd.registry.kinds import Network

TRADES = "Zagoruyko and Komodakis 2016; weights as TRADES names them"
DEEPMIND = "Gowal et al. 2020; weights as DeepMind and RobustBench name them"
SAME = "Weights are named as in TRADES, MART, AWP and most of RobustBench"
SWISH = "with SiLU (Swish) and DeepMind's padding, which the weights of the other form do not fit"
SIDES = (9, 256)  # at 8 pixels the last map would be one pixel, which batch norm cannot train on


def _wide(name: str, weights: str) -> tuple[Network, Network]:
    """A wide residual network and its form with SiLU."""
    title, target = name.upper().replace("WRN", "WideResNet"), name.replace("-", "_")
    plain = Network(
        name=name,
        title=title,
        target=f"smd.nets.wide:{target}",
        sizes=(8, 256),
        source=TRADES,
        description=f"{weights} weights, batch norm and ReLU; wants a GPU. {SAME}.",
    )
    swish = Network(
        name=f"{name}-swish",
        title=f"{title}, SiLU",
        target=f"smd.nets.deepmind:{target}_swish",
        sizes=(8, 256),
        source=DEEPMIND,
        description=f"{title} {SWISH}; {weights} weights, wants a GPU.",
    )
    return plain, swish


CIFAR_SIZE = (
    Network(
        name="resnet-18",
        title="ResNet-18 for small images",
        target="smd.nets.resnet:resnet_18",
        sizes=SIDES,
        source="He et al. 2015; weights as pytorch-cifar names them",
        description="ResNet-18 without a stride or pooling at its start, as it is used on CIFAR:"
        " 11.2 million weights, batch norm.",
    ),
    Network(
        name="preact-resnet-18",
        title="PreActResNet-18",
        target="smd.nets.preact:preact_resnet_18",
        sizes=SIDES,
        source="He et al. 2016; weights as RobustBench names them",
        description="ResNet-18 with activations before its convolutions and no last batch norm, as"
        " fast adversarial training publishes it: 11.2 million weights.",
    ),
    Network(
        name="preact-resnet-18-bn",
        title="PreActResNet-18, last batch norm",
        target="smd.nets.preact:preact_resnet_18_bn",
        sizes=SIDES,
        source="He et al. 2016; weights as RobustBench names them",
        description="PreActResNet-18 with a batch norm before its mean over the map, as on robust"
        " overfitting (Rice) and since (Addepalli, Kireev): 11.2 million weights.",
    ),
    Network(
        name="preact-resnet-18-swish",
        title="PreActResNet-18, SiLU",
        target="smd.nets.deepmind:preact_resnet_18_swish",
        sizes=SIDES,
        source=DEEPMIND,
        description="PreActResNet-18 with SiLU (Swish) and shortcuts of 3x3, as Rebuffi and Rade"
        " publish it: 12.5 million weights.",
    ),
    *_wide("wrn-28-10", "36.5 million"),
    *_wide("wrn-34-10", "46.2 million"),
    *_wide("wrn-34-20", "184.5 million"),
    *_wide("wrn-70-16", "266.8 million"),
)
VOLUME_RESNETS = (
    Network(
        name="resnet-10-3d",
        title="ResNet-10 for volumes",
        target="smd.nets.resnet:resnet_10_3d",
        sizes=(4, 256),
        source="ours, after He et al. 2015",
        dims=3,
        description="A residual network of ten layers with 3-D convolutions and batch norm, 14.3"
        " million weights; short axes are not halved.",
    ),
    Network(
        name="resnet-18-3d",
        title="ResNet-18 for volumes",
        target="smd.nets.resnet:resnet_18_3d",
        sizes=(4, 256),
        source="ours, after He et al. 2015",
        dims=3,
        description="A residual network of eighteen layers with 3-D convolutions and batch norm,"
        " 33.1 million weights; short axes are not halved.",
    ),
)

"""Networks; the first of as many dimensions is offered where a data set names none."""

from smd.registry.cifar_size import CIFAR_SIZE, VOLUME_RESNETS
from smd.registry.kinds import Network
from smd.registry.knobs import named

NETWORKS = named(
    Network(
        name="small-cnn",
        title="Small CNN",
        target="smd.nets.small:small_cnn",
        sizes=(8, 64),
        source="ours",
        description="Three to five convolutions; trains in minutes on a CPU.",
    ),
    Network(
        name="fashion-cnn",
        title="CNN of App. B.4",
        target="smd.nets.paper:fashion_cnn",
        sizes=(25, 64),
        source="paper, App. B.4",
        description="Four wide convolutions, as the paper trains on Fashion-MNIST.",
    ),
    Network(
        name="svhn-cnn",
        title="CNN of App. B.3",
        target="smd.nets.paper:svhn_cnn",
        sizes=(25, 64),
        source="paper, App. B.3",
        description="Seven convolutions, as the paper trains on SVHN.",
    ),
    Network(
        name="wrn-28-4",
        title="WideResNet-28-4",
        target="smd.nets.wrn:wrn_28_4",
        sizes=(8, 64),
        source="paper, Sec. 4",
        description="A wide residual network of 28 layers with batch norm, 5.8 million weights, as"
        " the paper trains on CIFAR-10, and MMA; wants a GPU.",
    ),
    *CIFAR_SIZE,
    Network(
        name="volume-cnn",
        title="Small 3-D CNN",
        target="smd.nets.volume:volume_cnn",
        sizes=(4, 256),
        source="ours",
        dims=3,
        description="The small CNN for volumes (CT, MR), with 3-D convolutions.",
    ),
    *VOLUME_RESNETS,
)

"""Data sets."""

from smd.registry.kinds import DataSet
from smd.registry.knobs import named
from smd.units import px

DATASETS = named(
    DataSet(
        name="digits",
        title="Digits, 8x8 gray",
        target="smd.data.digits:load",
        size=8,
        net="small-cnn",
        levels=px(8, 16, 32),
        epochs=25,
        augment="none",
        source="UCI optical digits, the test set, as in scikit-learn",
    ),
    DataSet(
        name="fashion-mnist",
        title="Fashion-MNIST, 28x28 gray",
        target="smd.data.official:fashion_mnist",
        size=28,
        net="fashion-cnn",
        levels=px(2, 4, 8),
        epochs=150,
        augment="none",
        source="paper, App. B.4",
    ),
    DataSet(
        name="svhn",
        title="SVHN, 32x32 RGB",
        target="smd.data.official:svhn",
        size=32,
        net="svhn-cnn",
        levels=px(2, 4, 8),
        epochs=150,
        augment="crop",
        source="paper, App. B.3",
    ),
    DataSet(
        name="cifar10",
        title="CIFAR-10, 32x32 RGB",
        target="smd.data.official:cifar10",
        size=32,
        net="wrn-28-4",
        levels=px(2, 4, 8),
        epochs=150,
        augment="crop+flip",
        source="paper, App. B.2",
    ),
    DataSet(
        name="folder",
        title="My own images",
        target="smd.data.folder:load",
        size=0,
        net="small-cnn",
        levels=px(2, 4, 8),
        epochs=60,
        augment="none",
        source="class folders, an archive of them, or a file of arrays",
    ),
)

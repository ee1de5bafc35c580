"""Normalisations by name: (x - mean) / std of every channel of a pixel in [0, 1]."""

from dataclasses import dataclass

from smd.registry.knobs import named

OWN = "own"  # numbers that are no entry of the table


@dataclass(frozen=True)
class Normalisation:
    """A usual first step of networks from elsewhere."""

    name: str
    title: str
    mean: tuple[float, ...]  # one number a channel, or one for all; (): pixels stay as they are
    std: tuple[float, ...]


NORMALISATIONS = named(
    Normalisation("none", "None: pixels in [0, 1]", (), ()),
    Normalisation("imagenet", "ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    Normalisation("cifar10", "CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)),
    Normalisation("cifar100", "CIFAR-100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    Normalisation("symmetric", "Pixels in [-1, 1]", (0.5,), (0.5,)),
    Normalisation("mnist", "MNIST", (0.1307,), (0.3081,)),
    Normalisation("fashion-mnist", "Fashion-MNIST", (0.2860,), (0.3530,)),
    Normalisation("bytes", "Pixels in 0 to 255", (0.0,), (0.00392157,)),
)


def name_of(mean: tuple[float, ...], std: tuple[float, ...]) -> str:
    """The entry with these numbers; "own" where none has them."""
    same = (n.name for n in NORMALISATIONS.values() if (n.mean, n.std) == (mean, std))
    return next(same, OWN)

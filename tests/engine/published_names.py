"""The names of published checkpoints, written down by themselves, not by our networks."""

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def norm(name):
    return [f"{name}.{tensor}" for tensor in NORM]


def linear(name):
    return [f"{name}.weight", f"{name}.bias"]


def trades_block(at, shortcut):
    names = [*norm(f"{at}.bn1"), f"{at}.conv1.weight", *norm(f"{at}.bn2"), f"{at}.conv2.weight"]
    return names + ([f"{at}.{shortcut}.weight"] if at.endswith(".0") else [])


def wide(count, group="block", shortcut="convShortcut"):
    """TRADES, MART, AWP, RobustBench; advertorch and MMA with other words for two of them."""
    names = ["conv1.weight", *norm("bn1"), *linear("fc")]
    for g in (1, 2, 3):
        for k in range(count):
            names += trades_block(f"{group}{g}.layer.{k}", shortcut)
    return names


def mma():
    """A Sequential of the standardisation and the network."""
    return [f"1.{name}" for name in wide(4, "convgroup", "conv_shortcut")]


def deepmind_wide(count):
    names = ["init_conv.weight", *norm("batchnorm"), *linear("logits")]
    for g in range(3):
        for k in range(count):
            at = f"layer.{g}.block.{k}"
            for number in (0, 1):
                names += [*norm(f"{at}.batchnorm_{number}"), f"{at}.conv_{number}.weight"]
            names += [] if k else [f"{at}.shortcut.weight"]
    return names


def deepmind_preact():
    names = ["conv_2d.weight", *norm("batchnorm"), *linear("logits")]
    for g in range(4):
        for k in (0, 1):
            at = f"layer_{g}.{k}"
            for number in (0, 1):
                names += [
                    *norm(f"{at}.batchnorm_{number}"),
                    f"{at}.conv_2d_{number + 1}.weight",
                ]
            names += [f"{at}.shortcut.weight"] if g and not k else []
    return names


def preact(last_norm):
    names = ["conv1.weight", *linear("linear"), *(norm("bn") if last_norm else [])]
    for g in (1, 2, 3, 4):
        for k in (0, 1):
            at = f"layer{g}.{k}"
            for number in (1, 2):
                names += [*norm(f"{at}.bn{number}"), f"{at}.conv{number}.weight"]
            names += [f"{at}.shortcut.0.weight"] if g > 1 and not k else []
    return names


# network: (the names of its published files, its number of weights for 3 channels and 10 classes)
PUBLISHED = {
    "preact-resnet-18": (preact(False), 11_171_146),
    "preact-resnet-18-bn": (preact(True), 11_172_170),
    "preact-resnet-18-swish": (deepmind_preact(), 12_548_426),
    "wrn-28-10": (wide(4), 36_479_194),
    "wrn-34-10": (wide(5), 46_160_474),
    "wrn-34-20": (wide(5), 184_531_674),
    "wrn-70-16": (wide(11), 266_796_506),
    "wrn-28-10-swish": (deepmind_wide(4), 36_479_194),
    "wrn-34-10-swish": (deepmind_wide(5), 46_160_474),
    "wrn-34-20-swish": (deepmind_wide(5), 184_531_674),
    "wrn-70-16-swish": (deepmind_wide(11), 266_796_506),
}

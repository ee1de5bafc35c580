"""Flags: reasons why an attack may have missed adversarial examples, AutoAttack's own checks."""

FLAGS = {  # name -> (title, what it means)
    "nan": (
        "answers with nan",
        "The network answers some images with nan or inf, which is no class: they count as"
        " misclassified, clean ones as well.",
    ),
    "randomized": (
        "random answers",
        "The network answers differently when asked twice, so a single try proves little.",
    ),
    "probabilities": (
        "probabilities, not logits",
        "The outputs sum to one: the attack's losses expect logits, and their gradients vanish"
        " on probabilities.",
    ),
    "dynamic": (
        "gradients inside",
        "The network computes gradients while it answers; such a defense needs an attack made"
        " for it.",
    ),
    "few-classes": (
        "few classes",
        "There are fewer classes than the standard attack has targets, so it was fitted to"
        " their number.",
    ),
    "zero-gradient": (
        "zero gradients",
        "Some images start with a gradient of zero: attacks that follow gradients stand still"
        " there.",
    ),
    "square": (
        "Square beats white-box",
        "Square, which sees no gradient, fooled more than 0.2 points of images that"
        " were robust to the attacks that do: a sign of masked gradients.",
    ),
}

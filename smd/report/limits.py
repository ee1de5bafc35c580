"""What cannot be concluded from a run: fixed sentences, chosen by what it has stored."""

from smd.core.kinds import REACHED
from smd.report import words
from smd.report.known import Known
from smd.report.markup import Markup, code, element, joined, listing
from smd.stats import wilson_of_one

FEW = 1_000  # images; with fewer a share is known to some points only
DEVICE = (
    "This is research on adversarial robustness: the network is no medical device and must not be"
    " used for diagnosis or any other decision about people."
)


def in_a_sentence(known: Known) -> str:
    """The third sentence of the summary."""
    source = "one network from elsewhere" if known.config.imported else "one training with one seed"
    people = "" if known.patients else ", and images are counted, not patients"
    best = known.strongest
    if best is None:
        return (
            f"Nothing can be concluded about its robustness: it is {source} that was not attacked"
            f"{people}."
        )
    low, high = wilson_of_one(best.accuracy, best.n)
    return (
        "It cannot be concluded that no attack does better, as an accuracy under attack is an upper"
        f" bound, nor that another seed, scanner or hospital would give the same: it is {source},"
        f" {best.n:,} images leave the accuracy under attack open by {100 * (high - low):.1f}"
        f" points{people}."
    )


def section(known: Known) -> Markup:
    """All sentences that hold of this run, as a list."""
    said = [*_of_training(known), *_of_images(known), *_of_attacks(known), *_of_margins(known)]
    return joined([element("h3", "What cannot be concluded"), listing([*said, DEVICE])])


def _of_training(known: Known) -> list[str]:
    if known.config.imported:
        return [
            "How the network was trained is not known here, so it cannot be said whether its"
            " training has seen these images."
        ]
    return [
        "This is one training with one seed: how far another seed would move these numbers is not"
        " known. The intervals are for the images that were drawn, not for the training."
    ]


def _of_images(known: Known) -> list[str]:
    said = [
        "The intervals take the images as drawn independently from the population that matters;"
        " images of other scanners, hospitals or times may fare differently."
    ]
    if not known.patients:
        said.append(
            "Which images are of the same patient is not known here: all numbers count images, not"
            " patients, the intervals are too narrow where patients have several images, and the"
            " same patient may be in training and test."
        )
    elif known.patients[known.split] < known.n:
        said.append(
            "Several images are of one patient, and Wilson's intervals take them as independent:"
            " they are too narrow."
        )
    if known.n and known.n < FEW:
        said.append(
            f"The {words.SPLIT[known.split]} split has {known.n:,} images, so that small"
            " differences cannot be told from chance."
        )
    if known.split != "test":
        seen = {"train": "was trained on", "val": "was watched on while it trained"}
        said.append(
            f"The network {seen[known.split]} these images: no number here is an accuracy on new"
            " ones."
        )
    return said


def _of_attacks(known: Known) -> list[str | Markup]:
    said: list[str | Markup] = [
        "An accuracy under attack is an upper bound: it says which images these attacks have"
        " fooled, and a stronger or longer attack may fool more."
    ]
    names, norms = (set(known.predictions[of].unique()) for of in ("name", "norm"))
    if "autoattack" not in names:
        command = code(words.attack_command(known, "autoattack"))
        said.append(
            joined(["AutoAttack, the field's yardstick, was not run on these images: ", command])
        )
    if norms == {"Linf"}:
        said.append(
            "The noise is bounded in every pixel (L∞). Nothing follows for other changes: rotation,"
            " contrast, artefacts, another scanner."
        )
    elif norms == {"L2"}:
        said.append(
            "The noise is bounded by its length over all pixels (L2). Nothing follows for other"
            " changes: rotation, contrast, artefacts, another scanner."
        )
    return said


def _of_margins(known: Known) -> list[str]:
    estimate = known.estimate
    if estimate is None:
        return []
    reached = int((estimate.result["kind"] == REACHED).sum())
    return [
        "An estimated margin of kind found is an upper bound of the distance to the decision"
        " boundary: there may be a nearer one that the search has not met."
        + f" {reached:,} are of kind reached and are no distance at all."
        * bool(reached)
    ]

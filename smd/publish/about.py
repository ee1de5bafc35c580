"""What a file of a network says of itself: texts by key, as all three formats keep them."""

import json
from collections.abc import Mapping, Sequence

from torch import nn

from smd.config.schema import TrainConfig
from smd.nets.normalized import Normalized
from smd.version import __version__

INPUT = "images: float32, pixels in [0, 1], any batch size; normalisation is inside"
OUTPUT = "logits: float32, one a class"


def about(
    run: str, config: TrainConfig, model: nn.Module, shape: Sequence[int], classes: Sequence[str]
) -> dict[str, str]:
    """Of which run the network is, what it takes and what it answers; no paths of this machine.

    `classes`, `shape`, `mean` and `std` are JSON lists; the latter are empty where pixels are not
    normalised.
    """
    mean, std = _normalisation(model)
    return {
        "run": run,
        "data": config.data,
        "net": config.net,
        "defense": config.defense,
        "classes": json.dumps(list(classes), ensure_ascii=False),
        "shape": json.dumps(list(shape)),
        "mean": json.dumps(mean),
        "std": json.dumps(std),
        "input": INPUT,
        "output": OUTPUT,
        "written_by": f"SMD Studio {__version__}",
    }


def as_json(texts: Mapping[str, str]) -> str:
    """The same as one JSON object, lists as lists."""
    lists = ("classes", "shape", "mean", "std")
    values = {key: json.loads(text) if key in lists else text for key, text in texts.items()}
    return json.dumps(values, indent=2, ensure_ascii=False)


def _normalisation(model: nn.Module) -> tuple[list[float], list[float]]:
    if not isinstance(model, Normalized):
        return [], []
    # a float32 has seven digits: 0.3 and not 0.30000001192092896
    mean, std = ([float(f"{each:.7g}") for each in t.tolist()] for t in (model.mean, model.std))
    return mean, std

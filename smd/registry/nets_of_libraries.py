"""Which networks torchvision and timm have, read from their source: importing them takes torch."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# @register_model, other decorators, then the function that the network is named by
REGISTERED = re.compile(
    r"^@register_model(?:\(\))?\n(?:(?!def |@register_model).*\n)*?def (\w+)\(", re.M
)


@cache
def networks_of_library(library: str) -> tuple[str, ...]:
    """The names of a library's classification networks, sorted; () where it is not installed.

    library: "torchvision" or "timm".
    """
    spec = find_spec(library)
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [path for folder in folders for path in (Path(folder) / "models").glob("*.py")]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in files)
    return tuple(sorted({name for text in texts for name in REGISTERED.findall(text)}))

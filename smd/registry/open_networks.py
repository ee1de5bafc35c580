"""Networks beside the table: of a library, or of the user's own file; named, not yet looked at.

`torchvision:resnet18`, `timm:resnet18.a1_in1k`, `mine.py:build` in the folder SMD_NETS.
"""

import re
from dataclasses import replace
from difflib import get_close_matches

from smd.errors import UserError
from smd.registry.kinds import Network
from smd.registry.nets_of_libraries import networks_of_library
from smd.registry.networks import NETWORKS
from smd.registry.own_nets import OWN_NAME, problem_of_own

LARGEST = 4096  # side that is looked at; what a network takes is known once it is built
LIBRARIES = {
    "torchvision": "smd.nets.libraries:from_torchvision",
    "timm": "smd.nets.libraries:from_timm",
}
# networks without a class, that lie whole in the folder of an imported run
WHOLE = {".pt2": "Whole network (.pt2)", ".onnx": "Whole network (.onnx)"}
OWN = "smd.nets.own:from_file"
LIBRARY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}", re.ASCII)
FORMS = "torchvision:NAME, timm:NAME or FILE.py:FUNCTION"


def find_network(name: str) -> Network:
    """The network of that name, of the table or beside it; raises UserError for what is neither."""
    if name in NETWORKS:
        return NETWORKS[name]
    if name in WHOLE:
        return replace(_beside(name, "", "", "a file"), title=WHOLE[name])
    library, colon, own = name.partition(":")
    if colon and library in LIBRARIES and LIBRARY_NAME.fullmatch(own):
        return _beside(name, LIBRARIES[library], own, library)
    if OWN_NAME.fullmatch(name):
        return _beside(name, OWN, name, "own file")
    known = ", ".join(NETWORKS)
    raise UserError(f"There is no network '{name[:100]}': choose one of {known}, or {FORMS}.")


def problem_of_network(name: str) -> str:
    """Why there can be no such network on this machine now, as a sentence; "" if there may be."""
    try:
        entry = find_network(name)
    except UserError as error:
        return str(error)
    if name in WHOLE:
        return f"A {name} file is a network for itself: import it, `--net` names none."
    if entry.target == OWN:
        return problem_of_own(name)
    return _unlisted(entry) if entry.argument else ""


def _unlisted(entry: Network) -> str:
    """Why a library has no such network; a tag behind a dot is only known to the library."""
    known = networks_of_library(entry.source)
    own = entry.argument.partition(".")[0]
    if not known:
        return f'{entry.name} needs {entry.source}: pip install "smd-studio[{entry.source}]".'
    near = ", ".join(get_close_matches(own, known, 3) or known[:3])
    return "" if own in known else f"{entry.source} has no network '{own}': did you mean {near}?"


def network_title(name: str) -> str:
    """What pages and tables call it; its name where this version does not know it."""
    return NETWORKS[name].title if name in NETWORKS else WHOLE.get(name, name)


def _beside(name: str, target: str, argument: str, source: str) -> Network:
    return Network(
        name=name,
        title=name,
        target=target,
        sizes=(1, LARGEST),
        source=source,
        dims=0,
        argument=argument,
    )

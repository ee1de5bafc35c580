"""How large a file of weights may be, and how texts out of it are shown."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from smd.errors import UserError
from smd.terminal.visible import visible

LARGEST = 16 * 2**30  # bytes of a file, an optimizer's state included
MEMBERS = 100_000  # files in an archive
DESCRIPTION = 256 * 2**20  # bytes of what is no tensor: names, a graph
NAMED = 5  # as many of a list are named
LONGEST = 80  # characters of a name that is shown


HOW = "torch.save(model.state_dict(), 'weights.pt')"  # what a file of weights is written with

HOW_ONNX = "torch.onnx.export(model.eval(), (images,), 'network.onnx', external_data=False)"


class Unfit(Exception):
    """Why a whole network cannot be used, as the end of a sentence."""


def shown(name: object) -> str:
    """A name out of a file, cut and without what would move a terminal's cursor."""
    return visible(str(name)[:LONGEST], kept="")


def some(names: Sequence[object]) -> str:
    """Up to five of the names, and how many more there are: `a, b and 3 more`."""
    listed = ", ".join(map(shown, names[:NAMED]))
    return f"{listed} and {len(names) - NAMED} more" if len(names) > NAMED else listed


def refuse_inflated(title: str, tensors: Iterable[Tensor], size: int) -> None:
    """Raises UserError where tensors claim more bytes than a file of `size` bytes can hold.

    A tensor can be a view that repeats one number any number of times, or a storage that the file
    does not fill; the same weights may rightly stand under several names.
    """
    claimed = 0
    for tensor in tensors:
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            claimed = 5 * size
            break
        claimed += tensor.numel() * tensor.element_size()
    if claimed > 4 * size:
        raise UserError(
            f"{title} claims tensors that are larger than the file itself: it is damaged or made to"
            " fill the memory, and is left alone."
        )

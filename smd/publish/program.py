"""A network as a program of torch.export: its operations and weights, without its class."""

import io
import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from smd.errors import UserError
from smd.publish.about import as_json
from smd.publish.checks import compared, equal, made_up
from smd.publish.formats import Written

EXTRA = "smd.json"  # where a .pt2 file says what it is
TRACES = ("stack_trace", "source_fn_stack", "from_node")  # they name files of this machine
DYNAMIC = ({0: Dim("batch", min=1)},)


def program(model: nn.Module, shape: Sequence[int]) -> ExportedProgram:
    """The network for batches of any size; raises UserError where what it does hangs on values."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            exported = torch.export.export(
                model.eval(), (made_up(shape)[:2],), dynamic_shapes=DYNAMIC
            )
    except Exception as error:  # of many kinds, none of them documented
        raise UserError(
            "This network cannot be written as a program of torch.export, what it does may hang on"
            f" values or on the size of a batch ({first_line(error)}): choose another format, or"
            " keep the file that it was imported from."
        ) from error
    for node in exported.graph.nodes:
        for name in TRACES:
            node.meta.pop(name, None)
    return exported


def as_pt2(model: nn.Module, shape: Sequence[int], about: Mapping[str, str]) -> Written:
    """The content of a .pt2 file, checked as others load it; errors are those of `program`."""
    file = io.BytesIO()
    exported = program(model, shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tensors that share their memory
        torch.export.save(exported, file, extra_files={EXTRA: as_json(about)})
    file.seek(0)
    loaded = torch.export.load(file).module()  # our own bytes: a file from elsewhere is never so
    difference = compared(model, loaded, shape)
    return Written(file.getvalue(), equal(difference, "torch.export.load"))


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something, cut."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:200].rstrip(".")

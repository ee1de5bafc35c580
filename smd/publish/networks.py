"""Writing a run's network in one of FORMATS."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load, save
from torch import nn

from smd.errors import UserError
from smd.files import durable
from smd.publish.about import about
from smd.publish.formats import FORMATS, Written
from smd.publish.onnx_file import as_onnx
from smd.publish.program import as_pt2
from smd.runs.folders import Run
from smd.tasks.network import Trained


@dataclass(frozen=True)
class Exported:
    """A file of a network."""

    path: Path
    size: int  # bytes
    checked: str  # as the end of a sentence

    def __str__(self) -> str:
        return f"{self.path}: {self.size / 1e6:.1f} MB, {self.checked}"


def export_network(run: Run, network: Trained, path: Path, form: str) -> Exported:
    """Write a run's network; the file takes its place as a whole once it was checked.

    Raises UserError where there is no such format, a package for it is missing, the network cannot
    be written so, or `path` cannot be written.
    """
    written = content(run, network, form)
    try:
        durable.write(path, written.content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    return Exported(path, len(written.content), written.checked)


def content(run: Run, network: Trained, form: str) -> Written:
    """What `export_network` writes."""
    if form not in WRITERS:
        raise UserError(f"There is no format '{form}': choose one of {', '.join(FORMATS)}.")
    if form == "safetensors" and run.network:
        raise UserError(
            f"{run.id} is a whole network from a file, whose weights have no names of a class:"
            " write it as pt2 or onnx."
        )
    model = network.model.cpu().eval()
    texts = about(run.id, run.config, model, network.shape, network.classes)
    return WRITERS[form](model, network.shape, texts)


def _as_safetensors(model: nn.Module, shape: Sequence[int], texts: Mapping[str, str]) -> Written:
    """The tensors under the network's own names, and those of its normalisation."""
    state = model.state_dict()
    # copies, as two names may share one tensor, which safetensors refuses
    tensors = {name: value.detach().contiguous().clone() for name, value in state.items()}
    written = save(tensors, metadata=dict(texts))
    if any(not value.equal(tensors[name]) for name, value in load(written).items()):
        raise UserError("The weights could not be written as they are: this is a defect.")
    return Written(written, "the same numbers bit for bit")


WRITERS: dict[str, Callable[[nn.Module, Sequence[int], Mapping[str, str]], Written]] = {
    "safetensors": _as_safetensors,
    "pt2": as_pt2,
    "onnx": as_onnx,
}

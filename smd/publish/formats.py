"""The formats that a trained network is written in, by name; nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """How a network leaves the house."""

    name: str  # also the ending of its files
    what: str  # it is, in a sentence


FORMATS = {
    "safetensors": Format("safetensors", "the weights alone, for the same architecture in PyTorch"),
    "pt2": Format("pt2", "the whole network for torch.export.load, without its class"),
    "onnx": Format("onnx", "the whole network for ONNX Runtime and others, without PyTorch"),
}


@dataclass(frozen=True)
class Written:
    """A network's content in one format, and how it was checked."""

    content: bytes
    checked: str  # as the end of a sentence; why it was not, where it was not

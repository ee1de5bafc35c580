"""Filling a network with the weights that its training starts from, once: a checkpoint has them."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smd import nets, paths, weights
from smd.core import rng
from smd.errors import UserError
from smd.runs import folders
from smd.runs.starting import PRETRAINED, is_file
from smd.training.loop import Training
from smd.weights import Weights

KEY = "started_from"  # in the store's description


def start(training: Training) -> dict[str, Any]:
    """Fill the network of a prepared training with the weights that its config names.

    Returns what was loaded, as JSON values: kind ("file", "run" or "pretrained"), name, sha256 (of
    the tensors) and notes (sentences); {} if it starts from random ones. Raises UserError where the
    weights are missing or do not fit the network.
    """
    config = training.config
    if not config.init:
        return {}
    if config.init == PRETRAINED:
        return _pretrained(training)
    kind = "file" if is_file(config.init) else "run"
    source = paths.given(config.init) if kind == "file" else _weights_of(config.init)
    stored = weights.read(source)
    _refuse_other_normalisation(training, stored, source)
    notes = weights.load_into(
        training.model, stored.tensors, new_head=True, beside=stored.normalisation
    )
    name = source.name if kind == "file" else config.init
    return _told(kind, name, stored.tensors, (*stored.notes, *notes))


def _weights_of(run: str) -> Path:
    path = folders.find(run).weights
    if not path.is_file():
        raise UserError(f"{run} has no trained weights to start from: let it finish, or resume it.")
    return path


def _pretrained(training: Training) -> dict[str, Any]:
    config, info = training.config, training.info
    # the same last layer as without, where the library's is for other classes
    torch.manual_seed(rng.derived(config.seed, "weights"))
    network = nets.of_config(config, info.shape, len(training.sets.classes), pretrained=True)
    tensors = network.state_dict()
    training.model.load_state_dict(tensors)
    note = "What the library's weights do not fit, as a last layer for other classes, is untrained."
    return _told("pretrained", config.net, tensors, (note,))


def _refuse_other_normalisation(training: Training, stored: Weights, source: Path) -> None:
    """A file that brings a normalisation along was trained behind it."""
    ours = (*training.config.mean, *training.config.std)
    theirs = (*stored.mean, *stored.std)
    alike = len(ours) == len(theirs) and all(
        math.isclose(a, b, abs_tol=1e-4) for a, b in zip(ours, theirs, strict=True)
    )
    if theirs and not alike:
        mean, std = (",".join(f"{v:.4g}" for v in part) for part in (stored.mean, stored.std))
        raise UserError(
            f"The weights in {source} were trained with a normalisation: give --mean {mean} --std"
            f" {std}."
        )


def _told(
    kind: str, name: str, tensors: Mapping[str, Tensor], notes: tuple[str, ...]
) -> dict[str, Any]:
    return {"kind": kind, "name": name, "sha256": fingerprint(tensors), "notes": list(notes)}


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and bytes, in the order of the names: the same however a file
    holds them."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def words(about: Mapping[str, Any]) -> list[str]:
    """What was loaded, as lines of a log."""
    what = {"file": "the file", "run": "the run", "pretrained": "the pretrained weights of"}
    first = f"Started from {what[about['kind']]} {about['name']} (sha256 {about['sha256'][:12]})."
    return [first, *about["notes"]]

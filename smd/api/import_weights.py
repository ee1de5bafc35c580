"""`smd.import_weights`: a network that was trained elsewhere becomes a stored run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from smd.api.run import LoadedRun
from smd.api.train import suited
from smd.config.schema import ImportConfig
from smd.config.validation import made
from smd.devices import resolve_device
from smd.errors import UserError
from smd.jobs.session import claimed
from smd.runs import folders
from smd.tasks.import_weights import import_run

NAMES = (  # fields of an import; those of a training stand empty
    "net",
    "mean",
    "std",
    "new_head",
    "data_path",
    "image_size",
    "channels",
    "skip_broken",
    "labels",
    "columns",
    "intensity",
    "volumes",
    "spacing",
    "n_test",
    "n_margins",
    "seed",
    "device",
)


def import_weights(file: str | Path, data: str = "digits", **settings: Any) -> LoadedRun:
    """Import a network's file in this process and return its run; progress goes to stderr.

    - file: weights (.safetensors, .pt, .pth), or a whole network (.pt2, .onnx)
    - data: one of smd.registry.DATASETS, or "folder" with data_path for your own images
    - settings: net (what suits the data set; none for a whole network), mean and std (tuples, one
      number or one a channel, unit of x), new_head, data_path, image_size, channels, skip_broken,
      labels, columns, intensity, volumes, spacing, n_test, n_margins, seed, device

    The run is the one that `python -m smd import` makes: without epochs, with the clean accuracy
    under the usual preprocessings in `.about["preprocessing"]`, a short CE-PGD, margins and a model
    card. Raises UserError where file, network and images do not fit, or for a setting that there is
    not; smd.jobs.session.Cancelled where it is cancelled.
    """
    if unknown := settings.keys() - set(NAMES):
        raise UserError(
            f"An import has no setting {', '.join(sorted(unknown))}: choose from"
            f" {', '.join(NAMES)}."
        )
    config = made(ImportConfig, {**settings, "file": file, "data": data})
    if data == "folder" and not settings.get("net"):
        config = replace(config, net=suited(settings))
    resolve_device(config.device)  # explains a missing device before there is a run
    run = folders.create(config, claim=True)
    with claimed(run.folder):
        import_run(run, run.log)
    return LoadedRun(run)

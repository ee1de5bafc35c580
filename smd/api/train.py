"""`smd.train`: a training run in this process, stored like any other."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from smd import registry
from smd.api.run import LoadedRun
from smd.config.parsing import parse_choice
from smd.config.schema import TrainConfig
from smd.config.validation import made
from smd.data import suited_net
from smd.data.request import Request
from smd.devices import away, resolve_device
from smd.errors import UserError
from smd.jobs import doing
from smd.jobs.session import claimed
from smd.runs import folders


def train(data: str = "digits", defense: str = "smd", **settings: Any) -> LoadedRun:
    """Train a network in this process and return its run; progress goes to stderr.

    - data: one of smd.registry.DATASETS, or "folder" with data_path for your own images
    - defense: one of smd.registry.DEFENSES, also with knobs as the command line takes them,
      "trades:beta=1:eps=8/255"
    - settings: the other fields of smd.config.schema.TrainConfig, such as epochs, batch, seed,
      device, net, norm, recipe, params (the defense's knobs), n_train, n_test, n_margins; what is
      left out follows from the data set

    The run is the one that `python -m smd train` makes: a folder among all runs with metrics and
    margins of every epoch, a short CE-PGD at the end and a model card. It waits while another job
    uses the device. Raises UserError for a bad field, smd.jobs.session.Cancelled where it is
    cancelled, from a page or by Ctrl-C: both leave a run that can be resumed.
    """
    config = _config(data, defense, settings)
    if not away(config.device):
        resolve_device(config.device)  # explains a missing device before there is a run
    run = folders.create(config, claim=True)
    with claimed(run.folder):
        doing.do(run.folder, run.log)
    return LoadedRun(run)


def _config(data: str, defense: str, settings: dict[str, Any]) -> TrainConfig:
    """The run that the arguments describe; raises UserError for a field that there is not."""
    names = [each.name for each in fields(TrainConfig)]
    if unknown := settings.keys() - set(names):
        raise UserError(
            f"A run has no setting {', '.join(sorted(unknown))}: choose from {', '.join(names)}."
        )
    name, knobs = parse_choice(defense, registry.DEFENSES, "defense")
    given = settings.get("params", {})
    settings["params"] = {**knobs, **given} if isinstance(given, Mapping) else given
    config = made(TrainConfig, {**settings, "data": data, "defense": name})
    if data == "folder" and not settings.get("net"):
        config = replace(config, net=suited(settings))
    return config


def suited(settings: Mapping[str, Any]) -> str:
    """The network for own images where the settings of a run name none."""
    side = settings.get("image_size", 0)
    return suited_net(
        Request(
            str(settings.get("data_path", "")),
            side if isinstance(side, int) else 0,
            volumes=bool(settings.get("volumes", False)),
            spacing=str(settings.get("spacing") or ""),
        )
    )

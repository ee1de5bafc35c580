"""What a node is given of a job: its files, by their places in the node's folder, its config."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smd import registry
from smd.cluster import parcels
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.jobs import kinds
from smd.paths import given, nets_root
from smd.runs import folders
from smd.runs.folders import Run
from smd.runs.starting import is_file, may_be_run
from smd.store import excerpt


def order(run: Run, folder: Path, device: str) -> dict[str, Any]:
    """The order of smd.cluster.node.Node.begin; raises UserError where a file cannot be read."""
    config, training = run.config, folder == run.folder
    places = {f"runs/{run.id}/{name}": path for name, path in parcels.given(run, folder).items()}
    places |= _network(config.net)
    changes: dict[str, Any] = {"device": device, "log": ""}
    if training and not run.checkpoint.exists():
        places |= _start(config, changes)
    files = {place: parcels.read(path) for place, path in places.items()}
    with TemporaryDirectory(prefix="smd-store-") as drafts:
        copy = Path(drafts) / run.store.name
        excerpt.copy(run.store, copy)
        files[f"runs/{run.id}/{run.store.name}"] = parcels.read(copy)
    return {
        "kind": kinds.of_folder(folder).name,
        "run": run.id,
        "job": "" if training else str(folder.relative_to(run.folder)),
        "config": changes,
        "files": files,
    }


def of_rank(order: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """The order of another rank than the first, which gives it the training's state itself."""
    state = f"runs/{run.id}/{run.checkpoint.name}"
    files = {place: content for place, content in order["files"].items() if place != state}
    return {**order, "files": files}


def _network(net: str) -> Mapping[str, Path]:
    """The file of an own network."""
    entry = registry.find_network(net)
    if entry.target != registry.OWN:
        return {}
    file = entry.argument.partition(":")[0]
    return {f"nets/{file}": nets_root() / file}


def _start(config: TrainConfig, changes: dict[str, Any]) -> dict[str, Path]:
    """The weights that a training starts from, where the node finds them."""
    if is_file(config.init):
        path = given(config.init)
        changes["init"] = f"files/{path.name}"
        return {f"files/{path.name}": path}
    if not may_be_run(config.init):
        return {}
    source = folders.find(config.init)
    if not source.weights.is_file():
        raise UserError(f"{source.id} has no trained weights to start from: let it finish.")
    parts = (source.folder / "config.json", source.weights)
    return {f"runs/{source.id}/{path.name}": path for path in parts}

"""The networks that a training ends with: its last weights, and their average if it keeps one."""

from torch import nn

from smd import nets
from smd.errors import UserError
from smd.runs.folders import Run
from smd.tasks.files import save_weights
from smd.training import averaging
from smd.training.loop import Training


def trained_networks(run: Run, training: Training) -> dict[str, nn.Module]:
    """Save the weights of a finished training; "last" -> the network, "ema" -> the averaged one."""
    about = {"run": run.id, "net": training.config.net}
    save_weights(run.weights, training.model, about)
    networks = {"last": training.model}
    if training.averaged is not None:
        networks["ema"] = averaged_network(training)
        save_weights(run.averaged_weights, networks["ema"], {**about, "weights": "ema"})
    return networks


def averaged_network(training: Training) -> nn.Module:
    """A network with the averaged weights, batch-norm statistics renewed on the clean training
    images; raises UserError where the training keeps no average."""
    if training.averaged is None:
        raise UserError("This training averages no weights: train with --average ema.")
    config, info, data = training.config, training.info, training.sets
    network = nets.of_config(config, info.shape, len(data.classes)).to(info.device)
    network.load_state_dict(averaging.weights(training.averaged))
    averaging.renew_statistics(network, data.train, config.batch, config.seed)
    return network

"""Small networks, files of weights and tricks for the tests of smd/weights."""

import io
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn


def small(classes=5):
    """A network with batch norm whose statistics are not those of a fresh one."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv=nn.Conv2d(3, 4, 3, padding=1),
        bn=nn.BatchNorm2d(4),
        relu=nn.ReLU(inplace=True),
        pool=nn.AdaptiveAvgPool2d(1),
        flat=nn.Flatten(),
        fc=nn.Linear(4, classes),
    )
    network = nn.Sequential(layers)
    network(torch.rand(8, 3, 6, 6))
    return network.eval()


def saved(folder, value, name="weights.pt", **words):
    """A file of torch.save."""
    path = Path(folder) / name
    torch.save(value, path, **words)
    return path


class Evil:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (_ran, (self.path,))


def _ran(path):
    Path(path).write_text("ran", encoding="utf-8")


def rewritten(path, changes, compress=zipfile.ZIP_STORED):
    """The archive with some of its files changed; `changes` are functions by the end of a name."""
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(path, "w", compress) as new:
        for name in old.namelist():
            data = old.read(name)
            for end, change in changes.items():
                data = change(data) if name.endswith(end) else data
            new.writestr(name, data)
    return path


def added(path, name, data):
    """The archive with one file more."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(archive.namelist()[0].split("/")[0] + "/" + name, data)
    return path

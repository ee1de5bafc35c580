"""Makers of run folders as a stranger may send them.

None of them holds anything but what is written here.
"""

import json
import os
import random
import socket
from dataclasses import asdict
from pathlib import Path

from smd.config.schema import TrainConfig, to_json
from smd.jobs import Status

DEEP = "[" * 200_000
THINGS = ("link", "dangling", "pipe", "folder", "socket", "device")
WRONG = (
    None,
    True,
    -1,
    10**30,
    1e308,
    -1e308,
    [],
    [[]],
    {},
    {"a": {}},
    "",
    "a/b",
    "x\x00y",
    "\ud800",
    "# *bold*",
    "\x1b[31mred",
    "x" * 100_000,
    1.5,
    "nan",
)
RAW = (
    b"",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"a": NaN}',
    DEEP.encode(),
    ('{"a":' + DEEP).encode(),
    b"{" * 100_000,
    b'{"created": 1e999}',
    b'{"created": ' + b"9" * 5000 + b"}",
    b"\x00" * 100,
)


def put(path, thing, victim):
    """Something that is no ordinary file, in the place of one; victim: a file of the user's own."""
    if path.is_file() or path.is_symlink():
        path.unlink()
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "folder":
        path.mkdir()
    elif thing == "socket":
        there = Path.cwd()
        os.chdir(path.parent)  # a socket's address is short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
        os.chdir(there)
    else:
        path.symlink_to(
            {"link": victim, "dangling": victim.with_name("gone"), "device": "/dev/zero"}[thing]
        )


def run(root, name="20240101-000000-digits-smd-0bad"):
    """The folder of a finished run without results, as files; returns it."""
    folder = root / name
    folder.mkdir(parents=True)
    dump(folder / "config.json", to_json(TrainConfig()))
    dump(
        folder / "status.json",
        asdict(Status(state="finished", created=1.7e9, started=1.7e9, ended=1.7e9 + 9)),
    )
    dump(
        folder / "notes.json",
        {"schema": 1, "text": "fine", "tags": ["a"], "pinned": False, "hidden": False},
    )
    dump(folder / "provenance.json", {"commit": None, "dirty": None, "packages": {}, "python": "3"})
    (folder / "log.txt").write_text("hello\n")
    return folder


def dump(path, values):
    path.write_text(json.dumps(values))


def spoiled(folder, file):
    """Each wrong value in each field of a JSON file of that run, one after the other: yields
    (field, value)."""
    path = folder / file
    right = json.loads(path.read_text())
    for field in [*right, "new"]:
        for value in WRONG:
            dump(path, {**right, field: value})
            yield field, value
    dump(path, right)


def anything(chance: random.Random, depth=3):
    """Any JSON value."""
    kind = chance.randrange(8 if depth else 6)
    if kind == 0:
        return chance.choice([None, True, False])
    if kind == 1:
        return chance.choice([0, 1, -1, 2**31, 2**63, 10**40, chance.randrange(-9, 9)])
    if kind == 2:
        return chance.choice([0.0, -0.0, 1e-320, 1e308, -1e308, chance.uniform(-9, 9)])
    if kind < 6:
        return "".join(
            chr(chance.choice([chance.randrange(128), chance.randrange(0x3000)]))
            for _ in range(chance.randrange(6))
        )
    if kind == 6:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {
        str(anything(chance, 0)): anything(chance, depth - 1) for _ in range(chance.randrange(4))
    }


def mixed(chance: random.Random, right):
    """A right object, some of whose fields hold anything."""
    return {
        name: anything(chance) if chance.random() < 0.2 else value for name, value in right.items()
    }

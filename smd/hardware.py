"""What this machine computes with, told without torch.

NVIDIA's GPUs as their driver shows them to this process, and the processor. Where a GPU is that the
driver's files do not tell of, such as AMD's, torch alone knows it.
"""

import os
import re
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder for each GPU
NODES = Path("/dev")  # nvidia0, nvidia1, ...: all that a container may have
VISIBLE = "CUDA_VISIBLE_DEVICES"
IDENTIFIER = re.compile(r"(GPU|MIG)-[0-9A-Za-z/-]+")
# seconds for which an answer of nvidia-smi is good; it takes some itself while no job holds a GPU
FRESH = 10.0
PATIENCE = 10.0  # seconds that it may take
MEBI = 2**20
QUERY = ("--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")

_asking = threading.Lock()
_answer: tuple[float, tuple["Gpu", ...]] = (float("-inf"), ())


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi describes it."""

    index: int
    uuid: str
    name: str
    total: int  # bytes of memory; 0: not told
    free: int


def visible() -> tuple[str, ...]:
    """What cuda:0, cuda:1, ... are for this process: the driver's numbers, or the identifiers by
    which CUDA_VISIBLE_DEVICES names GPUs and their parts. Cheap."""
    count, given = _count(), os.environ.get(VISIBLE)
    if given is None or not count:
        return tuple(str(index) for index in range(count))
    shown: list[str] = []
    for word in map(str.strip, given.split(",")):
        known = word.isdecimal() and int(word) < count
        if not known and not IDENTIFIER.fullmatch(word):
            break  # CUDA takes no notice of what follows one that is not there
        shown.append(str(int(word)) if known else word)
    return tuple(dict.fromkeys(shown))


def _count() -> int:
    for folder, name in ((DRIVER, "*"), (NODES, "nvidia[0-9]*")):
        with suppress(OSError):
            if found := sum(1 for _ in folder.glob(name)):
                return found
    return 0


def gpu(entry: str) -> Gpu | None:
    """What nvidia-smi says of one of `visible`; None: nothing. May take a second or two."""
    return next(
        (
            each
            for each in _gpus()
            if str(each.index) == entry or (entry[:4] == "GPU-" and each.uuid.startswith(entry))
        ),
        None,
    )


def _gpus() -> tuple[Gpu, ...]:
    """All GPUs, as last asked; who comes while somebody asks waits for that answer."""
    global _answer  # one answer for all pages
    with _asking:
        if time.monotonic() - _answer[0] > FRESH:
            _answer = time.monotonic(), _asked()
        return _answer[1]


def _asked() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        done = subprocess.run(
            [program, *QUERY],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(found for line in done.stdout.splitlines() if (found := _parsed(line)))


def _parsed(line: str) -> Gpu | None:
    """A line of its table; what is not known stands there as [N/A]."""
    words = [word.strip() for word in line.split(",")]
    if len(words) != 5 or not words[0].isdecimal():
        return None
    total, free = (int(word) * MEBI if word.isdecimal() else 0 for word in words[3:])
    return Gpu(int(words[0]), words[1], words[2][:60], total, free)


def processor() -> tuple[str, int, int]:
    """The processor in words, the machine's memory and what is free of it, in bytes."""
    cores, memory = psutil.cpu_count() or 1, psutil.virtual_memory()
    return f"{cores} core{'s' * (cores != 1)}", memory.total, memory.available

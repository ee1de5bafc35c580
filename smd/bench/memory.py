"""Peak resident memory of training each network, every one in a process of its own.

The kernel's own peak of a process (VmHWM) is read: getrusage carries over what the parent held when
it forked.
"""

import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

from smd.bench.part import Part, Row
from smd.errors import UserError
from smd.paths import AROUND

STEPS = 2  # the second finds the optimiser's momentum in place


@dataclass(frozen=True)
class Case:
    """A network and its batch."""

    net: str
    channels: int
    size: int  # pixels a side
    batch: int


FULL = (
    Case("small-cnn", 1, 8, 128),
    Case("small-cnn", 1, 28, 128),
    Case("fashion-cnn", 1, 28, 128),
    Case("svhn-cnn", 3, 32, 128),
    Case("wrn-28-4", 3, 32, 64),
)
QUICK = (Case("small-cnn", 1, 8, 16),)


def measure(quick: bool) -> Part:
    """A row for each network, and one for the imports alone."""
    rows: list[Row] = [{"what": "imports alone", "value": _peak_of_process(), "unit": "MiB"}]
    for case in QUICK if quick else FULL:
        what = f"{case.net}, {case.size}x{case.size}x{case.channels}, batch {case.batch}"
        rows.append({"what": what, "value": _peak_of_process(case), "unit": "MiB"})
    note = (
        f"Resident memory at its peak in {STEPS} steps of SMD on the CPU with every image explored."
        " Every row includes the imports, all but the first also what torch loads for its first"
        " optimiser; a data set's bytes come on top."
    )
    return Part("memory", "Peak memory of a training process", rows, note)


def _peak_of_process(*cases: Case) -> float:
    """MiB of a process that trains this network, or none."""
    words = [str(value) for case in cases for value in astuple(case)]
    done = subprocess.run(
        [sys.executable, "-m", "smd.bench.memory", *words],
        cwd=AROUND,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        # a process that was killed says nothing
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise UserError(
            f"The memory of {words[0] if words else 'the imports'} is unknown:"
            f" {said.splitlines()[-1]}."
        )
    return float(done.stdout)


def peak() -> float:
    """The peak memory of this process in MiB; raises UserError where the kernel does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        raise UserError(
            "The peak of a process is read from Linux's /proc: leave the part memory out here."
        ) from None
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main(words: list[str]) -> None:
    """Train the network of these words, if any, and print the peak."""
    from smd.bench import made_up  # what a training process imports

    if words:
        net, (channels, size, batch) = words[0], map(int, words[1:])
        stepper = made_up.stepper(net, batch, channels, size)
        for _ in range(STEPS):
            stepper.step()
    print(peak())


if __name__ == "__main__":
    main(sys.argv[1:])

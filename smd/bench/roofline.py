"""Where the time of an SMD step goes, and how near its arithmetic is to what the machine can do."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from smd.bench.part import Part, Row
from smd.bench.peak import flops_per_second
from smd.bench.step import CASES, QUICK, Case, engine_step, prepared

# kind of work -> how the names of PyTorch's operations begin that do it
KINDS = {
    "convolutions, forward": ("aten::mkldnn_convolution", "aten::_slow_conv", "aten::thnn_conv"),
    "convolutions, backward": ("aten::convolution_backward", "aten::mkldnn_convolution_backward"),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "normalisation": ("aten::native_", "aten::batch_norm", "aten::mkldnn_batch_norm"),
    "activations": ("aten::leaky_relu", "aten::relu", "aten::threshold", "aten::clamp_min"),
}
# the same -> the operations whose arithmetic is counted
COUNTED = {
    "convolutions, forward": ("convolution",),
    "convolutions, backward": ("convolution_backward",),
    "matrix products": ("mm", "addmm", "bmm"),
}
ELSE = "all else"  # signs, steps, copies, and PyTorch's own work


def measure(quick: bool) -> Part:
    """A row for each network and kind of work."""
    peak = flops_per_second(torch.device("cpu"))
    cases = QUICK if quick else [case for case in CASES if case.training >= 100]
    rows = [row for case in cases for row in _rows(case, peak)]
    note = (
        f"Of one engine's step each, under PyTorch's profiler; {torch.get_num_threads()} threads."
        f" Peak: {peak / 1e9:.0f} GFLOP/s in float32 matrix products. floor is the share of the"
        " step that would be left if this kind of work ran at the peak, or, where nothing is"
        " multiplied, cost nothing."
    )
    return Part("roofline", "Where an SMD step's time goes", rows, note)


def _rows(case: Case, peak: float) -> list[Row]:
    ready = prepared(case)
    step = partial(engine_step, ready, "paper", ready.model)
    step()
    with _Arithmetic() as arithmetic:
        step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    spent = _by_kind({e.key: e.self_cpu_time_total / 1e6 for e in profiler.key_averages()})
    flops = arithmetic.flops
    whole = sum(spent.values())
    rows: list[Row] = []
    for kind in (*KINDS, ELSE):
        seconds = spent.get(kind, 0.0)
        work = sum(flops[op] for op in COUNTED.get(kind, ()))
        rows.append(
            {
                "network": case.net,
                "batch": case.batch,
                "work": kind,
                "seconds": seconds,
                "percent": 100 * seconds / whole,
                "gflop": work / 1e9,
                "peak_percent": 100 * work / (seconds * peak) if seconds else 0.0,
                "floor": 100 * (whole - seconds + min(work / peak, seconds)) / whole,
            }
        )
    return rows


class _Arithmetic(TorchDispatchMode):
    """Counts floating-point operations by the name of what does them. (PyTorch's own counter
    follows modules, too, which `autograd.grad` to an image does not allow.)"""

    def __init__(self) -> None:
        super().__init__()
        self.flops: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            flops = count(*args, **(kwargs or {}), out_val=result)
            self.flops[func.overloadpacket.__name__] += flops
        return result


def _by_kind(times: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each operation's own -> of each kind of work."""
    found: dict[str, float] = defaultdict(float)
    for name, seconds in times.items():
        kinds = [kind for kind, begins in KINDS.items() if name.startswith(begins)]
        # the longest beginning tells backward from forward
        found[max(kinds, key=lambda kind: _fit(name, kind)) if kinds else ELSE] += seconds
    return found


def _fit(name: str, kind: str) -> int:
    return max(len(begin) for begin in KINDS[kind] if name.startswith(begin))

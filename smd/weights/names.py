"""Prefixes that wrappers put before every name of a network's weights."""

from collections.abc import Iterable, Mapping

from torch import Tensor

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")


def without_prefixes(
    state: Mapping[str, Tensor], also: Iterable[str] = ()
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors under names without the prefixes that all of them have, and these prefixes."""
    state, removed = dict(state), []
    while prefix := common_prefix(state, also):
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
        removed.append(prefix)
    return state, tuple(removed)


def common_prefix(state: Iterable[str], also: Iterable[str] = ()) -> str:
    """A wrapper's prefix that every name has; "" if there is none."""
    listed = list(state)
    for prefix in (*PREFIXES, *also):
        if listed and all(name.startswith(prefix) and name != prefix for name in listed):
            return prefix
    return ""

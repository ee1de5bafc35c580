"""Filling a network with weights from elsewhere: all of them, or none."""

from collections.abc import Mapping

from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.normalized import Normalized
from smd.nets.published import renamed
from smd.weights.limits import shown, some
from smd.weights.names import without_prefixes

COUNTER = "num_batches_tracked"  # of a batch norm; old files lack it, and nothing here needs it


def load_into(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    new_head: bool = False,
    beside: Mapping[str, Tensor] | None = None,
) -> tuple[str, ...]:
    """Fill the network; sentences on what was not filled, and on tensors that it has no use for.

    tensors: of `Weights`, under the network's own names or others that it knows them by. new_head:
    the last linear layer keeps its own values where the file has none of its shape. beside: tensors
    that are used where the network has their names (`Weights.normalisation`). The network's own
    normalisation stays. Raises UserError that names up to five missing, unexpected and differently
    shaped tensors each; the network is unchanged then.
    """
    network = model.network if isinstance(model, Normalized) else model
    own = _own_names(network)
    given = {name: tensor for name, tensor in (beside or {}).items() if name in own}
    published = renamed(network, tensors)
    given |= published.tensors
    head = _head(network)
    left = [name for name in head if new_head and not _fits(own, given, name)]
    rest = {name: tensor for name, tensor in given.items() if name not in left}
    expected = {name: tensor for name, tensor in own.items() if name not in left}
    _refuse(expected, rest, head)
    filled = {name: rest.get(name, tensor) for name, tensor in own.items()}
    names = dict(zip(own, network.state_dict(), strict=True))
    network.load_state_dict({names[name]: tensor for name, tensor in filled.items()})
    head_note = (f"The head is new and untrained: {some(left)}.",) if left else ()
    return (*published.notes, *head_note)


def _own_names(network: nn.Module) -> dict[str, Tensor]:
    """The network's tensors under names without a wrapper's prefix, as those of a file are."""
    return without_prefixes(network.state_dict(keep_vars=True))[0]


def _head(network: nn.Module) -> list[str]:
    """The names of the tensors of the last linear layer; [] without one."""
    layers: list[nn.Module] = [m for m in network.modules() if isinstance(m, nn.Linear)]
    named = getattr(network, "head", None)
    if isinstance(named, nn.Module) and isinstance(getattr(named, "weight", None), Tensor):
        layers.append(named)  # the network says which one it is
    of_last = [id(tensor) for tensor in layers[-1].parameters()] if layers else []
    return [name for name, tensor in _own_names(network).items() if id(tensor) in of_last]


def _fits(own: Mapping[str, Tensor], given: Mapping[str, Tensor], name: str) -> bool:
    return name in given and own[name].shape == given[name].shape


def _refuse(own: Mapping[str, Tensor], given: Mapping[str, Tensor], head: list[str]) -> None:
    missing = [name for name in own if name not in given and not name.endswith(COUNTER)]
    unexpected = [name for name in given if name not in own]
    other = [name for name in own if name in given and not _fits(own, given, name)]
    whole = [n for n in own if n in given and n not in other and _other_kind(own[n], given[n])]
    parts = [f"it lacks {some(missing)}"] if missing else []
    parts += [f"the network knows no {some(unexpected)}"] if unexpected else []
    parts += [f"{_shapes(own, given, other)}"] if other else []
    parts += [f"whole numbers stand in {some(whole)}"] if whole else []
    if not parts:
        return
    only_head = not unexpected and not whole and set(missing + other) <= set(head)
    advice = (
        "only its last layer differs: with --new-head that one begins anew"
        if only_head
        else "choose the network that they were trained with"
    )
    raise UserError(f"These weights do not fit the network: {'; '.join(parts)}; {advice}.")


def _other_kind(own: Tensor, given: Tensor) -> bool:
    return own.is_floating_point() and not given.is_floating_point()


def _shapes(own: Mapping[str, Tensor], given: Mapping[str, Tensor], names: list[str]) -> str:
    """`fc.weight is (10, 512) and should be (5, 512)`, up to five, and how many more."""
    told = [
        f"{shown(name)} is {tuple(given[name].shape)} and should be {tuple(own[name].shape)}"
        for name in names[:5]
    ]
    return ", ".join(told) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

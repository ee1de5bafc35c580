"""What a defense of one's own loop is begun with and goes on from: checked before it is taken."""

from typing import Any

from smd.errors import UserError

FLAGS = ("clean_ok", "adv_ok", "crossed")


def refuse_place(epoch: Any, batch: int, told: set[Any], epochs: int) -> None:
    """Raises UserError where a state_dict is of no place within the training."""
    begun = isinstance(epoch, int) and not isinstance(epoch, bool) and 0 <= epoch < epochs
    if not (begun or (epoch is None and not batch)) or batch < 0 or not told <= set(FLAGS):
        raise UserError(
            f"This state_dict is of epoch {epoch!r}, batch {batch}, which a training of {epochs}"
            " epochs does not have: give what one returned."
        )


def refuse_sizes(n: Any, shape: Any) -> None:
    """Raises UserError for sizes that are none."""
    if not isinstance(n, int) or n < 1:
        raise UserError(f"n is {n!r}: give the number of training samples, at least 1.")
    sizes = shape if isinstance(shape, tuple | list) else ()
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise UserError(f"shape is {shape!r}: give that of one sample, such as (3, 32, 32).")

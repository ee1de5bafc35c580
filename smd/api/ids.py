"""A data set that also says which of its samples each one is."""

from collections.abc import Sized
from typing import Any, cast

from torch.utils.data import Dataset


class WithIds(Dataset[tuple[Any, ...]]):
    """Any map-style data set of (x, y), as one of (id, x, y); id is the position, from 0.

    `DataLoader(smd.WithIds(data), batch_size=128, shuffle=True)` yields (ids, x, y), which
    `OwnLoop.step` takes: ids is (B,) int64.
    """

    def __init__(self, data: Dataset[Any]) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(cast(Sized, self.data))

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return (index, *self.data[index])

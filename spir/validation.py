"""What a stranger sends, be it JSON or a safetensors file: taken only by name, shape, kind and range."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from safetensors.torch import load
from torch import Tensor

KINDS = (torch.float32, torch.float16)
UNSIGNED = (torch.uint16, torch.uint32)
"""Of these torch can do little more than hold them."""
LONGEST_WORDS = 200
MOST_HEADER = 2 * 2**20
"""Bytes that list the tensors of a file; a run of a hundred steps has a third of that."""


def number(value: object, low: float | int, high: float | int) -> float:
    """A number of JSON within its range. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is no number from {low} to {high}")
    return float(value)


def sentence(value: object) -> str:
    """Words of a sensible length. Raises ValueError."""
    if not isinstance(value, str) or len(value) > LONGEST_WORDS or not value.isprintable():
        raise ValueError("these are no words")
    return value


def listed(value: object, change: Callable, most: int) -> tuple:
    """`change` of everything in a list of JSON. Raises ValueError."""
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("this is no list of a sensible length")
    return tuple(map(change, value))


@dataclass(frozen=True)
class Tensors:
    """What a file holds; calling it with a name gives the tensor, or ValueError."""

    found: dict[str, Tensor]

    @classmethod
    def read(cls, data: bytes) -> "Tensors":
        """Raises SafetensorError and whatever else damaged bytes provoke; nothing is ever unpickled."""
        # Its length comes first. Half a million empty tensors would fit into one of 48 MB.
        if int.from_bytes(data[:8], "little") > MOST_HEADER:
            raise ValueError("this file lists too many tensors")
        return cls(load(data))

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises ValueError where there is no such tensor."""
        if name not in self.found:
            raise ValueError(f"{name} is missing")
        return tuple(self.found[name].shape)

    def __call__(
        self,
        name: str,
        shape: tuple[int, ...],
        low: float | int,
        high: float | int,
        kind: torch.dtype | None = None,
    ) -> Tensor:
        """The tensor of that shape, all of it from `low` to `high` (which "not a number" is not).

        `kind` must be its own; none = float32 or float16, returned as float32; uint16 and uint32 come as int64. Raises
        ValueError."""
        if self.shape(name) != shape:
            raise ValueError(f"{name} is {self.shape(name)}, but must be {shape}")
        tensor = self.found[name]
        if tensor.dtype not in (KINDS if kind is None else (kind,)):
            raise ValueError(f"{name} is of the kind {tensor.dtype}")
        tensor = tensor.float() if kind is None else tensor.long() if kind in UNSIGNED else tensor
        if not bool(((tensor >= low) & (tensor <= high)).all()):
            raise ValueError(f"{name} leaves {low} to {high}")
        return tensor

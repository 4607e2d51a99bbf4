"""Check untrusted JSON and safetensors files: every value is taken only by name, shape, dtype and range."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from safetensors.torch import load
from torch import Tensor

DTYPES = (torch.float32, torch.float16)
UNSIGNED = (torch.uint16, torch.uint32)
"""The unsigned dtypes, for which torch supports little more than storage."""
MAX_TEXT_LENGTH = 200
MAX_HEADER_BYTES = 2 * 2**20
"""The largest allowed header of a safetensors file, in bytes; a run of a hundred steps has a third of
that."""


def checked_number(value: object, low: float | int, high: float | int) -> float:
    """Return a JSON number as a float. Raises ValueError unless it is in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is no number from {low} to {high}")
    return float(value)


def checked_text(value: object) -> str:
    """Return a printable string of at most `LONGEST_WORDS` characters. Raises ValueError for anything
    else."""
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH or not value.isprintable():
        raise ValueError("these are no words")
    return value


def checked_list(value: object, change: Callable, most: int) -> tuple:
    """Return `change` of every item of a JSON list. Raises ValueError unless it is a list of at most `most`
    items."""
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("this is no list of a sensible length")
    return tuple(map(change, value))


@dataclass(frozen=True)
class Tensors:
    """This holds the tensors of a file; calling it with a name returns the tensor or raises ValueError."""

    found: dict[str, Tensor]

    @classmethod
    def read(cls, data: bytes) -> "Tensors":
        """Read a safetensors file; nothing is unpickled. Raises SafetensorError, ValueError and whatever else
        damaged bytes provoke."""
        # The header's length comes first. A header of 48 MB could list half a million empty tensors.
        if int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
            raise ValueError("this file lists too many tensors")
        return cls(load(data))

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor. Raises ValueError where there is no such tensor."""
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
        """Return the tensor of that name and shape, whose values must all be in [`low`, `high`] (NaN is
        refused).

        `kind` is the required dtype; None accepts float32 and float16 and returns float32. The dtypes uint16
        and uint32 are returned as int64. Raises ValueError."""
        if self.shape(name) != shape:
            raise ValueError(f"{name} is {self.shape(name)}, but must be {shape}")
        tensor = self.found[name]
        if tensor.dtype not in (DTYPES if kind is None else (kind,)):
            raise ValueError(f"{name} is of the kind {tensor.dtype}")
        tensor = tensor.float() if kind is None else tensor.long() if kind in UNSIGNED else tensor
        if not bool(((tensor >= low) & (tensor <= high)).all()):
            raise ValueError(f"{name} leaves {low} to {high}")
        return tensor

"""Masks as run lengths in COCO's format: column by column, the first run outside the object."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray


def decode_rle(size: list[int], counts: list[int] | str) -> Bool[ndarray, "rows columns"]:
    """The mask of `size` = [rows, columns]; counts are numbers, or COCO's text form of them.

    Raises ValueError where the runs do not fill the mask."""
    rows, columns = size
    runs = unpack(counts) if isinstance(counts, str) else counts
    if min(runs, default=0) < 0 or sum(runs) != rows * columns:
        raise ValueError(f"the runs of a mask cover {sum(runs)} pixels, not {rows} x {columns}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(columns, rows).T


def unpack(text: str) -> list[int]:
    """Decode run lengths from text: five bits a character from "0" on, lowest first, a sixth bit where more
    follow.

    From the fourth on a run is written as its difference to the run two before it, hence signed. Raises
    ValueError for characters that are no part of the format."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - ord("0")
        if not 0 <= digit < 64:
            raise ValueError(f"{character!r} is no part of a mask's run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs

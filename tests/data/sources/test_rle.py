"""Run lengths, against values worked out by hand and a slow writer."""

import numpy as np
import pytest

from spir.data.sources.rle import decode_rle, unpack


def pack(runs: list[int]) -> str:
    """COCO's text form, written straightforwardly."""
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            digit, value = value & 31, value >> 5
            more = value != (-1 if digit & 16 else 0)
            text += chr(ord("0") + digit + 32 * more)
            if not more:
                break
    return text


def test_runs_go_down_the_columns():
    mask = decode_rle([2, 3], [1, 2, 3])
    assert mask.tolist() == [[False, True, False], [True, False, False]]
    assert decode_rle([2, 2], [0, 4]).all() and not decode_rle([2, 2], [4]).any()


def test_text_by_hand():
    # 2, 3 and 1 as they are; the fourth, 1, as its difference -2 to the second: 30 in five bits.
    assert unpack("231N") == [2, 3, 1, 1]
    # 40 is 8 + 32, so "8 and more follow", then 1.
    assert unpack("X1") == [40]


def test_text_of_random_masks():
    draw = np.random.default_rng(0)
    for _ in range(20):
        runs = draw.integers(1, [3, 70, 5000][draw.integers(3)], draw.integers(1, 40)).tolist()
        assert unpack(pack(runs)) == runs


def test_what_does_not_fill_the_mask_is_refused():
    with pytest.raises(ValueError, match="cover 5 pixels, not 2 x 3"):
        decode_rle([2, 3], [1, 4])
    with pytest.raises(ValueError, match="cover 6 pixels"):
        decode_rle([2, 3], [4, -2, 4])
    with pytest.raises(ValueError, match="no part of a mask"):
        decode_rle([2, 3], "2 ")

"""Bundles of tensors are joined along their batch."""

import pytest
import torch

from spir.types import Code, Guess, Outcome, Pose, join


def guess(count, value):
    like = torch.full((count,), value)
    pose = Pose(None, torch.zeros(count, 2), like, torch.zeros(count, 4))
    maps = torch.zeros(count, 2, 2, 3)
    return Guess(maps, maps[..., 0], Code(torch.zeros(count, 1, 4)), pose, like, (Outcome.SOLVED,) * count)


def test_nested_bundles_names_and_nones():
    both = join([guess(2, 1.0), guess(1, 5.0)])
    assert both.pose.scale.tolist() == [1, 1, 5] and both.pose.z0 is None and both.code.palette is None
    assert both.outcome == (Outcome.SOLVED,) * 3 and both.nocs.shape == (3, 2, 2, 3)
    with pytest.raises(ValueError, match="nothing"):
        join([])

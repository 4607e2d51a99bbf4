"""Silhouettes compared by hand-counted pixels."""

import pytest
import torch

from spir.outputs.agreement import silhouette_iou


def test_counted_by_hand():
    found, wanted = torch.zeros(4, 4), torch.zeros(4, 4)
    found[:, :2], wanted[:2] = 0.9, 0.5
    assert silhouette_iou(found, wanted) == pytest.approx(4 / 12)
    assert silhouette_iou(found, found) == 1 and silhouette_iou(found, 1 - found) == 0


def test_nothing_agrees_with_nothing():
    assert silhouette_iou(torch.full((3, 3), 0.4), torch.zeros(3, 3)) == 1

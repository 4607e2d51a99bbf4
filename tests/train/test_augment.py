"""Augmentation keeps labels true to the picture."""

import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from spir.train.encoder.augment import augment, crop_grid, imperfect_mask, load_backgrounds


def disc(size: int = 64, batch: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A disc whose NOCS x, y are picture coordinates and whose colour is its NOCS."""
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    alpha = ((x**2 + y**2) < 0.5).float().expand(batch, 1, -1, -1)
    nocs = torch.stack([x, -y, 0 * x]).expand(batch, -1, -1, -1) * alpha
    return (nocs + 1) / 2 * alpha, nocs, alpha


def test_labels_move_with_the_picture():
    torch.manual_seed(0)
    rgb, nocs, alpha = disc()
    sample = augment(rgb, nocs, alpha, torch.rand(4, 3, 64, 64))
    assert sample.rgb.abs().max() <= 1 and 0 <= sample.mask.min() and sample.mask.max() <= 1
    assert torch.isfinite(sample.nocs).all()
    solid = sample.truth > 0.99
    assert solid.any(dim=(1, 2)).all()
    # Height never flips; the sideways coordinate runs the same way in the picture, mirrored or not.
    rise = sample.nocs[..., 1]
    x = torch.linspace(-1, 1, 64).expand(12, 64, 64)
    top, bottom = solid[:, :32], solid[:, 32:]
    for i in range(12):
        if top[i].any() and bottom[i].any():
            assert rise[i, :32][top[i]].mean() > rise[i, 32:][bottom[i]].mean()
        across = torch.corrcoef(torch.stack([x[i][solid[i]], sample.nocs[i, ..., 0][solid[i]]]))[0, 1]
        assert across > 0.8


def test_framing_shows_the_whole_object_at_about_its_margin():
    torch.manual_seed(0)
    _, _, alpha = disc(batch=64)
    grid = crop_grid(alpha, torch.ones(64))
    seen = torch.nn.functional.grid_sample(alpha, grid, align_corners=False)
    share = seen.mean(dim=(1, 2, 3))
    assert 0.5 < share.median() < 0.75


def test_masks_are_wrong_but_not_absurd():
    torch.manual_seed(0)
    _, _, alpha = disc(batch=64)
    mask = imperfect_mask(alpha)
    iou = (mask * alpha).sum(dim=(1, 2, 3)) / torch.maximum(mask, alpha).sum(dim=(1, 2, 3))
    assert 0.85 < iou.median() < 1 and iou.min() > 0.5 and iou.std() > 0.005


def test_backgrounds_come_from_a_tar(tmp_path):
    Image.fromarray(np.full((20, 30, 3), 200, np.uint8)).save(tmp_path / "a.png")
    with tarfile.open(tmp_path / "scenes.tar", "w") as archive:
        archive.add(tmp_path / "a.png", "a.png")
    scenes = load_backgrounds(tmp_path / "scenes.tar", size=16)
    assert scenes.shape == (1, 3, 16, 16) and torch.allclose(scenes, torch.tensor(200 / 255))
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(ValueError, match="no .jpg"):
        load_backgrounds(tmp_path / "empty.tar")

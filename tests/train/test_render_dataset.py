"""The encoder's pictures: folders in shares, photos in their own colours, and coordinates beyond a fit's
outline."""

import numpy as np
import pytest
import torch

from spir.formulas import FORMULAS
from spir.train.encoder.photo_views import extrapolate_nocs
from spir.train.encoder.render_dataset import RenderDataset
from spir.train.encoder.shards import Views, save_shard

CAR = FORMULAS["car"]
MAPPING = torch.clone
"""w = z, to see which z was drawn."""


def shard(folder, count, known=None, photo=False, w=None):
    attention = np.zeros((count, 8, 8, 10), np.uint8)
    attention[..., 0] = 255
    rgb = np.full((count, 8, 8, 3), 51, np.uint8)
    views = Views(
        np.zeros((count, CAR.z_dim), np.float32),
        None if photo else attention,
        np.zeros((count, 8, 8, 3), np.float16),
        np.full((count, 8, 8), 255, np.uint8),
        None if known is None else np.array(known),
        rgb if photo else None,
        w,
    )
    save_shard(folder, views)


def test_shares_photos_and_what_is_known(tmp_path):
    torch.manual_seed(0)
    shard(tmp_path / "cars", 3)
    shard(tmp_path / "photos", 2, [False, False], photo=True)
    dataset = RenderDataset({tmp_path / "cars": 0.75, tmp_path / "photos": 0.25}, CAR, MAPPING)
    assert len(dataset) == 5 and dataset.size == 8
    drawn = dataset.sample(400, repaint=1.0, strange=0.0)
    photo = (drawn.rgb == 0.2).flatten(1).all(1)
    assert abs(float(photo.float().mean()) - 0.25) < 0.07
    assert torch.equal(drawn.own, ~photo)
    # A rendering is painted with the palette of its own z.
    paint = (CAR.palette(drawn.w)[:, 0] + 1) / 2
    assert torch.allclose(drawn.rgb[~photo][:, :, 0, 0], paint[~photo], atol=1e-5)
    assert not dataset.sample(50, 1.0, strange=1.0).own.any()


def test_a_fitted_code_counts_instead_of_what_z_gives(tmp_path):
    w = np.arange(2 * CAR.z_dim, dtype=np.float32).reshape(2, -1)
    shard(tmp_path / "fitted", 2, [False, False], photo=True, w=w)
    drawn = RenderDataset({tmp_path / "fitted": 1.0}, CAR, MAPPING).sample(20, repaint=1.0, strange=1.0)
    assert drawn.own.all() and set(drawn.w[:, 0].tolist()) == {0.0, float(CAR.z_dim)}


def test_a_growing_folder_is_read_and_an_empty_one_refused(tmp_path):
    shard(tmp_path / "cars", 3)
    dataset = RenderDataset({tmp_path / "cars": 1.0}, CAR, MAPPING)
    shard(tmp_path / "cars", 2)
    dataset.reload()
    assert len(dataset) == 5
    with pytest.raises(SystemExit, match="holds no views"):
        RenderDataset({tmp_path / "cars": 0.5, tmp_path / "none": 0.5}, CAR, MAPPING)


def test_coordinates_go_on_beyond_the_outline():
    nocs, alpha = torch.zeros(1, 24, 24, 3), torch.zeros(1, 24, 24)
    alpha[:, 8:16, 8:16] = 1
    nocs[:, 8:16, 8:16] = torch.tensor([0.3, -0.2, 0.5])
    found = extrapolate_nocs(nocs, alpha)
    assert torch.allclose(found[0, 2, 2], torch.tensor([0.3, -0.2, 0.5]), atol=1e-5)
    assert torch.equal(found[:, 8:16, 8:16], nocs[:, 8:16, 8:16])
    half = extrapolate_nocs(nocs * 0.8, alpha * 0.8)
    assert torch.allclose(half[0, 10, 10], torch.tensor([0.3, -0.2, 0.5]), atol=1e-5)

"""What the encoder's training shows and asks, apart from the networks."""

import torch

from spir.bootstrap.encoder import EncoderOutput
from spir.categories import CATEGORIES
from spir.formulas import FORMULAS
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import front_direction
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.encoder.augment import AugmentedView
from spir.train.encoder.render_dataset import random_part_colours
from spir.train.encoder.train import front_of_map, losses

CAR = FORMULAS["car"]
NAMES = CATEGORIES["car"].palette_names


def test_strange_cars_keep_paint_and_light_and_lose_the_rest():
    torch.manual_seed(0)
    palette = CAR.palette(torch.randn(400, CAR.z_dim))
    strange = random_part_colours(palette)
    changed = (strange != palette).any(dim=2).float().mean(dim=0)
    kept = [NAMES.index(name) for name in ("body paint", "shade", "highlight")]
    assert (changed[kept] == 0).all()
    others = [i for i in range(len(NAMES)) if i not in kept]
    assert (changed[others] > 0.4).all() and (changed[others] < 0.8).all()
    assert strange.abs().max() <= 1
    painted = (strange == palette[:, :1]).all(dim=2).float().mean(dim=0)[others]
    assert (painted > 0.15).all(), "no part ever takes the paint"


def test_w_is_asked_only_where_its_colours_are_seen():
    torch.manual_seed(0)
    maps, flat = torch.rand(2, 8, 8, 3), torch.rand(2, 8, 8)
    out = EncoderOutput(maps, flat, flat, torch.randn(2, 1, 5))
    sample = AugmentedView(
        torch.rand(2, 16, 16, 3), torch.ones(2, 16, 16), torch.rand(2, 16, 16, 3), torch.ones(2, 16, 16)
    )
    w, variance = torch.randn(2, 5), torch.rand(5) + 0.5
    both = losses(out, sample, w, variance, torch.tensor([True, True]))
    first = losses(out, sample, w, variance, torch.tensor([True, False]))
    assert torch.allclose(first["w"], ((out.w[0, 0] - w[0]).square() / variance).mean())
    assert torch.allclose(both["w"], ((out.w[:, 0] - w).square().mean(dim=0) / variance).mean())
    assert first["nocs"] == both["nocs"] and first["mask"] == both["mask"]
    none = losses(out, sample, w, variance, torch.tensor([False, False]))
    assert none["w"] == 0


def test_the_front_is_read_off_the_map_of_coordinates_from_every_side():
    torch.manual_seed(0)
    azimuth = torch.arange(0.0, 360.0, 30.0)
    like = torch.ones_like(azimuth)
    pose = look_at_pose(azimuth, 10 * like, focal=3 * like, scale=0.95 * like)
    field = CAR.field(torch.randn(1, CAR.z_dim).expand(len(azimuth), -1))
    with torch.no_grad():
        seen = render(field, camera_from_pose(pose), RenderConfig(size=48, samples=8, nocs=True))
    coordinates = seen.nocs / seen.alpha[..., None].clamp(min=1e-3)
    found, certain = front_of_map(coordinates, (seen.alpha > 0.9).float())
    cosine = (found * front_direction(pose.quaternion)).sum(1)
    assert certain.all() and (cosine > 0.97).all()
    mirrored, _ = front_of_map(
        coordinates.flip(2) * torch.tensor([-1.0, 1.0, 1.0]), (seen.alpha > 0.9).float().flip(2)
    )
    assert torch.allclose(mirrored, found * torch.tensor([-1.0, 1.0]), atol=1e-3)
    nothing = front_of_map(coordinates * 0, seen.alpha * 0)
    assert not nothing[1].any() and nothing[0].isfinite().all()

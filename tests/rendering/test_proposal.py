"""What the proposal drops is empty, what it keeps is covered."""

import torch

from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.proposal import interpolate_grid, occupied_box, pack, propose
from spir.rendering.shade import object_rays
from tests.rendering.fields import box, sphere, two_spheres


def test_pack():
    chosen = torch.tensor([[0, 1, 0, 1, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    index, valid = pack(chosen)
    assert index.tolist() == [[1, 3, 4], [2, 0, 0], [0, 0, 0]]
    assert valid.tolist() == [[True] * 3, [True, False, False], [False] * 3]
    index, valid = pack(torch.zeros(2, 4, dtype=torch.bool))
    assert index.shape == (2, 1) and not valid.any()


def test_the_grid_is_read_in_the_right_axes():
    line = torch.linspace(-0.7, 0.7, 9)
    x, y, z = torch.meshgrid(line, line, line, indexing="ij")
    grid = torch.stack((x + 2 * y + 5 * z, -x))
    points = (torch.rand(2, 50, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1) * 0.7
    found = interpolate_grid(grid, points, 0.7)
    torch.testing.assert_close(found[0], points[0] @ torch.tensor((1.0, 2.0, 5.0)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1], -points[1, :, 0], atol=1e-6, rtol=1e-5)


def test_the_box_is_tight_but_holds_the_density():
    field = box(half=(0.6, 0.3, 0.4), beta=0.005)
    low, high = occupied_box(field, field.sdf_grid(48), 1e-3)
    half = torch.tensor([[0.6, 0.3, 0.4]])
    assert (high > half + 0.02).all() and (high < half + 0.15).all()
    torch.testing.assert_close(low, -high)


def test_an_empty_cube_has_no_box():
    field = sphere(radius=-1.0)
    low, high = occupied_box(field, field.sdf_grid(16), 1e-3)
    assert (low > high).all() and low.isfinite().all()


def test_dropped_rays_are_empty_and_kept_ones_covered():
    field = two_spheres(beta=0.02)
    camera = camera_from_pose(
        look_at_pose(torch.tensor([30.0]), torch.tensor([10.0]), focal=torch.tensor([1.2]))
    )
    config = RenderConfig(size=32, samples=16)
    origins, directions = object_rays(camera, 1, config)
    found = propose(field, field.sdf_grid(48), origins, directions, config)
    t = torch.linspace(0.5, 5, 4001)
    points = origins[0, :, None] + t[:, None] * directions[0, :, None]
    density = field(points.reshape(1, -1, 3)).density.reshape(-1, len(t))
    depth = torch.cumulative_trapezoid(density, t)
    kept = torch.zeros(32 * 32, dtype=torch.bool)
    kept[found.ray[found.valid]] = True
    assert 100 < kept.sum() < 600
    assert depth[~kept, -1].max() < 3e-3, "cull is 1e-3; the grid may err a little"
    # Nearly all of the light of a kept ray lies between its first and last sample.
    light = 1 - torch.exp(-torch.nn.functional.pad(depth, (1, 0)))
    rows = light[found.ray[0]]

    def at(when):
        return rows.gather(1, torch.searchsorted(t, when.contiguous())[:, None])[:, 0]

    outside = at(found.t[0, :, 0]) + rows[:, -1] - at(found.t[0, :, -1])
    assert outside.max() < 0.02
    assert (torch.diff(found.t, dim=-1) >= 0).all()


def test_jitter_is_seeded_and_keeps_the_order():
    field = sphere()
    camera = camera_from_pose(look_at_pose(torch.zeros(1), torch.zeros(1), focal=torch.ones(1)))
    config = RenderConfig(size=16)
    origins, directions = object_rays(camera, 1, config)
    grid = field.sdf_grid(32)

    def draw(seed):
        draws = torch.Generator().manual_seed(seed)
        return propose(field, grid, origins, directions, config, draws).t

    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))
    assert (torch.diff(draw(1), dim=-1) >= 0).all()

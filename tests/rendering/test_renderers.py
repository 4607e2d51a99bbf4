"""Every renderer of the table against closed forms, and the promises that all of them make."""

import math
from dataclasses import fields as columns

import pytest
import torch

from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import RENDERERS, render
from spir.types import Camera, Rendering
from tests.rendering.fields import PALETTE, Spheres, box, law, sphere, two_spheres

BOTH = pytest.mark.parametrize("renderer", sorted(RENDERERS))


def view(*azimuths, elevation=20.0, focal=1.5, scale=1.0) -> Camera:
    azimuth = torch.tensor([float(a) for a in azimuths])
    return camera_from_pose(
        look_at_pose(
            azimuth,
            torch.full_like(azimuth, elevation),
            focal=None if focal is None else torch.full_like(azimuth, focal),
            scale=torch.full_like(azimuth, scale),
        )
    )


def everything(renderer, size=32, **changes) -> RenderConfig:
    return RenderConfig(renderer, size=size, normals=True, attention=True, nocs=True, **changes)


def assert_same(first: Rendering, second: Rendering, **tolerance):
    for column in columns(Rendering):
        torch.testing.assert_close(getattr(first, column.name), getattr(second, column.name), **tolerance)


@BOTH
@pytest.mark.parametrize("focal", [1.5, None])
def test_a_sphere_has_the_area_depth_normals_and_coordinates_of_a_sphere(renderer, focal):
    radius, camera = 0.5, view(35, focal=focal)
    found = render(sphere(radius, beta=0.002), camera, everything(renderer, size=64))
    # A ray that passes the sphere at a distance d has optical depth c exp(-d / beta), c from the Gaussian
    # integral of the path's curvature; the silhouette so grows by beta (ln c + Euler's gamma).
    seen = radius + 0.002 * (math.log(math.sqrt(2 * math.pi * radius * 0.002) / 0.004) + 0.5772)
    # From f / s away, the silhouette cone has sine radius / distance.
    picture_radius = seen / 2 if focal is None else focal * math.tan(math.asin(seen / (2 * focal)))
    assert found.alpha.sum().item() == pytest.approx(math.pi * (64 * picture_radius) ** 2, rel=0.01)
    origins, directions = rays(camera, 64, 64)
    # |o + t d| = radius
    along = (origins * directions).sum(-1)
    discriminant = along.square() - origins.square().sum(-1) + radius**2
    inner = discriminant > 0.1
    t = -along - discriminant.clamp_min(0).sqrt()
    surface = origins + t[..., None] * directions
    assert inner.sum() > 100
    torch.testing.assert_close(found.depth[inner], t[inner], atol=8e-3, rtol=0)
    torch.testing.assert_close(found.nocs[inner], surface[inner], atol=8e-3, rtol=0)
    torch.testing.assert_close(found.normals[inner], surface[inner] / radius, atol=2e-2, rtol=0)
    torch.testing.assert_close(found.alpha[inner], torch.ones(int(inner.sum())), atol=1e-3, rtol=0)


@BOTH
def test_a_box_from_the_front(renderer):
    field, camera = box((0.6, 0.3, 0.4), beta=0.002), view(0, elevation=0.0, focal=None)
    found = render(field, camera, everything(renderer, size=64))
    origins, directions = rays(camera, 64, 64)
    t = torch.linspace(9, 11, 1001)
    points = origins[..., None, :] + t[:, None] * directions[..., None, :]
    density = field.law(field.sdf(points.reshape(1, -1, 3))).reshape(1, 64, 64, -1)
    exact = -torch.expm1(-torch.trapezoid(density, t))
    torch.testing.assert_close(found.alpha, exact, atol=0.03, rtol=0)
    inside = found.nocs[0, 30:34, 20:44]
    torch.testing.assert_close(inside[..., 2], torch.full((4, 24), 0.4), atol=1e-2, rtol=0)
    torch.testing.assert_close(inside[0, :, 0], (torch.arange(20, 44) + 0.5) / 32 - 1, atol=2e-3, rtol=0)
    front = torch.tensor((0.0, 0.0, 1.0)).expand(4, 24, 3)
    torch.testing.assert_close(found.normals[0, 30:34, 20:44], front, atol=1e-2, rtol=0)


@BOTH
def test_colour_is_attention_times_palette(renderer):
    """§3.1: the colour mapping may be applied before or after rendering."""
    found = render(two_spheres(), view(40), everything(renderer, background=-0.5))
    torch.testing.assert_close(found.attention.sum(-1), found.alpha, atol=1e-5, rtol=0)
    later = found.attention @ PALETTE - 0.5 * (1 - found.alpha)[..., None]
    torch.testing.assert_close(found.rgb, later, atol=1e-5, rtol=0)


@BOTH
def test_the_background_stays_what_it_is(renderer):
    found = render(sphere(), view(0, scale=0.5), everything(renderer, background=0.25))
    assert torch.equal(found.rgb[0, 0, 0], torch.full((3,), 0.25)) and found.alpha[0, 0, 0] == 0
    assert found.depth[0, 0, 0] == 0 and found.alpha.max() > 0.99


@BOTH
def test_nothing_in_sight_is_background_with_finite_gradients(renderer):
    pose = look_at_pose(
        torch.zeros(2), torch.zeros(2), focal=torch.ones(2), shift=torch.tensor([[50.0, 0.0], [0.0, -50.0]])
    )
    pose.shift.requires_grad_()
    found = render(sphere(), camera_from_pose(pose), everything(renderer, size=8, background=0.3))
    assert torch.equal(found.rgb, torch.full((2, 8, 8, 3), 0.3)) and not found.alpha.any()
    (found.rgb.sum() + found.alpha.sum() + found.depth.sum() + found.nocs.sum()).backward()
    assert pose.shift.grad.isfinite().all()


@BOTH
def test_an_empty_field_and_a_full_one(renderer):
    empty = render(sphere(radius=-3.0), view(10), everything(renderer, size=8))
    assert not empty.alpha.any() and empty.depth.isfinite().all()
    full = render(sphere(radius=9.0, beta=0.01), view(0, elevation=0.0), RenderConfig(renderer, size=8))
    assert full.alpha[0, 3:5, 3:5].min() > 0.999


@BOTH
def test_a_batch_is_the_loop_over_its_members(renderer):
    centre = torch.tensor([[[0.1, 0.0, 0.0]], [[0.0, -0.2, 0.1]], [[0.0, 0.0, 0.0]]])
    radius = torch.tensor([[0.3], [0.5], [-3.0]])
    together = render(
        Spheres(law(), PALETTE, 1.0, centre, radius), view(0, 80, 200), everything(renderer, 16)
    )
    for row, azimuth in enumerate((0, 80, 200)):
        alone = Spheres(law(), PALETTE, 1.0, centre[row : row + 1], radius[row : row + 1])
        assert_same(
            together[row : row + 1],
            render(alone, view(azimuth), everything(renderer, 16)),
            atol=1e-5,
            rtol=1e-5,
        )


@BOTH
def test_a_turntable_is_one_object_and_many_cameras(renderer):
    azimuths = (0, 90, 180, 270)
    table = render(two_spheres(), view(*azimuths), everything(renderer, 16))
    for row, azimuth in enumerate(azimuths):
        assert_same(
            table[row : row + 1],
            render(two_spheres(), view(azimuth), everything(renderer, 16)),
            atol=1e-5,
            rtol=1e-5,
        )


@BOTH
def test_several_views_of_several_objects(renderer):
    pair = Spheres(
        law(), PALETTE, 1.0, torch.tensor([[[0.1, 0, 0]], [[0, 0.2, 0]]]), torch.tensor([[0.3], [0.5]])
    )
    found = render(pair, view(0, 90, 0, 90), everything(renderer, 16))
    single = render(pair, view(90, 90), everything(renderer, 16))
    assert_same(found[1:4:2], single, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="3 cameras .* 2 objects"):
        render(pair, view(0, 1, 2), RenderConfig(renderer, size=8))


@BOTH
def test_the_same_call_gives_the_same_bits(renderer):
    pictures = [render(two_spheres(), view(40), everything(renderer)) for _ in range(2)]
    assert_same(*pictures, atol=0, rtol=0)


@BOTH
def test_with_and_without_gradient_agree(renderer):
    with torch.no_grad():
        plain = render(two_spheres(), view(40), everything(renderer))
    with torch.inference_mode():
        inference = render(two_spheres(), view(40), everything(renderer))
    traced = render(two_spheres(), view(40), everything(renderer))
    assert_same(plain, traced, atol=1e-6, rtol=1e-6)
    assert_same(inference, traced, atol=1e-6, rtol=1e-6)


@BOTH
def test_optional_pictures_are_only_made_on_demand(renderer):
    found = render(sphere(), view(0), RenderConfig(renderer, size=8))
    assert found.normals is None and found.nocs is None and found.attention is None


@BOTH
def test_jitter_changes_little_and_is_seeded(renderer):
    config = RenderConfig(renderer, size=32)
    plain = render(two_spheres(), view(40), config)
    first, again, other = (
        render(two_spheres(), view(40), config, torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    )
    assert torch.equal(first.rgb, again.rgb) and not torch.equal(first.rgb, other.rgb)
    assert 10 * torch.log10(4 / (first.rgb - plain.rgb).square().mean()) > 40


@BOTH
def test_pixel_corners(renderer):
    """Half a pixel of shift is the difference between the two conventions."""
    config = RenderConfig(renderer, size=16, pixel_centre=0.0)
    pose = look_at_pose(torch.zeros(1), torch.zeros(1), shift=torch.tensor([[-1 / 16, 1 / 16]]))
    centred = look_at_pose(torch.zeros(1), torch.zeros(1))
    torch.testing.assert_close(
        render(sphere(), camera_from_pose(pose), config).alpha,
        render(sphere(), camera_from_pose(centred), RenderConfig(renderer, size=16)).alpha,
        atol=1e-3,
        rtol=0,
    )

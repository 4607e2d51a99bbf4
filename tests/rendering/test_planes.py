"""The renderers on the generator's own kind of field: three planes and a decoder."""

import pytest
import torch

from spir.generator.colour import map_colour
from spir.generator.sdf import Decoder, PlaneField
from spir.geometry.density import LaplaceDensity
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from tests.rendering.fields import two_spheres
from tests.rendering.test_fast import cosine, psnr

SIZE, CHANNELS = 32, 8
CAMERA = camera_from_pose(
    look_at_pose(
        torch.tensor([35.0]), torch.tensor([20.0]), focal=torch.tensor([1.2]), scale=torch.tensor([1.1])
    )
)


@pytest.fixture(scope="module")
def fitted() -> tuple[torch.Tensor, Decoder]:
    """Planes and a decoder fitted for a moment to two spheres."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        planes = torch.nn.Parameter(0.1 * torch.randn(1, 3, CHANNELS, SIZE, SIZE))
        decoder = Decoder(CHANNELS, 32, 3)
        optimiser = torch.optim.Adam([planes, *decoder.parameters()], lr=1e-2)
        truth = two_spheres()
        for _ in range(250):
            points = torch.rand(1, 2048, 3) * 2.2 - 1.1
            goal, found = truth(points), plane_field(planes, decoder)(points)
            loss = (found.sdf - goal.sdf).abs().mean() + 0.1 * (found.rgb - goal.rgb).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        assert (found.sdf - goal.sdf).abs().mean() < 0.03
    return planes.detach(), decoder.requires_grad_(False)


def plane_field(planes: torch.Tensor, decoder: Decoder, palette: torch.Tensor | None = None) -> PlaneField:
    palette = two_spheres().palette[None].expand(len(planes), 3, 3) if palette is None else palette
    law = LaplaceDensity(torch.tensor([0.02]), torch.tensor([0.02]))
    return PlaneField(planes, palette, decoder, law, 1.0)


@torch.no_grad()
def test_the_same_picture(fitted):
    field = plane_field(*fitted)
    expected = render(field, CAMERA, RenderConfig("reference", size=48, coarse=160, fine=160))
    assert 0.1 < expected.alpha.mean() < 0.6
    for samples, floor in ((8, 52), (16, 60), (24, 65)):
        found = render(field, CAMERA, RenderConfig(size=48, samples=samples))
        assert psnr(found.rgb, expected.rgb) > floor
        assert (found.alpha - expected.alpha).abs().mean() < 4e-3


def test_the_same_plane_gradients(fitted):
    planes, decoder = fitted
    goal = torch.nn.functional.interpolate(
        torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1, size=48, mode="bilinear"
    ).permute(0, 2, 3, 1)

    def gradient(config: RenderConfig) -> torch.Tensor:
        leaf = planes.clone().requires_grad_()
        found = render(plane_field(leaf, decoder), CAMERA, config)
        ((found.rgb - goal).square().mean() + 0.5 * (found.alpha - 0.5).square().mean()).backward()
        return leaf.grad

    expected = gradient(RenderConfig("reference", size=48, coarse=128, fine=128))
    for samples, single, pooled in ((8, 0.98, 0.99), (16, 0.995, 0.998)):
        found = gradient(RenderConfig(size=48, samples=samples))
        assert cosine(found, expected) > single
        # What a convolutional generator passes on is the gradient pooled over neighbours.
        shrunk = [torch.nn.functional.avg_pool2d(g.flatten(0, 1), 4) for g in (found, expected)]
        assert cosine(*shrunk) > pooled


@torch.no_grad()
def test_recolouring_a_stored_rendering_is_rendering_in_new_colours(fitted):
    """§3.1: the palette may be applied after rendering."""
    stored = render(plane_field(*fitted), CAMERA, RenderConfig(size=32, attention=True))
    palette = torch.tensor([[[0.5, 0.1, -0.9], [-0.2, 0.9, 0.9], [-1.0, 0.0, 0.3]]])
    again = render(plane_field(*fitted, palette), CAMERA, RenderConfig(size=32))
    later = map_colour(stored.attention.flatten(1, 2), palette).unflatten(1, (32, 32))
    torch.testing.assert_close(later, again.rgb, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_turntable_of_planes(fitted):
    field = plane_field(*fitted)
    azimuths = torch.tensor([0.0, 90.0, 200.0])
    cameras = camera_from_pose(look_at_pose(azimuths, torch.zeros(3), focal=torch.full((3,), 1.5)))
    config = RenderConfig(size=24, normals=True)
    table = render(field, cameras, config)
    for row in range(3):
        single = render(field, cameras[row : row + 1], config)
        torch.testing.assert_close(table.rgb[row], single.rgb[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(table.normals[row], single.normals[0], atol=2e-3, rtol=0)

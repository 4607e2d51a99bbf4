"""Colours that depend on where they are seen from: the authors' CARLA network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from spir.generator import PAPER, Generator, GeneratorConfig
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.outputs.mesh import coloured
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import RENDERERS, render

HERE = Path(__file__).parent
TINY = GeneratorConfig(8, 16, 16, 4, 128, 16, values=5, view_direction=True)


@pytest.fixture
def shiny():
    torch.manual_seed(0)
    generator = Generator(TINY).eval().requires_grad_(False)
    torch.nn.init.normal_(generator.viewdir_mapper.output.weight, std=4)
    # A ball, so that there is something to see.
    generator.decoder.net[2].weight[0] *= 0.1
    generator.decoder.net[2].bias[0] = -0.3
    return generator


def field_of(generator):
    return generator.field(
        generator.code(torch.randn(1, TINY.z_dim, generator=torch.Generator().manual_seed(1)))
    )


def test_the_network_is_the_authors():
    with torch.device("meta"):
        carla = Generator(replace(PAPER, scene_range=3.0, view_direction=True))
    assert sum(parameter.numel() for parameter in carla.parameters()) == 32_189_208
    ours = {name: str(tuple(tensor.shape)) for name, tensor in carla.state_dict().items()}
    lines = (HERE / "carla_tensors.txt").read_text().splitlines()
    assert ours == {name: shape for name, shape in (line.split(" ", 1) for line in lines)}


def test_directions_change_attention_and_nothing_else(shiny):
    field = field_of(shiny)
    points = torch.rand(1, 40, 3) * 2 - 1
    ways = F.normalize(torch.randn(2, 1, 40, 3), dim=-1)
    first, second = (field(points, way) for way in ways)
    torch.testing.assert_close(first.sdf, second.sdf)
    torch.testing.assert_close(first.density, second.density)
    assert (first.attention - second.attention).abs().max() > 0.05
    torch.testing.assert_close(first.rgb, first.attention @ field.palette)


def test_without_a_direction_the_surface_is_seen_head_on(shiny):
    field = field_of(shiny)
    points = (torch.rand(1, 30, 3) * 2 - 1) * 0.6
    with torch.no_grad():
        colours, _ = coloured(field, points[0])
        gradient = torch.stack(
            [field.sdf(points + 1e-3 * axis) - field.sdf(points - 1e-3 * axis) for axis in torch.eye(3)], -1
        )
    expected = field(points, -F.normalize(gradient, dim=-1)).rgb[0].clamp(-1, 1)
    assert (colours - expected).abs().median() < 2e-3


@pytest.mark.parametrize("renderer", RENDERERS)
def test_renderers_ask_along_the_ray(shiny, renderer):
    """A point on the optical axis: whoever looks from the front sees what the field says of the way backwards."""
    field = field_of(shiny)
    asked = []
    field.view.register_forward_hook(lambda _, inputs, __: asked.append(inputs[0]))
    front = torch.zeros(1)
    camera = camera_from_pose(look_at_pose(front, front, focal=torch.full((1,), 3.0)))
    with torch.no_grad():
        render(field, camera, RenderConfig(size=8, renderer=renderer))
    seen = asked[-1].flatten(0, 1)
    assert torch.allclose(seen.norm(dim=-1), torch.ones(len(seen)), atol=1e-5)
    assert (seen @ torch.tensor([0.0, 0.0, -1.0]) > 0.95).all(), (
        "away from the camera, which is in front at +z"
    )

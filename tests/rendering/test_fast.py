"""The fast renderer against the reference: the same pictures and the same gradients."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Pose
from tests.rendering.fields import Boxes, Spheres, box, sphere, two_spheres

FIELDS = {"sphere": sphere, "two spheres": two_spheres, "box": box}
POSE = ("shift", "scale", "quaternion", "z0")
YARDSTICK = RenderConfig("reference", size=48, coarse=160, fine=160)


def pose_of(orthographic: bool = False) -> Pose:
    return look_at_pose(
        torch.tensor([35.0]),
        torch.tensor([20.0]),
        torch.tensor([5.0]),
        None if orthographic else torch.tensor([1.2]),
        torch.tensor([1.1]),
        torch.tensor([[0.05, -0.03]]),
    )


def psnr(first: torch.Tensor, second: torch.Tensor) -> float:
    """Decibels, for pictures in [-1, 1]."""
    return (10 * torch.log10(4 / (first - second).square().mean())).item()


def cosine(first: torch.Tensor, second: torch.Tensor) -> float:
    return torch.nn.functional.cosine_similarity(first.flatten(), second.flatten(), dim=0).item()


@pytest.mark.parametrize("beta", [0.05, 0.02, 0.005])
@pytest.mark.parametrize("name", FIELDS)
@torch.no_grad()
def test_the_same_picture(name, beta):
    field, camera = FIELDS[name](beta=beta), camera_from_pose(pose_of())
    expected = render(field, camera, replace(YARDSTICK, nocs=True))
    for samples, floor, mask_error in ((8, 50, 8e-3), (16, 60, 2e-3), (24, 65, 1e-3)):
        found = render(field, camera, RenderConfig(size=48, samples=samples, nocs=True))
        assert psnr(found.rgb, expected.rgb) > floor
        assert psnr(found.nocs, expected.nocs) > floor - 2
        assert (found.alpha - expected.alpha).abs().mean() < mask_error


def smooth_target(size: int) -> torch.Tensor:
    noise = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(2)) * 2 - 1
    return torch.nn.functional.interpolate(noise, size=size, mode="bilinear").permute(0, 2, 3, 1)


def gradients(make_field, config: RenderConfig, orthographic: bool) -> dict[str, torch.Tensor]:
    pose = pose_of(orthographic)
    leaves = {name: getattr(pose, name) for name in POSE}
    leaves = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items() if leaf is not None}
    size = torch.tensor([1.0], requires_grad=True)
    palette = torch.zeros(3, 3, requires_grad=True)
    posed = Pose(leaves.get("z0"), leaves["shift"], leaves["scale"], leaves["quaternion"])
    field = make_field(size)
    field = replace(field, palette=field.palette + palette)
    found = render(field, camera_from_pose(posed), config)
    weights = torch.tensor((1.0, 0.8, 1.2))
    loss = ((found.rgb - smooth_target(config.size)).square() * weights).mean() + 0.5 * (
        found.alpha - 0.3
    ).square().mean()
    loss.backward()
    leaves |= {"size": size, "palette": palette}
    return {name: leaf.grad for name, leaf in leaves.items()}


@cache
def yardstick_gradients(make_field, orthographic: bool) -> dict[str, torch.Tensor]:
    """Many more samples than for pictures: the reference slides its samples along with the camera, and the
    noise of that vanishes slowly."""
    return gradients(make_field, RenderConfig("reference", size=32, coarse=600, fine=600), orthographic)


def sized_spheres(size):
    plain = two_spheres()
    return replace(plain, radius=plain.radius * size, centre=plain.centre * size)


def sized_box(size):
    plain = box()
    return replace(plain, half=plain.half * torch.stack((size, size**2, size**3), -1))


@pytest.mark.parametrize("make_field", [sized_spheres, sized_box])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("samples", [8, 16])
def test_the_same_gradients(make_field, orthographic, samples):
    expected = yardstick_gradients(make_field, orthographic)
    found = gradients(make_field, RenderConfig(size=32, samples=samples), orthographic)
    # As one vector, because some of its entries nearly cancel over the picture.
    pose = [torch.cat([g.flatten() for n, g in each.items() if n in POSE]) for each in (found, expected)]
    assert cosine(*pose) > (0.98 if samples == 8 else 0.993)
    assert 0.85 < (pose[0].norm() / pose[1].norm()).item() < 1.15
    torch.testing.assert_close(found["size"], expected["size"], rtol=0.8 / samples, atol=1e-4)
    assert cosine(found["palette"], expected["palette"]) > 0.9995


def test_the_gradient_is_the_slope():
    """Central differences of the rendered loss itself, for the camera and for the object."""

    def loss(shift: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        pose = replace(pose_of(), shift=shift)
        found = render(sized_spheres(size), camera_from_pose(pose), RenderConfig(size=48, samples=24))
        return ((found.rgb - 0.2).square().sum(-1) + found.alpha * torch.linspace(0, 1, 48)).mean()

    shift = torch.tensor([[0.05, -0.03]], requires_grad=True)
    size = torch.tensor([1.0], requires_grad=True)
    loss(shift, size).backward()
    step = 0.01
    for leaf, where in ((shift, (0, 0)), (shift, (0, 1)), (size, (0,))):
        move = torch.zeros_like(leaf)
        move[where] = step
        ahead, behind = (
            loss(shift.detach() + s * move, size.detach())
            if leaf is shift
            else loss(shift.detach(), size.detach() + s * move)
            for s in (1, -1)
        )
        slope = ((ahead - behind) / (2 * step)).item()
        assert leaf.grad[where].item() == pytest.approx(slope, rel=0.05, abs=2e-4)


def test_far_fewer_questions_than_pixels():
    """The field is asked on the rays that see something, `samples` times each, and nowhere else."""
    asked = []

    class Counting(Spheres):
        def __call__(self, points, directions=None):
            asked.append(points.shape[1])
            return super().__call__(points)

    plain = sphere(0.3)
    field = Counting(plain.law, plain.palette, plain.scene_range, plain.centre, plain.radius)
    found = render(field, camera_from_pose(pose_of()), RenderConfig(size=64, samples=8))
    assert sum(asked) == pytest.approx(8 * (found.alpha > 0).sum().item(), rel=0.1)
    assert sum(asked) < 8 * 64 * 64 / 5


def test_a_thin_plate_is_not_missed():
    plate = Boxes(box(beta=0.005).law, box().palette, 1.0, torch.tensor([[0.5, 0.02, 0.4]]))
    camera = camera_from_pose(pose_of())
    with torch.no_grad():
        expected = render(plate, camera, YARDSTICK)
        found = render(plate, camera, RenderConfig(size=48, samples=16, grid=64))
    assert psnr(found.rgb, expected.rgb) > 45

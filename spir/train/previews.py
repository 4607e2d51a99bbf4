"""Pictures that a training writes now and then, to judge it by eye."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from spir.bootstrap.encoder import Encoder
from spir.categories import Category
from spir.data.training_set import TrainingSet
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import about_axis, multiply
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.encoder.augment import AugmentedView
from spir.types import Field

VIEWS_DEG = ((35.0, 12.0), (215.0, 12.0))
"""(azimuth, elevation) of the previews."""


def save_grid(path: Path, rows: list[Float[Tensor, "batch size size 3"]]) -> None:
    """Write rows of pictures in [-1, 1], one column per item, as one picture."""
    pixels = torch.cat([torch.cat(list(row), dim=1) for row in rows])
    Image.fromarray(((pixels + 1) * 127.5).clamp(0, 255).byte().cpu().numpy()).save(path)


@torch.no_grad()
def distillation(
    path: Path, average: Generator, z: Float[Tensor, "batch z"], truth: Field, size: int = 96
) -> None:
    """Write the formula's objects above the generator's, from the front and from behind."""
    field = average.field(average.code(z))
    rows = []
    for azimuth, elevation in VIEWS_DEG:
        like = torch.ones(len(z), device=z.device)
        pose = look_at_pose(azimuth * like, elevation * like, focal=3 * like, scale=0.95 * like)
        for shown in (truth, field):
            rows.append(render(shown, camera_from_pose(pose), RenderConfig(size=size, samples=8)).rgb)
    save_grid(path, rows)


@torch.no_grad()
def bootstrap(path: Path, average: Encoder, sample: AugmentedView) -> None:
    """Write input, true NOCS and predicted NOCS of a batch."""
    out = average(sample.rgb, sample.mask)
    size = sample.rgb.shape[1]
    larger = torch.nn.functional.interpolate(out.nocs.permute(0, 3, 1, 2), (size, size), mode="bilinear")
    solid = (sample.truth > 0.5)[..., None]
    save_grid(path, [sample.rgb, sample.nocs * solid, larger.permute(0, 2, 3, 1) * solid])


@torch.no_grad()
def samples(path: Path, average: Generator, photos: TrainingSet, category: Category, count: int = 8) -> None:
    """Write real pictures, and random objects seen from the same cameras and from their other side."""
    draws = torch.Generator().manual_seed(2)
    device = average.alpha.device
    z = torch.randn(count, average.config.z_dim, generator=draws).to(device)
    index = torch.randint(len(photos), (count,), generator=draws)
    real, pose = photos.draw(index, torch.zeros(count, dtype=torch.bool), category.background)
    field, pose = average.field(average.code(z)), pose.to(device)
    behind = replace(
        pose, quaternion=multiply(pose.quaternion, about_axis(1, torch.full_like(pose.scale, 180)))
    )
    view = RenderConfig.of(category, size=real.shape[2], samples=16)
    fakes = [render(field, camera_from_pose(seen), view).rgb.cpu() for seen in (pose, behind)]
    save_grid(path, [real[:, :3].permute(0, 2, 3, 1), *fakes])

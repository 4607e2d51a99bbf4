"""Stage 3a, the fourth teacher: real photos, labelled with the coordinates of the object that was fitted to
them.

These pseudo-labels are right in the large, where bootstrapping kept only what agrees, and wrong by a few
hundredths of a unit everywhere. What they teach is how real fronts, wheels and reflections look.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from spir.categories import Category
from spir.data.poses.table import SECTORS, PoseTable
from spir.data.sources.picture import Collection
from spir.data.training_set import masked_cutout
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.autodecoder.project_to_w import project_to_w
from spir.train.encoder.shards import Views, to_bytes, to_half
from spir.types import Code, join

PHOTOS_PER_SHARD = 16
MAX_REPEATS = 6
"""A photo from a rare direction is repeated at most so often."""
RIM = 16
"""Coordinates are extrapolated over so many pixels between the two silhouettes."""


@torch.no_grad()
def photo_views(
    photos: Collection, table: PoseTable, generator: Generator, category: Category, size: int
) -> Iterator[Views]:
    """Yield shards of the photos that the table kept, cut out at `size` pixels.

    No z describes them. Where the table has a w for each layer, they get the one w that comes closest."""
    table = replace(table, w=project_to_w(generator, table.w.to(generator.alpha.device)).cpu())
    rows = {name: row for row, name in enumerate(photos.names)}
    view = RenderConfig.of(category, size=size, samples=12, nocs=True)
    device = generator.alpha.device
    chosen_rows, times = balance_directions(table).unique(return_counts=True)
    for chosen, repeats in zip(
        chosen_rows.split(PHOTOS_PER_SHARD), times.split(PHOTOS_PER_SHARD), strict=True
    ):
        cut = join([masked_cutout(photos[rows[table.names[row]]], category, size) for row in chosen.tolist()])
        pose = table.pose.map(lambda part, chosen=chosen: part[chosen]).to(device)
        seen = render(generator.field(Code(table.w[chosen].to(device))), camera_from_pose(pose), view).to(
            "cpu"
        )
        assert seen.nocs is not None
        mask = cut.mask[..., None]
        once = Views(
            np.zeros((len(chosen), generator.config.z_dim), np.float32),
            None,
            to_half(extrapolate_nocs(seen.nocs, seen.alpha) * mask),
            to_bytes(cut.mask),
            np.zeros(len(chosen), bool),
            to_bytes((cut.rgb + 1) / 2 * mask),
            table.w[chosen, 0].numpy(),
        )
        yield once.repeated(repeats.numpy())


def balance_directions(table: PoseTable) -> Int[Tensor, " view"]:
    """The rows that the table kept, those from rare directions up to `MAX_REPEATS` times.

    People photograph cars from the front. An encoder that saw little else takes whatever it is not sure of
    for a front."""
    counts = torch.bincount(table.sectors[table.kept], minlength=SECTORS).clamp(min=1)
    share = (counts.float().mean() / counts).round().clamp(1, MAX_REPEATS).long()
    return torch.arange(len(table)).repeat_interleave(share[table.sectors] * table.kept)


def extrapolate_nocs(
    nocs: Float[Tensor, "batch size size 3"], alpha: Float[Tensor, "batch size size"]
) -> Float[Tensor, "batch size size 3"]:
    """Object coordinates at every pixel near the rendering, not premultiplied.

    Where the rendering shows nothing, they are the mean of neighbours that are known, from the outline
    outwards."""
    known = (alpha[:, None] > 0.5).float()
    found = nocs.permute(0, 3, 1, 2) / alpha[:, None].clamp(min=1e-3) * known
    for _ in range(RIM):
        weight = F.avg_pool2d(known, 3, 1, 1)
        grown = F.avg_pool2d(found, 3, 1, 1) / weight.clamp(min=1e-6)
        found = torch.where(known > 0, found, grown * (weight > 0))
        known = torch.maximum(known, (weight > 0).float())
    return found.permute(0, 2, 3, 1)

"""§3.1: samples the features of three planes at points in space.

Plane order xy, xz, yz. A point p / scene_range is looked up at (x, y), (x, z), (y, z): first coordinate
along the width, second along the height, corners of the plane at -1 and 1, the border repeated outside.
The three features are averaged.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

AXES = ((0, 1), (0, 2), (1, 2))
"""The coordinates of each plane: (along its width, along its height)."""
UNTURNED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def sample_planes(
    planes: Float[Tensor, "batch 3 channel size size"], points: Float[Tensor, "batch point 3"]
) -> Float[Tensor, "batch point channel"]:
    """Return the features at `points` (already divided by the scene range), bilinear.

    One batched look-up for all planes: on CPU `grid_sample` spreads over its batch axis only. Points that
    are not finite are read at the border or the centre and get no gradient, because the backward pass of
    `grid_sample` on CPU writes out of bounds for them."""
    batch, _, channel = planes.shape[:3]
    safe = torch.nan_to_num(points, nan=0.0).clamp(-1, 1)
    grid = torch.stack([safe[..., axes] for axes in AXES], 1)
    features = F.grid_sample(
        planes.flatten(0, 1),
        grid.view(3 * batch, 1, -1, 2),
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
    return features.view(batch, 3, channel, -1).mean(1).transpose(1, 2)


def turned(
    planes: Float[Tensor, "batch 3 channel size size"], axes: tuple[tuple[float, float, float], ...]
) -> Float[Tensor, "batch 3 channel size size"]:
    """Return the planes of the same object in other axes: `axes` are the new x, y and z in the old ones, each along one of them.

    The three features of a point are averaged, so exchanging, transposing and mirroring planes is exact. Raises
    ValueError for axes that are oblique."""
    old = [max(range(3), key=lambda k: abs(axis[k])) for axis in axes]
    if sorted(old) != [0, 1, 2] or any(abs(axis[k]) != 1 for axis, k in zip(axes, old, strict=True)):
        raise ValueError(f"axes {axes} are not along those of the planes")
    found = []
    for across, down in AXES:
        pair = old[across], old[down]
        seen = planes[:, AXES.index(tuple(sorted(pair)))]
        seen = seen if pair in AXES else seen.mT
        mirrored = [dim for dim, axis in ((-1, across), (-2, down)) if axes[axis][old[axis]] < 0]
        found.append(seen.flip(mirrored))
    whole = torch.stack(found, 1).flatten(0, 1)
    return whole.contiguous(memory_format=torch.channels_last).unflatten(0, (-1, 3))


def resample_planes(
    planes: Float[Tensor, "batch 3 channel size size"], resolution: int
) -> Float[Tensor, "batch 3 channel grid grid"]:
    """Return the planes at linspace(-1, 1, resolution) in both directions, for a regular grid of points."""
    flat = planes.flatten(0, 1)
    flat = F.interpolate(flat, size=(resolution, resolution), mode="bilinear", align_corners=True)
    return flat.unflatten(0, planes.shape[:2])


def sample_planes_twice(
    planes: Float[Tensor, "batch 3 channel size size"], points: Float[Tensor, "batch point 3"]
) -> Float[Tensor, "batch point channel"]:
    """`sample_planes` that can be differentiated twice, which `grid_sample` cannot; several times slower.

    It is needed for losses on the gradient of the field (§3.1, Eq. 2). Points outside the planes are read at the
    border, with zero gradient."""
    batch, _, channel, size, _ = planes.shape
    place = (points.clamp(-1, 1) + 1) * ((size - 1) / 2)
    low = place.detach().floor().clamp(max=size - 2).long()
    part = place - low
    pixels = planes.permute(0, 1, 3, 4, 2).reshape(3 * batch, size * size, channel)
    column, row = (torch.stack([low[..., axes[k]] for axes in AXES], 1).flatten(0, 1) for k in (0, 1))
    u, v = (torch.stack([part[..., axes[k]] for axes in AXES], 1).flatten(0, 1)[..., None] for k in (0, 1))
    item = torch.arange(3 * batch, device=planes.device)[:, None]
    corner = lambda down, right: pixels[item, (row + down) * size + column + right]  # noqa: E731
    top = corner(0, 0) * (1 - u) + corner(0, 1) * u
    bottom = corner(1, 0) * (1 - u) + corner(1, 1) * u
    return (top * (1 - v) + bottom * v).unflatten(0, (batch, 3)).mean(1)

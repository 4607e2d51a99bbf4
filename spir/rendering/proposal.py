"""Places few samples per ray (cf. §3.1 "Removing super-resolution network", where rays are the main cost).

A coarse grid of the SDF is marched without gradient; it tells which rays meet the object at all and, on each
of those, which parts contribute. The field itself is evaluated only there. Compared with 64 + 64 samples, 16 to 24
give the same picture.
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from spir.geometry.camera import box_near_far
from spir.rendering.config import RenderConfig
from spir.rendering.sampling import interp_bins, inverse_cdf
from spir.rendering.volume import weights_from_optical_depth
from spir.types import Field

MARCH_POINTS = 2**17
"""Grid look-ups at a time, which fit the cache and bound the memory whatever the number of rays."""
ENDS = 0.01
"""The first and last quantile that get a sample; without both ends of the mass, masks would become soft."""


@dataclass(frozen=True)
class Proposal:
    """Samples on the rays that meet something; rows are padded to the largest count of any object."""

    ray: Int[Tensor, "object active"]
    """The index among the object's rays."""
    valid: Bool[Tensor, "object active"]
    """False on padding, whose samples are finite but undefined."""
    t: Float[Tensor, "object active sample"]
    """Distances along the ray, ascending."""
    front: Float[Tensor, "object active"]
    """Optical depth before the first sample."""
    back: Float[Tensor, "object active"]
    """Optical depth behind the last sample."""

    def rows(self, slots: slice) -> "Proposal":
        """Return only some of the slots."""
        return Proposal(*(getattr(self, f.name)[:, slots] for f in fields(self)))


def pack(chosen: Bool[Tensor, "row item"]) -> tuple[Int[Tensor, "row slot"], Bool[Tensor, "row slot"]]:
    """The indices of the chosen items of each row, in order, and which slots are not padding (index 0).

    There is at least one slot, so nothing downstream meets an empty tensor."""
    row, item = chosen.nonzero(as_tuple=True)
    slot = chosen.cumsum(1)[row, item] - 1
    count = chosen.sum(1)
    slots = max(1, int(count.max()))
    index = torch.zeros(len(chosen), slots, dtype=torch.long, device=chosen.device)
    index[row, slot] = item
    return index, torch.arange(slots, device=chosen.device) < count[:, None]


def take(values: Float[Tensor, "row item *rest"], index: Int[Tensor, "row slot"]) -> Tensor:
    """Return values[row, index[row, slot]]."""
    return values[torch.arange(len(index), device=index.device)[:, None], index]


def occupied_box(
    field: Field, grid: Float[Tensor, "object x y z"], cull: float
) -> tuple[Float[Tensor, "object 3"], Float[Tensor, "object 3"]]:
    """Return two corners of the box outside which no ray gathers a tenth of `cull`; low > high for an empty cube."""
    across = torch.full_like(grid, 2 * 3**0.5 * field.scene_range)
    occupied = field.optical_depth(grid, grid, across) > 0.1 * cull
    size = grid.shape[-1]
    place = torch.linspace(-field.scene_range, field.scene_range, size, device=grid.device, dtype=grid.dtype)
    voxel = 2 * field.scene_range / (size - 1)
    lows, highs = [], []
    for axis in (1, 2, 3):
        others = tuple(a for a in (1, 2, 3) if a != axis)
        along = occupied.any(others[1]).any(others[0])
        lows.append(torch.where(along, place, torch.inf).amin(1) - voxel)
        highs.append(torch.where(along, place, -torch.inf).amax(1) + voxel)
    limit = field.scene_range
    # The clamp leaves low = limit > high = -limit where nothing is occupied.
    return torch.stack(lows, 1).clamp(-limit, limit), torch.stack(highs, 1).clamp(-limit, limit)


def interpolate_grid(
    grid: Float[Tensor, "object x y z"], points: Float[Tensor, "object point 3"], scene_range: float
) -> Float[Tensor, "object point"]:
    """Interpolate the grid trilinearly."""
    where = (points / scene_range)[:, None, None]
    # grid_sample wants the axis of a point's first coordinate last.
    volume = grid.permute(0, 3, 2, 1)[:, None]
    found = F.grid_sample(volume, where, mode="bilinear", padding_mode="border", align_corners=True)
    return found[:, 0, 0, 0]


def march(
    field: Field,
    grid: Float[Tensor, "object x y z"],
    origins: Float[Tensor, "object ray 3"],
    directions: Float[Tensor, "object ray 3"],
    edges: Float[Tensor, "object ray edge"],
) -> Float[Tensor, "object ray step"]:
    """Return the optical depth of each step between the edges, with the SDF linear in between."""
    points = origins[:, :, None] + edges[..., None] * directions[:, :, None]
    sdf = interpolate_grid(grid, points.flatten(1, 2), field.scene_range).unflatten(1, edges.shape[1:])
    return field.optical_depth(sdf[..., :-1], sdf[..., 1:], torch.diff(edges, dim=-1))


def importance(weights: Float[Tensor, "*row step"]) -> Float[Tensor, "*row step"]:
    """Return the sampling density of each step: the root of its weight, or of a larger neighbour's.

    The root favours faint shells that matter for gradients, the neighbours both sides of a surface: the
    pose gradient of 8 samples is then within 0.15 radians of the true one, not 0.65."""
    return F.max_pool1d(weights, 3, 1, padding=1).sqrt()


def quantiles(rows: Tensor, samples: int, generator: torch.Generator | None) -> Tensor:
    """Return equal steps from one end of the mass to the other; a generator jitters the inner ones within their steps."""
    steps = torch.linspace(ENDS, 1 - ENDS, samples, device=rows.device, dtype=rows.dtype)
    steps = steps.expand(*rows.shape, samples)
    if generator is None:
        return steps
    noise = torch.rand(steps.shape, generator=generator, dtype=rows.dtype, device=generator.device) - 0.5
    return (steps + noise.to(rows.device) / (samples - 1)).clamp(ENDS, 1 - ENDS)


@torch.no_grad()
def propose(
    field: Field,
    grid: Float[Tensor, "object x y z"],
    origins: Float[Tensor, "object ray 3"],
    directions: Float[Tensor, "object ray 3"],
    config: RenderConfig,
    generator: torch.Generator | None = None,
) -> Proposal:
    """Cull the rays that see nothing and place `config.samples` on each of the others."""
    near, far, hit = box_near_far(origins, directions, *occupied_box(field, grid, config.cull))
    ray, valid = pack(hit)
    fence = torch.linspace(0, 1, config.march + 1, device=grid.device, dtype=grid.dtype)
    count = max(1, MARCH_POINTS // (len(grid) * len(fence)))
    t, outer, total = [], [], []
    for rows in ray.split(count, 1):
        enter, leave = take(near, rows), take(far, rows)
        edges = enter[..., None] + (leave - enter)[..., None] * fence
        tau = march(field, grid, take(origins, rows), take(directions, rows), edges)
        weights = importance(weights_from_optical_depth(tau))
        index, inside = inverse_cdf(weights, quantiles(enter, config.samples, generator))
        passed = interp_bins(F.pad(tau.cumsum(-1), (1, 0)), index, inside)
        t.append(interp_bins(edges, index, inside).sort(-1).values)
        outer.append(torch.stack((passed[..., 0], tau.sum(-1) - passed[..., -1]), -1))
        total.append(tau.sum(-1))
    keep, kept = pack((torch.cat(total, 1) > config.cull) & valid)
    outer = take(torch.cat(outer, 1), keep).clamp_min(0)
    return Proposal(ray.gather(1, keep), kept, take(torch.cat(t, 1), keep), outer[..., 0], outer[..., 1])

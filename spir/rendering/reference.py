"""§3.1 "renderings", the paper's two passes: stratified samples, then importance samples where they found
something; both are kept. Slow and simple: the fast renderer is tested against it.

Deterministic unless a generator jitters the samples (the authors always jitter, which costs 9 dB).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.geometry.camera import near_far
from spir.rendering.config import RenderConfig
from spir.rendering.sampling import fractions, interp_bins, inverse_cdf, stratified
from spir.rendering.shade import assemble, object_rays, per_sample, shade
from spir.rendering.volume import riemann_optical_depth, weights_from_optical_depth
from spir.types import Camera, Field, Rendering

CHUNK = 2**20
"""The number of points per field call where no gradient is needed."""


@torch.no_grad()
def two_pass_positions(
    field: Field,
    origins: Float[Tensor, "object ray 3"],
    directions: Float[Tensor, "object ray 3"],
    config: RenderConfig,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "object ray sample"]:
    """Return the distances of the coarse and the fine samples together, ascending."""
    near, far, _ = near_far(origins, directions, field.scene_range)
    coarse = stratified(near, far, config.coarse, generator)
    points = origins[:, :, None] + coarse[..., None] * directions[:, :, None]
    density = field(points.flatten(1, 2)).density.unflatten(1, coarse.shape[1:])
    weights = weights_from_optical_depth(riemann_optical_depth(density, coarse))
    # Blurred and raised by a floor, as the authors do, so that a surface between two samples is not missed.
    blurred = F.avg_pool1d(F.max_pool1d(weights, 2, 1, padding=1), 2, 1) + 0.01
    middles = (coarse[..., 1:] + coarse[..., :-1]) / 2
    index, inside = inverse_cdf(blurred[..., 1:-1], fractions(config.fine, near, generator))
    return torch.cat((coarse, interp_bins(middles, index, inside)), -1).sort(-1).values


def render_rays(
    field: Field,
    origins: Float[Tensor, "object ray 3"],
    directions: Float[Tensor, "object ray 3"],
    config: RenderConfig,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "object ray channel"]:
    """Return the channels of `shade` for each ray."""
    t = two_pass_positions(field, origins, directions, config, generator)
    points = origins[:, :, None] + t[..., None] * directions[:, :, None]
    seen = field(points.flatten(1, 2), per_sample(directions, points))
    weights = weights_from_optical_depth(riemann_optical_depth(seen.density.unflatten(1, t.shape[1:]), t))
    return shade(field, points, seen, weights, t, config)


def render_reference(
    field: Field, camera: Camera, config: RenderConfig, generator: torch.Generator | None = None
) -> Rendering:
    """Render in two passes. Cost: (2 coarse + fine) field evaluations for every pixel."""
    objects = len(field.sdf_grid(2))
    origins, directions = object_rays(camera, objects, config)
    per_ray = objects * (config.coarse + config.fine)
    count = origins.shape[1] if torch.is_grad_enabled() else max(1, CHUNK // per_ray)
    parts = [
        render_rays(field, o, d, config, generator)
        for o, d in zip(origins.split(count, 1), directions.split(count, 1), strict=True)
    ]
    return assemble(torch.cat(parts, 1), config)

"""§3.1 "renderings": weighted samples to the pictures of a Rendering; the same for every renderer.

Rays are stored as a matrix with one row per ray and the channels rgb, alpha, depth x alpha, then the optional
normals, NOCS and attention.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.geometry.camera import rays
from spir.rendering.config import RenderConfig
from spir.rendering.volume import composite
from spir.types import Camera, Field, FieldSample, Rendering

NORMAL_STEP = 2e-3
"""Step of the finite differences for normals, in half cube sides."""
TETRAHEDRON = ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1))
"""Four directions that sum to zero: a gradient from four distances instead of six."""


def object_rays(
    camera: Camera, objects: int, config: RenderConfig
) -> tuple[Float[Tensor, "object ray 3"], Float[Tensor, "object ray 3"]]:
    """Return origins and directions of all rays that see each object.

    With more cameras than objects, every object has the same number of consecutive cameras (a turntable is
    one object and many)."""
    views, rest = divmod(len(camera.cam2world), objects)
    if rest or not views:
        raise ValueError(f"{len(camera.cam2world)} cameras cannot be shared out among {objects} objects")
    origins, directions = rays(camera, config.size, config.size, config.pixel_centre)
    return origins.reshape(objects, -1, 3), directions.reshape(objects, -1, 3)


def per_sample(
    directions: Float[Tensor, "object ray 3"], points: Float[Tensor, "object ray sample 3"]
) -> Float[Tensor, "object ray_and_sample 3"]:
    """Repeat a ray's direction for each of its samples."""
    return directions[:, :, None].expand_as(points).flatten(1, 2)


@torch.no_grad()
def normals_at(field: Field, points: Float[Tensor, "object point 3"]) -> Float[Tensor, "object point 3"]:
    """Return the unit gradient of the SDF in object axes, by finite differences, which also work in inference mode."""
    step = NORMAL_STEP * field.scene_range
    gradient = torch.zeros_like(points)
    for corner in TETRAHEDRON:
        direction = points.new_tensor(corner)
        gradient += field.sdf(points + step * direction)[..., None] * direction
    return torch.nn.functional.normalize(gradient, dim=-1)


def shade(
    field: Field,
    points: Float[Tensor, "object ray sample 3"],
    seen: FieldSample,
    weights: Float[Tensor, "object ray sample"],
    t: Float[Tensor, "object ray sample"],
    config: RenderConfig,
) -> Float[Tensor, "object ray channel"]:
    """Composite everything that the configuration requests. `seen` is the field at the flattened points."""
    split = weights.shape[1:]
    channels = [
        composite(weights, seen.rgb.unflatten(1, split)),
        weights.sum(-1, keepdim=True),
        (weights * t).sum(-1, keepdim=True),
    ]
    if config.normals:
        normals = normals_at(field, points.detach().flatten(1, 2)).unflatten(1, split)
        channels.append(composite(weights.detach(), normals))
    if config.nocs:
        channels.append(composite(weights, points))
    if config.attention and seen.attention is not None:
        channels.append(composite(weights, seen.attention.unflatten(1, split)))
    return torch.cat(channels, -1)


def assemble(channels: Float[Tensor, "object ray channel"], config: RenderConfig) -> Rendering:
    """Return the pictures. Depth is the mean distance along the ray of what is seen, 0 where nothing is."""
    image = channels.reshape(-1, config.size, config.size, channels.shape[-1])
    alpha = image[..., 3]
    optional = image[..., 5:]
    normals = nocs = attention = None
    if config.normals:
        normals, optional = optional[..., :3], optional[..., 3:]
    if config.nocs:
        nocs, optional = optional[..., :3], optional[..., 3:]
    if config.attention and optional.shape[-1]:
        attention = optional
    return Rendering(
        rgb=image[..., :3] + (1 - alpha)[..., None] * config.background,
        alpha=alpha.clamp(0, 1),
        depth=image[..., 4] / alpha.clamp_min(1e-6),
        normals=normals,
        attention=attention,
        nocs=nocs,
    )

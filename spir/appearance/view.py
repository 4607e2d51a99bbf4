"""Renders a textured surface by the z-buffer, for turntables, sheets and evaluations."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.geometry.raster import rasterise
from spir.types import Appearance, Camera, Rendering

OVERSAMPLING = 3
"""Supersampling: pixels along a pixel's side, averaged at the end."""


def sample(
    texture: Float[Tensor, "rows columns channel"], uv: Float[Tensor, "point 2"]
) -> Float[Tensor, "point channel"]:
    """Sample bilinearly; uv in [0, 1] from the upper left corner, edges are repeated."""
    maps = texture.permute(2, 0, 1)[None]
    at = (2 * uv - 1)[None, None]
    found = F.grid_sample(maps, at, mode="bilinear", padding_mode="border", align_corners=False)
    return found[0, :, 0].T


@torch.no_grad()
def view(
    appearance: Appearance,
    texture: Float[Tensor, "rows columns channel"],
    camera: Camera,
    size: int,
    background: float = 0.0,
    oversampling: int = OVERSAMPLING,
) -> Rendering:
    """Render the surface from each camera with a texture of three channels in [0, 1], such as `layers.texture`.

    The result has rgb in [-1, 1] in front of the background, alpha, and expected depth times alpha; on the CPU."""
    pictures = []
    for row in range(len(camera.cam2world)):
        seen = rasterise(appearance.vertices, appearance.faces, camera[row : row + 1], size * oversampling)
        hit = seen.hit[0]
        corners = appearance.faces[seen.face[0][hit]]
        uv = (seen.weights[0][hit][..., None] * appearance.uv[corners]).sum(1)
        fine = torch.full((*hit.shape, 5), background)
        fine[hit, :3] = 2 * sample(texture, uv) - 1
        fine[..., 3], fine[..., 4] = hit.float(), seen.depth[0]
        pictures.append(F.avg_pool2d(fine.permute(2, 0, 1)[None], oversampling))
    rgb, alpha, depth = torch.cat(pictures).permute(0, 2, 3, 1).split((3, 1, 1), -1)
    return Rendering(rgb, alpha[..., 0], depth[..., 0])

"""A surface made by hand, for tests of what looks at surfaces."""

import torch
import torch.nn.functional as F

from spir.types import Appearance
from tests.data.shapes import box

VALUES = 10


def box_appearance(seed: int = 0, half=(0.4, 0.3, 0.9), palette=None) -> Appearance:
    """A box with noise for detail, its upper half in the first palette colour, its lower half in the second."""
    shape = box(half)
    draws = torch.Generator().manual_seed(seed)
    uv = (shape.vertices[:, 1:] / torch.tensor(half[1:]) + 1) / 2
    weights = torch.zeros(2, 2, VALUES)
    weights[:, 0, 1], weights[:, 1, 0] = 1, 1
    palette = torch.linspace(-0.5, 0.5, VALUES)[:, None].expand(-1, 3) if palette is None else palette
    return Appearance(
        vertices=shape.vertices,
        normals=F.normalize(shape.vertices, dim=-1),
        faces=shape.faces,
        uv=uv,
        light=0.5 + 0.5 * torch.rand(64, 64, generator=draws),
        rest=torch.zeros(64, 64, 3),
        weights=weights,
        palette=palette,
        generated=weights,
        generated_palette=palette,
        seen=torch.ones(2, 2, 2),
    )


def stand_in(self, photo, mask, cutout, found) -> Appearance:
    """`Reconstructor.appearance` without its work: always the same box, in the fit's palette."""
    assert mask.shape == photo.rgb.shape[:2] and cutout.mask.shape[0] == len(found.code.w) == 1
    return box_appearance(palette=self.palette(found.code)[0])

"""Photo detail that can be recoloured: colour = light * (weights @ palette) + rest, per texel.

§3.1 "Attention-based color mapping" makes colour linear in the palette; the photo's detail is added as one channel of
light on the part's colour, and a rest that no part explains. With the palette that the layers were made with, the sum
is the photo's colour exactly.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.types import Appearance

BRIGHTEST = 1.25
"""The largest `light`: brighter texels are taken for glare instead of lit paint."""
FLOOR = 0.06
"""Added to both sides of the ratio that defines `light`, so that noise in dark parts is not amplified."""
LUMINANCE = (0.30, 0.59, 0.11)
COLOURFUL = (0.25, 0.6)
"""Saturations of a base colour: below the first only brightness, above the second only hue separates light from glare."""
SAME = 1e-4
"""Palette entries that differ by less than this are not recoloured."""


def smoothstep(x: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below `low`, 1 above `high`, and a smooth transition between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def split(
    rgb: Float[Tensor, "*texel 3"], base: Float[Tensor, "*texel 3"]
) -> tuple[Float[Tensor, "*texel"], Float[Tensor, "*texel 3"]]:
    """Split colours into `light` and `rest` over their base colours (weights @ palette), all in [0, 1].

    For a grey base, light is the ratio of brightness. For a coloured base, white glare is separated by its hue: the least
    squares of rgb = light * base + glare * white, with glare at least 0."""
    luminance = rgb.new_tensor(LUMINANCE)
    grey = (rgb @ luminance + FLOOR) / (base @ luminance + FLOOR)
    bb, bw, tb, tw = base.square().sum(-1), base.sum(-1), (rgb * base).sum(-1), rgb.sum(-1)
    determinant = (3 * bb - bw.square()).clamp(min=1e-6)
    glare = (bb * tw - bw * tb) / determinant
    hue = torch.where(glare > 0, (3 * tb - bw * tw) / determinant, tb / bb.clamp(min=1e-6))
    brightest, darkest = base.amax(-1), base.amin(-1)
    coloured = smoothstep((brightest - darkest) / brightest.clamp(min=1e-3), *COLOURFUL)
    light = (coloured * hue + (1 - coloured) * grey).clamp(0, BRIGHTEST)
    return light, rgb - light[..., None] * base


def enlarged(
    texture: Float[Tensor, "coarse coarse channel"], size: int
) -> Float[Tensor, "size size channel"]:
    """Resample a coarse texture to the size of a fine one."""
    maps = texture.permute(2, 0, 1)[None]
    return F.interpolate(maps, (size, size), mode="bilinear", align_corners=False)[0].permute(1, 2, 0)


def texture(
    appearance: Appearance, palette: Float[Tensor, "values 3"] | None = None, detail: float | None = None
) -> Float[Tensor, "size size 3"]:
    """Return the colours of the surface, in [0, 1], optionally recoloured and with less of the photo's detail.

    `palette`, in [-1, 1], is the fit's with some entries changed: those recolour their parts, the others stay."""
    if palette is not None:
        appearance = recoloured(appearance, palette)
    detail = appearance.detail if detail is None else detail
    size = len(appearance.light)
    base = enlarged(appearance.weights @ ((appearance.palette + 1) / 2), size)
    rgb = appearance.light[..., None] * base + appearance.rest
    if detail < 1:
        plain = enlarged(appearance.generated @ ((appearance.generated_palette + 1) / 2), size)
        rgb = detail * rgb + (1 - detail) * plain
    return rgb.clamp(0, 1)


def recoloured(appearance: Appearance, palette: Float[Tensor, "values 3"]) -> Appearance:
    """Return the same surface recoloured by this version of the fit's palette, in [-1, 1].

    An entry that differs from the fit's becomes the colour of its part; an equal one keeps the photo's colour."""
    changed = (palette - appearance.generated_palette).abs().amax(-1, keepdim=True) > SAME
    colours = torch.where(changed, palette, appearance.palette)
    return replace(appearance, palette=colours, generated_palette=palette)

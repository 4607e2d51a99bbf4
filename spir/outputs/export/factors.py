"""Splits a surface's colours into one base colour per part, a shared detail texture and an emissive texture, in linear light.

glTF multiplies in linear light, whereas the layers of an `Appearance` add up in sRGB, so the detail is a ratio of
the two.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from spir.appearance.layers import enlarged, texture
from spir.outputs.export.gltf import linear_from_srgb
from spir.types import Appearance

FLOOR = 0.1
"""Regularises the detail ratio (linear light): channels darker than this in the part's colour follow the other channels."""
DARK = 0.01
"""Regularises the squared length of a part's colour: for darker colours the layers decide how lit it is."""
UNSEEN = 1 / 255 / 12.92
"""One step of an sRGB byte in the shadows, in linear light."""


@dataclass(frozen=True)
class TextureFactors:
    """The factors of a texture: colour = factors[part] * detail + glow, each in [0, 1]."""

    factors: Float[np.ndarray, "values 3"]
    detail: Float[np.ndarray, "size size 3"]
    glow: Float[np.ndarray, "size size 3"]


def factor_texture(
    appearance: Appearance, part: Int[np.ndarray, "size size"], glow: Float[np.ndarray, " values"]
) -> TextureFactors:
    """Split the colours of `layers.texture`; each part emits the share `glow` of its own colour.

    What the layers add to the part's colour is emitted as if it stood alone, and the detail explains what is left:
    sums in sRGB are brighter than sums of light, and the difference must not keep the old colour after recolouring. Paint
    that is merely lit has grey detail, also in the channels that its own colour lacks."""
    colours = (
        (torch.lerp(appearance.generated_palette, appearance.palette, appearance.detail) + 1) / 2
    ).clamp(0, 1)
    factors = linear_from_srgb(colours.numpy())
    colour = factors[part]
    amount = amount_of_part(appearance, part)[..., None]
    srgb = texture(appearance).numpy()
    wanted = linear_from_srgb(srgb)
    added = linear_from_srgb((srgb - amount * colours.numpy()[part]).clip(0, 1))
    body = (wanted - added).clip(0)
    lit = linear_from_srgb(amount.clip(0, 1))
    # Least squares of body = lit * colour, regularised towards the layers' light where the colour is dark.
    lit = ((body * colour).sum(-1, keepdims=True) + DARK * lit) / (
        np.square(colour).sum(-1, keepdims=True) + DARK
    )
    detail = (body + FLOOR * lit) / (colour + FLOOR)
    most = (wanted + UNSEEN) / np.maximum(colour, UNSEEN)
    detail = np.minimum(detail, most).clip(0, 1) * (1 - glow[part])[..., None]
    return TextureFactors(factors, detail, (wanted - colour * detail).clip(0, 1))


def amount_of_part(
    appearance: Appearance, part: Int[np.ndarray, "size size"]
) -> Float[np.ndarray, "size size"]:
    """Return how much of its part's colour each texel has, in sRGB: light times weight, or the generator's weight
    as far as the photo's detail is left out."""
    index = torch.from_numpy(part)[..., None]
    weight, generated = (
        enlarged(weights, len(part)).gather(2, index)[..., 0]
        for weights in (appearance.weights, appearance.generated)
    )
    return torch.lerp(generated, appearance.light * weight, appearance.detail).numpy()

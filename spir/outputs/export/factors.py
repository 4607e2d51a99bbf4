"""A surface's colours as one colour a part, times shared detail, plus what shines by itself; all in linear light.

glTF multiplies in linear light, and the layers of an `Appearance` add up in sRGB, so the detail is a ratio of the two.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from spir.appearance.layers import enlarged, texture
from spir.outputs.export.gltf import linear_from_srgb
from spir.types import Appearance

FLOOR = 0.1
"""Linear light: a channel of which a part has less can hardly tell how lit it is, and follows the others."""
DARK = 0.01
"""Of the square of a part's colour: where there is less, the layers say how lit it is."""
UNSEEN = 1 / 255 / 12.92
"""One step of a byte in the shadows."""


@dataclass(frozen=True)
class Factored:
    """colour = factors[part] * detail + glow, each in [0, 1]."""

    factors: Float[np.ndarray, "values 3"]
    detail: Float[np.ndarray, "size size 3"]
    glow: Float[np.ndarray, "size size 3"]


def factored(
    appearance: Appearance, part: Int[np.ndarray, "size size"], glow: Float[np.ndarray, " values"]
) -> Factored:
    """The colours of `layers.texture` taken apart; each part gives off the share `glow` of its own colour by itself.

    What the layers add to the part's colour shines as much as it would alone, and the detail explains what is left:
    sums of sRGB are brighter than sums of light, and the difference shall not keep the old colour. Paint that is
    merely lit has grey detail, also in the channels that its own colour lacks."""
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
    # Least squares of body = lit * colour, near the layers' own where the colour is dark.
    lit = ((body * colour).sum(-1, keepdims=True) + DARK * lit) / (
        np.square(colour).sum(-1, keepdims=True) + DARK
    )
    detail = (body + FLOOR * lit) / (colour + FLOOR)
    most = (wanted + UNSEEN) / np.maximum(colour, UNSEEN)
    detail = np.minimum(detail, most).clip(0, 1) * (1 - glow[part])[..., None]
    return Factored(factors, detail, (wanted - colour * detail).clip(0, 1))


def amount_of_part(
    appearance: Appearance, part: Int[np.ndarray, "size size"]
) -> Float[np.ndarray, "size size"]:
    """How much of its part's colour each texel has, in sRGB: light times weight, and the generator's weight where there
    is less of the photo's detail."""
    index = torch.from_numpy(part)[..., None]
    weight, generated = (
        enlarged(weights, len(part)).gather(2, index)[..., 0]
        for weights in (appearance.weights, appearance.generated)
    )
    return torch.lerp(generated, appearance.light * weight, appearance.detail).numpy()

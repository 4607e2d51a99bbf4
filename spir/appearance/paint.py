"""Assigns a part to each pixel of the photo: the generator's attention, refined along the photo's edges.

The generator knows body, windows and wheels to within a few pixels of a coarse picture; the photo shows where they
end. Body paint has the same colour everywhere.
"""

import cv2
import numpy as np
from jaxtyping import Float

from spir.appearance import layers
from spir.appearance.pictures import Map, Picture, guided, push_pull, resized, smoothstep
from spir.appearance.texture_source import TextureSource, as_surface_sees
from spir.categories import LIGHT_NAMES

SIZE = 256
"""Pixels per side of the guided filter's pictures."""
RADIUS, EPS, ROUNDS = 6, 2e-3, 2
LIGHT_LEFT = 0.02
"""The share of a light entry's weight that is kept where a part is beside it."""
PAINT, TAIL, TRIM = "body paint", "tail lights", "dark trim"
LUMINANCE = np.array(layers.LUMINANCE, np.float32)
DIM, DARK_PAINT = (0.20, 0.45), 0.15
"""Brightness relative to the paint's: below the first nothing is paint, from the second it may be; for dark
paints `DARK_PAINT` replaces the paint's brightness."""
BRIGHT, AS_BRIGHT = (0.3, 0.45), (0.5, 0.7)
"""The brightness range of a paint above which it cannot be confused with dark trim, and that of a pixel, relative
to the paint's, above which it is no trim."""
REFLECTION_SHARE = 0.1
"""The share of pixels of another hue than a colourful paint that may still be paint with reflections."""
CRISP = 2.5
"""Exponent that sharpens the filtered attention: soft borders would mix the colours of neighbouring parts."""
SURE, STEADY = 0.6, 0.5
FEWEST_PIXELS = 200
"""The fewest sure pixels of paint from which its colour is estimated."""
COLOURFUL = (0.30, 0.55)
"""Saturations of a paint: below the first its hue separates nothing from other parts, above the second all of it."""
LIT_RANGE = (0.12, 0.30)
"""Brightness relative to the paint's, below which a pixel is not paint by its hue, and from which it is."""
COLOUR_TOLERANCE = 0.2
"""The relative colour error from lit paint at which a pixel is unlikely to be paint."""


def without_light_entries(
    attention: Float[np.ndarray, "*shape values"], names: tuple[str, ...]
) -> Float[np.ndarray, "*shape values"]:
    """Move the attention of light entries to the parts beside them; the sums stay the same."""
    light = [number for number, name in enumerate(names) if name in LIGHT_NAMES]
    total = attention.sum(-1, keepdims=True)
    solid = attention.copy()
    solid[..., light] *= LIGHT_LEFT
    return solid * (total / np.maximum(solid.sum(-1, keepdims=True), 1e-6))


def refined(source: TextureSource) -> Picture:
    """Return the attention of the source's pixels, filtered with the photo as the guide and extended over the whole picture."""
    guide = resized(as_surface_sees(source), (SIZE, SIZE))
    hit = resized(source.hit.astype(np.float32), (SIZE, SIZE))
    attention = resized(source.attention, (SIZE, SIZE)) / np.maximum(hit, 1e-3)[..., None]
    attention = push_pull(attention, hit)
    for _ in range(ROUNDS):
        attention = guided(guide, attention, RADIUS, EPS).clip(0, 1)
        attention /= attention.sum(-1, keepdims=True).clip(1e-4)
    attention = attention**CRISP
    attention /= attention.sum(-1, keepdims=True).clip(1e-6)
    return resized(attention.astype(np.float32), (source.size, source.size))


def paint_colour(source: TextureSource, names: tuple[str, ...]) -> Float[np.ndarray, "3"] | None:
    """Return the median colour, in [0, 1], of sure body paint; None where there is too little of it."""
    if PAINT not in names:
        return None
    sure = (source.attention[..., names.index(PAINT)] > SURE) & (source.steady > STEADY)
    if sure.sum() < FEWEST_PIXELS:
        return None
    return np.median(as_surface_sees(source)[sure], 0).astype(np.float32)


def painted_by_colour(
    source: TextureSource, paint: Float[np.ndarray, "3"], names: tuple[str, ...]
) -> Picture:
    """Return the source's attention corrected by colour: pixels with the hue of a colourful paint become paint,
    except tail lights; those of another hue, or far darker than the paint, do not count as paint."""
    picture, attention = as_surface_sees(source), source.attention
    body = names.index(PAINT)
    colourful = float(smoothstep((paint.max() - paint.min()) / max(paint.max(), 1e-3), *COLOURFUL))
    # The least squares of picture = light * paint + glare * white.
    bb, bw, tb, tw = np.square(paint).sum(), paint.sum(), picture @ paint, picture.sum(-1)
    glare = ((bb * tw - bw * tb) / max(3 * bb - bw * bw, 1e-6)).clip(0)
    light = ((tb - glare * bw) / bb).clip(0)
    miss = np.linalg.norm(picture - light[..., None] * paint - glare[..., None], axis=-1)
    miss = miss / (np.linalg.norm(picture, axis=-1) + 0.05)
    match = smoothstep(light, *LIT_RANGE) * np.exp(-np.square(miss / COLOUR_TOLERANCE))
    lamp = smoothstep(attention[..., names.index(TAIL)], 0.2, 0.5) if TAIL in names else 0.0
    level = float(paint @ LUMINANCE)
    brightness = (picture @ LUMINANCE) / max(level, DARK_PAINT)
    bright = smoothstep(brightness, *DIM)
    more = softened(colourful * match * (1 - lamp), source.size)
    less = softened(
        (1 - colourful) * bright + colourful * np.maximum(match, REFLECTION_SHARE * bright), source.size
    )

    total = attention.sum(-1)
    own = attention[..., body]
    if TRIM in names:
        # What is as bright as a bright paint is not dark trim: bumpers are painted, too.
        alike = smoothstep(brightness, *AS_BRIGHT)
        own = own + (1 - colourful) * smoothstep(level, *BRIGHT) * alike * attention[..., names.index(TRIM)]
    wanted = more * total + (1 - more) * less * own
    others = attention.copy()
    others[..., body] = 0
    # Where only paint was predicted, what is too dark for paint becomes trim.
    if TRIM in names:
        others[..., names.index(TRIM)] += 0.02 * total
    share = (total - wanted) / np.maximum(others.sum(-1), 1e-6)
    others *= share[..., None]
    others[..., body] = wanted
    return others


def softened(picture: Map, size: int) -> Map:
    """Remove the noise of single pixels."""
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), size / 512)


def refitted_palette(
    attention: Float[np.ndarray, "point values"],
    colours: Float[np.ndarray, "point 3"],
    weight: Float[np.ndarray, " point"],
    prior: Float[np.ndarray, "values 3"],
    strength: float = 2e-3,
) -> Float[np.ndarray, "values 3"]:
    """Fit the palette, in [0, 1], to seen colours by ridge regression towards a prior palette."""
    share = weight / max(weight.sum(), 1e-6)
    weighted = attention * share[:, None]
    system = weighted.T @ attention + strength * np.eye(len(prior), dtype=np.float32)
    return np.linalg.solve(system, weighted.T @ colours + strength * prior).clip(0, 1).astype(np.float32)

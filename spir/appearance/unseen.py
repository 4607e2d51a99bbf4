"""Colours what neither the photo nor its mirror image shows: parts by the formula, or by the generator where there is
none, in the fit's palette with the paint's colour from the photo."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir.appearance.completion import Completion, fit_completion, predict_completion
from spir.appearance.config import AppearanceConfig
from spir.appearance.paint import LUMINANCE, PAINT
from spir.appearance.pictures import sample
from spir.appearance.surface import Surface
from spir.appearance.symmetry import TOLERANCE
from spir.appearance.texture_source import TextureSource
from spir.categories import LIGHT_NAMES, Category
from spir.formulas import FORMULAS
from spir.formulas.reading import Reading
from spir.types import Code

CRISP = 3
"""Exponent that sharpens the generator's attention at the borders of parts where there is no formula."""
GLASS, BRIGHTEST_GLASS = "glass", 0.25
"""The palette entry of windows and the largest brightness of unseen ones."""
LEVEL = 0.5
"""Surfaces that face up or down more than this show the sky's or the road's colour rather than the paint's."""
FEWEST = 100
"""The fewest seen vertices of paint from which its colour is estimated."""


def completed_by(
    category: Category, reading: Reading | None, code: Code, surface: Surface, config: AppearanceConfig
) -> Completion | None:
    """Return the formula fitted to the surface; None where the category has none, or its weights have no linear map for it."""
    formula = FORMULAS.get(category.kind)
    if not config.complete or formula is None or reading is None:
        return None
    if not config.formula_steps:
        return predict_completion(formula, reading, code)
    with torch.enable_grad():
        return fit_completion(formula, reading, code, surface, config)


def own_attention(
    completion: Completion | None,
    points: Float[Tensor, "point 3"],
    normals: Float[Tensor, "point 3"],
    generated: Float[Tensor, "point values"],
    names: tuple[str, ...],
) -> Float[np.ndarray, "point values"]:
    """Return the attention of unseen points: the formula's, or the generator's sharpened."""
    if completion is not None:
        return completion.attention(points, normals).numpy()
    light = torch.tensor([name in LIGHT_NAMES for name in names] or [False] * generated.shape[1])
    solid = torch.where(light, 0.0, generated)
    sharp = solid**CRISP
    sharp = sharp * (solid.sum(-1, keepdim=True) / sharp.sum(-1, keepdim=True).clamp(min=1e-9))
    return torch.where(light, generated, sharp).numpy()


def own_palette(
    source: TextureSource,
    surface: Surface,
    own: Float[np.ndarray, "vertex values"],
    palette: Float[np.ndarray, "values 3"],
    names: tuple[str, ...],
) -> Float[np.ndarray, "values 3"]:
    """Return the palette, in [0, 1], for unseen points: windows dark, paint half-way to its colour in the photo."""
    palette = palette.copy()
    if GLASS in names:
        glass = names.index(GLASS)
        palette[glass] *= min(1.0, BRIGHTEST_GLASS / max(float(palette[glass] @ LUMINANCE), 1e-3))
    if PAINT not in names:
        return palette
    body = names.index(PAINT)
    trust, at, there = source.trust(surface.vertices, surface.normals, TOLERANCE)
    share = sample(source.attention, at)[:, body]
    sure = (own[:, body] > 0.4) & (trust > 0.4) & (share > 0.6)
    upright = sure & (np.abs(surface.normals[:, 1].numpy()) < LEVEL)
    sure = upright if upright.sum() > FEWEST else sure
    if sure.sum() > FEWEST:
        others = own.copy()
        others[:, body] = 0
        seen = sample(source.colours, there)
        paint = (seen - others @ palette)[sure] / own[sure, body, None]
        palette[body] = (palette[body] + np.median(paint, 0).clip(0, 1)) / 2
    return palette

"""Bakes photo, mask, fit and mesh into an `Appearance`: the sequence of all its stages."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.appearance.completion import Completion
from spir.appearance.config import AppearanceConfig
from spir.appearance.layers import enlarged, split
from spir.appearance.paint import (
    PAINT,
    paint_colour,
    painted_by_colour,
    refined,
    refitted_palette,
    without_light_entries,
)
from spir.appearance.pictures import push_pull, resized, sample
from spir.appearance.project import Projection, no_twins, projected
from spir.appearance.surface import Surface, simplified
from spir.appearance.symmetry import TOLERANCE, twisted
from spir.appearance.texture_source import TextureSource, texture_source, with_attention
from spir.appearance.unseen import completed_by, own_attention, own_palette
from spir.appearance.unwrap import Texels, Unwrapped, texels, unwrapped
from spir.categories import Category
from spir.formulas.reading import Reading
from spir.types import Appearance, Camera, Code, Field, Mesh, Photo


@dataclass(frozen=True)
class BakeInput:
    """The inputs of an appearance."""

    photo: Photo
    mask: Float[Tensor, "height width"]
    """The object's mask in [0, 1], at the photo's size; at least one half on the object."""
    box_px: Float[Tensor, "4"]
    """The cut-out's square in the photo, in pixels."""
    camera: Camera
    """The camera of that square, by the fit's pose."""
    code: Code
    palette: Float[Tensor, "values 3"]
    """The fit's palette, in [-1, 1]."""
    category: Category
    reading: Reading | None
    """The linear map from a code to an object of the formula; None where the category has no formula."""


@torch.no_grad()
def bake_appearance(
    given: BakeInput, mesh: Mesh, field: Field, config: AppearanceConfig, device: str = "cpu"
) -> Appearance:
    """Texture the fit's surface with the photo's colours; `field` is the fit's. All on the CPU, deterministic.

    Raises ValueError where the field's colours are no mixture of a palette."""
    names = given.category.palette_names
    surface = simplified(mesh, field, config.faces, device)
    palette = ((given.palette + 1) / 2).numpy()
    mirror = config.mirror and given.category.symmetric
    # The formula's fit has many small steps, the rest a few large ones: in parallel they use two cores well.
    with ThreadPoolExecutor(2) as beside:
        sheet = beside.submit(unwrapped, surface, config.texture)
        completion = beside.submit(completed_by, given.category, given.reading, given.code, surface, config)
        source = texture_source(given.photo, given.mask, given.box_px, given.camera, surface, config.source)
        source = with_attention(source, without_light_entries(refined(source), names))
        paint = paint_colour(source, names)
        if paint is not None:
            source = with_attention(source, painted_by_colour(source, paint, names))
        if mirror:
            source = twisted(source)
        sheet, completion = sheet.result(), completion.result()
    own = own_attention(completion, surface.vertices, surface.normals, surface.attention, names)
    colours = own_palette(source, surface, own, palette, names)
    twins = no_twins if completion is None else completion.twins
    projection = projected(source, surface, own, colours, mirror, twins)
    return baked(projection, completion, surface, sheet, palette, paint, given, config)


def baked(
    projection: Projection,
    completion: Completion | None,
    surface: Surface,
    sheet: Unwrapped,
    palette: Float[np.ndarray, "values 3"],
    paint: Float[np.ndarray, "3"] | None,
    given: BakeInput,
    config: AppearanceConfig,
) -> Appearance:
    """Convert the projection to layers over an unwrapped mesh."""
    names, values = given.category.palette_names, len(palette)
    geometry = torch.cat((surface.vertices, surface.normals, projection.lift, projection.residual), 1)
    middle = texels(sheet, torch.cat((geometry, surface.attention), 1), config.middle)
    points, normals, lift, _, generated = middle.values.split((3, 3, 3, 3, values), 1)
    normals = F.normalize(normals, dim=-1)
    seen = projection.look(points, normals, lift, attention=True)
    unsure = seen.known < 1
    some = torch.from_numpy(unsure)
    own = np.zeros((len(points), values), np.float32)
    own[unsure] = own_attention(completion, points[some], normals[some], generated[some], names)
    known = seen.known[:, None]
    weights = without_light_entries(known * seen.attention + (1 - known) * own, names)
    weights = weights / weights.sum(-1, keepdims=True).clip(1e-4)

    coarse = (config.coarse, config.coarse)
    maps = np.concatenate((weights, generated.numpy(), np.stack((seen.direct, seen.mirrored), 1)), 1)
    weights, generated, shown = np.split(resized(middle.picture(maps), coarse), (values, 2 * values), 2)
    rgb = fine_colours(projection, middle, own, sheet, geometry, config.texture)
    colours = layer_palette(projection.source, surface, palette, paint, names)
    base = enlarged(torch.from_numpy(weights @ colours), config.texture)
    light, rest = split(torch.from_numpy(rgb), base)
    moved = projection.source.moved(surface, projection.mirror)
    return Appearance(
        vertices=moved.vertices[sheet.vertex],
        normals=moved.normals[sheet.vertex],
        faces=sheet.faces,
        uv=sheet.uv,
        light=light,
        rest=rest,
        weights=torch.from_numpy(weights.copy()),
        palette=torch.from_numpy(2 * colours - 1),
        generated=torch.from_numpy(generated.copy()),
        generated_palette=given.palette,
        seen=torch.from_numpy(shown.clip(0, 1)),
        detail=config.detail,
    )


def fine_colours(
    projection: Projection,
    middle: Texels,
    own: Float[np.ndarray, "texel values"],
    sheet: Unwrapped,
    geometry: Float[Tensor, "vertex channel"],
    size: int,
) -> Float[np.ndarray, "size size 3"]:
    """Return the colours of a texture of `size` texels per side, in [0, 1]; `own` is the attention of the unseen
    texels of `middle`."""
    fine = texels(sheet, geometry, size)
    points, normals, lift, residual = fine.values.split(3, 1)
    normals = F.normalize(normals, dim=-1)
    seen = projection.look(points, normals, lift)
    texture = np.zeros((*middle.hit.shape, 4), np.float32)
    texture[middle.hit, :3] = own @ projection.palette
    texture[middle.hit, 3] = own.sum(1) > 0
    guess = resized(push_pull(texture[..., :3], texture[..., 3]), (size, size))[fine.hit]
    return fine.picture(projection.completed(seen, guess, normals, residual)).clip(0, 1)


def layer_palette(
    source: TextureSource,
    surface: Surface,
    palette: Float[np.ndarray, "values 3"],
    paint: Float[np.ndarray, "3"] | None,
    names: tuple[str, ...],
) -> Float[np.ndarray, "values 3"]:
    """Return the colours of the parts as the photo shows them, in [0, 1]; recolouring starts from these."""
    trust, at, there = source.trust(surface.vertices, surface.normals, TOLERANCE)
    attention = sample(source.attention, at)
    sure = trust * (attention.max(1) > 0.4)
    found = refitted_palette(attention, sample(source.colours, there), sure, palette)
    if paint is not None:
        found[names.index(PAINT)] = paint
    return found

"""New paint for the meshes of cars."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from spir.data.meshes.read import BODY, PaintedMesh

PAINTS = (
    (0.93, 0.93, 0.92), (0.06, 0.06, 0.07), (0.36, 0.37, 0.39), (0.70, 0.71, 0.73), (0.10, 0.19, 0.42),
    (0.62, 0.06, 0.07), (0.84, 0.13, 0.09), (0.09, 0.25, 0.15), (0.88, 0.66, 0.08), (0.80, 0.36, 0.08),
    (0.30, 0.52, 0.72), (0.47, 0.38, 0.29), (0.28, 0.07, 0.12), (0.55, 0.65, 0.52), (0.16, 0.33, 0.62),
)  # fmt: skip
"""Colours that cars are sold in, in [0, 1]."""


def random_palette(generator: torch.Generator) -> Float[Tensor, "10 3"]:
    """Colours for the parts of one car, in the order of `CAR_PALETTE`, in [-1, 1]: random paint, usual other
    parts."""
    draw = lambda low, high: low + (high - low) * torch.rand(1, generator=generator).item()  # noqa: E731
    first, second = torch.randint(len(PAINTS), (2,), generator=generator).tolist()
    grey = lambda low, high: (draw(low, high),) * 3  # noqa: E731
    red = draw(0.45, 0.75)
    colours = (
        PAINTS[first],
        tuple(0.6 * level for level in PAINTS[first]) if draw(0, 1) < 0.5 else PAINTS[second],
        grey(0.05, 0.18),
        grey(0.04, 0.10),
        grey(0.45, 0.75),
        grey(0.80, 0.95),
        (red, 0.08 * red, 0.08 * red),
        grey(0.05, 0.14),
        grey(0.0, 0.0),
        grey(1.0, 1.0),
    )
    return torch.tensor(colours) * 2 - 1


def repaint(mesh: PaintedMesh, seed: int) -> PaintedMesh:
    """The mesh in other colours, which follow from the seed.

    Parts without a texture get the colour of their part; of textured bodies only white and grey texels
    change."""
    palette = random_palette(torch.Generator().manual_seed(seed))
    colours = palette[mesh.parts][:, None].expand(-1, 3, -1)
    tinted = tinted_textures(mesh)
    textures = tuple(
        tint(texture, palette[BODY]) if number in tinted else texture
        for number, texture in enumerate(mesh.textures)
    )
    return replace(mesh, colours=colours, textures=textures)


def tinted_textures(mesh: PaintedMesh) -> set[int]:
    """Indices of the textures on the body; -1 is among them where some of it has none."""
    return set(mesh.texture[mesh.parts == BODY].tolist())


def paint_mask(mesh: PaintedMesh) -> PaintedMesh:
    """The mesh coloured by how much of its surface `repaint` takes for body paint, from -1, none, to 1."""
    level = torch.where(mesh.parts == BODY, 1.0, -1.0)
    tinted = tinted_textures(mesh)
    textures = tuple(
        (2 * paintable(texture) - 1 if number in tinted else torch.full_like(texture[..., :1], -1.0)).expand(
            -1, -1, 3
        )
        for number, texture in enumerate(mesh.textures)
    )
    return replace(mesh, colours=level[:, None, None].expand(-1, 3, 3), textures=textures)


def paintable(texture: Float[Tensor, "height width 3"]) -> Float[Tensor, "height width 1"]:
    """How much of each texel is paint, in [0, 1]: colourless ones are that are not dark; others are trim or
    lamps."""
    low, high = ((texture + 1) / 2).aminmax(dim=-1, keepdim=True)
    return ((low - 0.2) / 0.15).clamp(0, 1) * (1 - ((high - low - 0.1) / 0.15).clamp(0, 1))


def tint(
    texture: Float[Tensor, "height width 3"], paint: Float[Tensor, "3"]
) -> Float[Tensor, "height width 3"]:
    """The texture in [-1, 1] with its paintable texels multiplied by the paint."""
    level, painted = (texture + 1) / 2, paintable(texture)
    return 2 * level * (1 - painted + painted * (paint + 1) / 2) - 1

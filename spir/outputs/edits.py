"""§3.1 "Attention-based color mapping", used for editing: shape and colours change separately, Code -> Code.

All rows of w but the last decide the shape and which palette entry colours which point; the last row, or an
explicit palette, decides only the colours.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator import Generator
from spir.outputs.latent_directions import stretch
from spir.types import Code, Mesh, Rendering


@dataclass(frozen=True)
class Edit:
    """One editing slider of the page."""

    label: str
    low: float
    high: float
    hint: str
    needs: tuple[str, ...]
    """Names of the arguments that `apply` takes besides (generator, code, amount)."""
    apply: Callable[..., Code]
    """(generator, code, amount, **needs) -> Code; amount 0 changes nothing."""
    step: float = 0.05
    """The step of the slider; amounts are multiples of it."""


def mix_shape(generator: Generator, code: Code, amount: float, other: Code) -> Code:
    """Interpolate w's shape rows towards another object's; the colours stay."""
    mine, theirs = generator.w_plus(code), generator.w_plus(other)
    shape = torch.lerp(mine[:, :-1], theirs[:, :-1], amount)
    return replace(code, w=torch.cat((shape, mine[:, -1:]), 1))


def mix_colours(generator: Generator, code: Code, amount: float, other: Code) -> Code:
    """Interpolate the colours towards another object's; the shape stays.

    They are interpolated in w, which keeps the ten colours consistent, unless either palette was set by hand."""
    mine, theirs = generator.w_plus(code), generator.w_plus(other)
    w = torch.cat((mine[:, :-1], torch.lerp(mine[:, -1:], theirs[:, -1:], amount)), 1)
    if code.palette is None and other.palette is None:
        return Code(w)
    if amount == 0:
        return replace(code, w=w)
    return Code(w, torch.lerp(generator.palette(code), generator.palette(other), amount))


def swap_palette(generator: Generator, code: Code, amount: float, other: Code) -> Code:
    """Give this shape the other object's colours where `amount` is at least 0.5; below that, change nothing."""
    return mix_colours(generator, code, 1.0, other) if amount >= 0.5 else code


def recolour(
    generator: Generator,
    code: Code,
    amount: float,
    entry: int | str,
    rgb: Float[Tensor, " 3"],
    names: tuple[str, ...] = (),
) -> Code:
    """Interpolate one palette entry towards a colour in [-1, 1]; `names` are the category's palette names.

    Raises ValueError where there is no such entry."""
    if amount == 0:
        return code
    palette = generator.palette(code).clone()
    row = palette_entry(entry, palette.shape[1], names)
    palette[:, row] = torch.lerp(palette[:, row], rgb.to(palette).expand(len(palette), 3), amount)
    return replace(code, palette=palette)


def palette_entry(entry: int | str, count: int, names: tuple[str, ...] = ()) -> int:
    """Return the index of a palette entry, given by number or name. Raises ValueError where there is no such entry."""
    if isinstance(entry, str):
        if entry not in names:
            raise ValueError(f"no palette entry is called {entry!r}; there are: {', '.join(names) or 'none'}")
        return names.index(entry)
    if not 0 <= entry < count:
        raise ValueError(f"there is no palette entry {entry}: the palette has {count}")
    return entry


EDITS = {
    "mix_shape": Edit("Shape", 0.0, 1.0, "Towards the shape of the other photo", ("other",), mix_shape),
    "mix_colours": Edit(
        "Colours", 0.0, 1.0, "Towards the colours of the other photo", ("other",), mix_colours
    ),
    "swap_palette": Edit(
        "Swap colours", 0.0, 1.0, "This shape in the other photo's colours", ("other",), swap_palette, 1.0
    ),
    "recolour": Edit("Recolour", 0.0, 1.0, "One part in a new colour", ("entry", "rgb"), recolour),
    "width": Edit("Width", -2.0, 2.0, "Narrower or wider", (), partial(stretch, axis="width")),
    "height": Edit("Height", -2.0, 2.0, "Lower or taller", (), partial(stretch, axis="height")),
}


def recolour_rendering(
    rendering: Rendering, palette: Float[Tensor, "batch values 3"], background: float
) -> Rendering:
    """Return a stored rendering in other colours without rendering again: compositing is linear in the palette.

    rgb = attention @ palette + (1 - alpha) * background. A palette with a batch of 1 is used for all pictures. Raises
    ValueError for a rendering without attention."""
    if rendering.attention is None:
        raise ValueError("this rendering was made without attention; render it with attention=True")
    colour = torch.einsum(
        "bhwk,bkc->bhwc", rendering.attention, palette.expand(len(rendering.attention), -1, -1)
    )
    return replace(rendering, rgb=colour + background * (1 - rendering.alpha)[..., None])


def recolour_mesh(mesh: Mesh, palette: Float[Tensor, "values 3"]) -> Mesh:
    """Return the same surface in other colours, in [-1, 1]. Raises ValueError for a mesh without attention."""
    if mesh.attention is None:
        raise ValueError("this mesh does not say how its colours were mixed")
    return replace(mesh, colours=(mesh.attention @ palette.to(mesh.attention)).clamp(-1, 1))

"""§4.3 "Editing", latent directions: finds which change of w makes an object wider or taller, from the generator alone.

Random objects are measured and w is regressed on the measures: the step along one of them is how w changes on
average with one standard deviation of that measure while the others stay. It needs no labels and no training, and is
deterministic.
"""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator import Generator
from spir.types import Code, Field

AXES = ("width", "height", "length")
"""The extents along x, y and z of the object."""
OBJECTS = 64
RESOLUTION = 32
"""Grid samples along the cube's side; zero crossings are interpolated between them."""
SEED = 0


@torch.no_grad()
def extents(field: Field, resolution: int = RESOLUTION) -> Float[Tensor, "batch 3"]:
    """Return width, height and length of every object of a field, in object units; NaN where there is no object."""
    grid = field.sdf_grid(resolution).float()
    line = torch.linspace(-field.scene_range, field.scene_range, resolution, device=grid.device)
    # The smallest signed distance in every slice: negative where the slice cuts the object.
    slices = (grid.amin((2, 3)), grid.amin((1, 3)), grid.amin((1, 2)))
    return torch.stack(
        [upper_zero_crossing(s, line) + upper_zero_crossing(s.flip(1), line) for s in slices], 1
    )


def upper_zero_crossing(
    slices: Float[Tensor, "batch slice"], line: Float[Tensor, " slice"]
) -> Float[Tensor, " batch"]:
    """Return how far up a line, which is symmetric about 0, the negative slices reach; NaN where there are none."""
    last = len(line) - 1
    inside = slices < 0
    place = last - inside.flip(1).to(torch.uint8).argmax(1)
    row = torch.arange(len(slices), device=slices.device)
    here, next_ = slices[row, place], slices[row, (place + 1).clamp(max=last)]
    # An object that leaves the cube is cut off at its face.
    share = torch.where(place == last, torch.zeros_like(here), here / (here - next_))
    end = line[place] + share * (line[1] - line[0])
    return torch.where(inside.any(1), end, torch.nan)


@lru_cache(maxsize=4)
@torch.no_grad()
def directions(generator: Generator, objects: int = OBJECTS) -> Float[Tensor, "3 w_dim"]:
    """Return the steps in w along `AXES`, one standard deviation of the measure each; zero where nothing varies.

    It takes about a second, once for a generator."""
    device = next(generator.parameters()).device
    z = torch.randn(objects, generator.config.z_dim, generator=torch.Generator().manual_seed(SEED))
    w = generator.mapping(z.to(device))
    measures = extents(generator.field(Code(w[:, None])))
    known = measures.isfinite().all(1)
    w, measures = w[known], measures[known]
    if len(w) < 8:
        return torch.zeros(3, generator.config.w_dim, device=device)
    deviation = measures.std(0)
    scaled = (measures - measures.mean(0)) / deviation.clamp(min=1e-6)
    # With the pseudo-inverse, measures that only vary together share their step.
    return torch.linalg.pinv(scaled, rtol=1e-3) @ (w - w.mean(0))


def stretch(generator: Generator, code: Code, amount: float, axis: str) -> Code:
    """Make the object `amount` standard deviations wider, taller or longer; colours stay. Raises ValueError for another axis."""
    if axis not in AXES:
        raise ValueError(f"there is no axis {axis!r}; there are: {', '.join(AXES)}")
    if amount == 0:
        return code
    rows = generator.w_plus(code)
    step = directions(generator)[AXES.index(axis)].to(rows)
    return Code(torch.cat((rows[:, :-1] + amount * step, rows[:, -1:]), 1), code.palette)

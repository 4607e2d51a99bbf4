"""How finely a surface is textured, and how much time its unseen sides may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AppearanceConfig:
    """The default takes about four seconds of two cores."""

    faces: int = 6000
    """Triangles that the mesh is simplified to; about so many."""
    texture: int = 1024
    """Texels a side of the light and the rest."""
    coarse: int = 256
    """Texels a side of the weights."""
    middle: int = 512
    """Texels a side at which parts, and what nobody saw, are looked up."""
    source: int = 1024
    """Most pixels a side of the photo's crop."""
    formula_steps: int = 25
    """Of the formula's fit to the mesh; 0 = as the reading of w says, at once."""
    formula_starts: int = 2
    """Classes that are tried."""
    formula_points: int = 400
    """Of the surface, drawn anew for every step."""
    mirror: bool = True
    """Whether a symmetric category takes what is unseen from its mirror image."""
    complete: bool = True
    """Whether the formula completes the sides that nobody saw."""
    detail: float = 1.0
    """The amount of photo detail, in [0, 1]."""


DEFAULT = AppearanceConfig()
FIRST = AppearanceConfig(middle=256, source=640, formula_steps=0)
"""Good enough to be looked at while the default is made."""
FINE = AppearanceConfig(
    faces=12000, texture=2048, coarse=512, middle=1024, formula_steps=60, formula_points=800
)

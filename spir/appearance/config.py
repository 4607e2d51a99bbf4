"""Settings for the resolution of a textured surface and the time spent on its unseen sides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AppearanceConfig:
    """Settings of texturing. The default takes about four seconds on two cores."""

    faces: int = 6000
    """The approximate number of triangles that the mesh is simplified to."""
    texture: int = 1024
    """Texels per side of `light` and `rest`."""
    coarse: int = 256
    """Texels per side of the weights."""
    middle: int = 512
    """Texels per side at which parts and unseen areas are evaluated."""
    source: int = 1024
    """The most pixels per side of the photo's crop."""
    formula_steps: int = 25
    """Optimisation steps of the formula's fit to the mesh; 0 = use the prediction from w unchanged."""
    formula_starts: int = 2
    """The number of classes that are tried."""
    formula_points: int = 400
    """The number of surface points sampled at every step."""
    mirror: bool = True
    """Whether unseen parts of a symmetric category are taken from the mirror image."""
    complete: bool = True
    """Whether the formula completes the sides that the photo does not show."""
    detail: float = 1.0
    """The amount of photo detail, in [0, 1]."""


DEFAULT = AppearanceConfig()
FIRST = AppearanceConfig(middle=256, source=640, formula_steps=0)
"""A quick first version, shown while the default is computed."""
FINE = AppearanceConfig(
    faces=12000, texture=2048, coarse=512, middle=1024, formula_steps=60, formula_points=800
)

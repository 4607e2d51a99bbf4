"""The settings of a rendering, shared by all renderers."""

from dataclasses import dataclass
from typing import Any

from spir.categories import Category


@dataclass(frozen=True)
class RenderConfig:
    """Defaults are those of the reported pictures; inversion and previews take fewer samples or pixels."""

    renderer: str = "fast"
    """A key of `RENDERERS`."""
    size: int = 128
    """Height and width, pixels."""
    pixel_centre: float = 0.5
    """Where a ray passes within its pixel, set by the category (`Category.pixel_centre`)."""
    background: float = 0.0
    """Colour behind the object, in [-1, 1]."""
    normals: bool = False
    """Also composite the unit SDF gradient, object axes. Carries no gradient."""
    attention: bool = False
    """Also composite the palette attention, where the field has one."""
    nocs: bool = False
    """Also composite the object coordinates."""

    samples: int = 16
    """Fast: field evaluations per ray. 8 for previews, 16 in inversion, 24 for metrics and training."""
    grid: int = 48
    """Fast: voxels along the side of the SDF grid that places the samples; 64 where beta is below
    0.004. At 0.005 the pictures of 48 are within 55 dB of those of 96."""
    march: int = 48
    """Fast: steps through that grid per ray."""
    cull: float = 1e-3
    """Fast: rays with less optical depth than this are exactly the background."""

    coarse: int = 64
    """Reference: stratified samples per ray."""
    fine: int = 64
    """Reference: importance samples per ray."""

    @classmethod
    def of(cls, category: Category, **numbers: Any) -> "RenderConfig":
        """Return how pictures of a category are rendered: its rays and its background, and other fields by name."""
        return cls(pixel_centre=category.pixel_centre, background=category.background, **numbers)

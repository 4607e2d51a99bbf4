"""One row per category of object: everything that differs between cars, chairs, birds and planes."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Category:
    """What a category fixes. Nothing outside this file may compare a category's name."""

    name: str
    kind: str
    """What a person would call the object; categories of one kind differ in their weights only."""
    scene_range: float = 1.0
    """Half side of the cube that holds the object, object units."""
    background: float = 0.0
    """Colour behind the object, in [-1, 1]; 0 is mid grey, the authors' choice for masked photos."""
    orthographic: bool = False
    camera_flipped: bool = False
    """True for the authors' poses whose cameras are in computer-vision axes (y down, z forward)."""
    pixel_centre: float = 0.5
    """Where in a pixel its ray passes; the authors' checkpoints were trained with corners (0)."""
    symmetric: bool = True
    """Left and right are mirror images (x -> -x)."""
    elevations_deg: tuple[float, float] = (-15.0, 90.0)
    """From how far below and above its middle it is photographed."""
    rolls_deg: float = 35.0
    """How far pictures of it are tilted, to either side; 180 = as may be."""
    focal_guesses: tuple[float, ...] = (0.8, 1.1, 1.4, 1.8, 2.4, 3.5, 6.0)
    """Focal lengths that PnP tries, picture widths; the weights' own list overrides it."""
    palette_names: tuple[str, ...] = ()
    """What each palette entry colours, where training named it."""
    segment_words: tuple[str, ...] = ()
    """What a general segmenter calls it."""
    terms: str = ""
    """What one may not do with these weights, as a sentence for the page."""


CAR_PALETTE = (
    "body paint",
    "second paint",
    "glass",
    "tyres",
    "rims",
    "headlights",
    "tail lights",
    "dark trim",
    "shade",
    "highlight",
)

SYNTHETIC = Category("car-synthetic", "car", palette_names=CAR_PALETTE, segment_words=("car",))
CAR = replace(SYNTHETIC, name="car", terms="Learnt from research-only photos: not for commercial use.")
ROWS = (CAR, SYNTHETIC)
"""`car-synthetic` has seen procedural cars alone, `car` photos as well."""
CATEGORIES = {row.name: row for row in ROWS}

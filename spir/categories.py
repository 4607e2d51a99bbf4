"""One row per category of object: everything that differs between cars, chairs, birds and planes."""

from dataclasses import dataclass, replace

from spir.geometry.frame import OURS, Frame


@dataclass(frozen=True)
class Category:
    """What a category fixes. Nothing outside this file may compare a category's name."""

    name: str
    kind: str
    """What a person would call the object; categories of one kind differ in their weights only."""
    scene_range: float = 1.0
    """Half side of the cube that holds the object, object units."""
    frame: Frame = OURS
    """The world in which the authors' networks of this category think; import turns it into ours."""
    background: float = 0.0
    """Colour behind the object, in [-1, 1]; 0 is mid grey, the authors' choice for masked photos."""
    orthographic: bool = False
    masked: bool = True
    """Its photos come with masks; else on white, and what is not white is the object."""
    noise: bool = False
    """The authors' generator adds noise; ours always the same one."""
    view_direction: bool = False
    """Colours depend on where they are seen from."""
    keep_pose: bool = False
    """The authors' inversion leaves the pose where PnP found it."""
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
    offered: bool = True
    """Whether the page has it unasked where its weights are there."""
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

LIGHT_NAMES = ("shade", "highlight")
"""Entries of a palette that are light, no material."""

SYNTHETIC = Category("car-synthetic", "car", offered=False, palette_names=CAR_PALETTE, segment_words=("car",))
CAR = replace(
    SYNTHETIC, name="car", offered=True, terms="Learnt from research-only photos: not for commercial use."
)

PUBLISHED = Category(
    "p3d_car",
    "car",
    frame=Frame(up=(0.0, 0.0, 1.0), front=(0.0, -1.0, 0.0), half_side=1.4),
    camera_flipped=True,
    pixel_centre=0.0,
    # Their encoders never saw a mirrored object as the same one, and which poses they know is not known.
    symmetric=False,
    elevations_deg=(-90.0, 90.0),
    rolls_deg=180.0,
    focal_guesses=(0.718, 1.077, 1.328, 1.598, 1.883, 2.279, 2.829, 3.739, 5.144, 9.125, 27.80),
    segment_words=("car",),
)
"""The authors' networks for photos of cars. How the mean shapes of P3D stand (x from the car's right to its left, y from
front to back) is told by those who use them, not looked at; so for the other rows."""
IN_A_BOX = replace(
    PUBLISHED,
    name="shapenet_cars",
    # ShapeNet has +Y up and -Z in front; Blender's import turned that into +Z up and +Y in front.
    frame=Frame(up=(0.0, 0.0, 1.0), front=(0.0, 1.0, 0.0), half_side=0.55),
    background=1.0,
    camera_flipped=False,
    masked=False,
    keep_pose=True,
    focal_guesses=(131.25 / 128,),
)
"""Renderings on white, all with one focal length."""


def imagenet(name: str, kind: str, noise: bool = False) -> Category:
    """The authors' networks for photos of ImageNet. Focal lengths are those of P3D, for want of better ones: the list in
    imported weights overrides them (`spir.weights import --focals`)."""
    return replace(PUBLISHED, name=f"imagenet_{name}", kind=kind, noise=noise, segment_words=(name,))


AUTHORS = (
    PUBLISHED,
    replace(
        PUBLISHED,
        name="cub",
        kind="bird",
        frame=Frame(up=(0.0, 0.0, 1.0), front=(0.0, -1.0, 0.0), half_side=2.0),
        orthographic=True,
        noise=True,
        focal_guesses=(),
        segment_words=("bird",),
    ),
    IN_A_BOX,
    replace(IN_A_BOX, name="shapenet_chairs", kind="chair", segment_words=("chair",)),
    replace(
        IN_A_BOX,
        name="carla",
        # The simulator's own axes: cars lie along x.
        frame=Frame(up=(0.0, 0.0, 1.0), front=(1.0, 0.0, 0.0), half_side=3.0),
        view_direction=True,
        keep_pose=False,
        # A field of view of 30 degrees.
        focal_guesses=(1.8660254,),
    ),
    imagenet("car", "car"),
    imagenet("motorcycle", "motorcycle"),
    imagenet("airplane", "plane"),
    imagenet("elephant", "elephant", noise=True),
    imagenet("zebra", "zebra"),
)
"""The ten for which the authors released networks."""
ROWS = (CAR, SYNTHETIC, *AUTHORS)
"""`car-synthetic` has seen procedural cars alone, `car` photos as well; the others want weights from elsewhere."""
CATEGORIES = {row.name: row for row in ROWS}

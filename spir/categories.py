"""Define one row per category of object: everything that differs between cars, chairs, birds and planes."""

from dataclasses import dataclass, replace

from spir.geometry.frame import OURS, Frame


@dataclass(frozen=True)
class Category:
    """A category has all settings that depend on the kind of object. No code outside this file may compare a
    category's name."""

    name: str
    kind: str
    """The everyday word for the object; categories of one kind differ in their weights only."""
    scene_range: float = 1.0
    """Half the side of the cube that holds the object, in object units."""
    frame: Frame = OURS
    """The world frame of the authors' networks of this category; the import of weights converts it to
    ours."""
    background: float = 0.0
    """The colour behind the object, in [-1, 1]; 0 is mid grey, the authors' choice for masked photos."""
    orthographic: bool = False
    masked: bool = True
    """Whether its photos come with masks; otherwise they are on white, and whatever is not white is the
    object."""
    noise: bool = False
    """Whether the authors' generator adds noise; ours adds the same noise every time."""
    view_direction: bool = False
    """Whether colours depend on the viewing direction."""
    keep_pose: bool = False
    """Whether the authors' inversion leaves the pose where PnP found it."""
    camera_flipped: bool = False
    """Whether the cameras of the authors' poses are in computer-vision axes (y down, z forward)."""
    pixel_centre: float = 0.5
    """The place in a pixel, from 0 to 1, where its ray passes; the authors' checkpoints were trained with
    corners (0)."""
    symmetric: bool = True
    """Whether left and right are mirror images (x -> -x)."""
    elevations_deg: tuple[float, float] = (-15.0, 90.0)
    """The lowest and the highest elevation of the camera in degrees, relative to the object's middle."""
    rolls_deg: float = 35.0
    """The largest tilt of its pictures in degrees, to either side; 180 allows any."""
    focal_guesses: tuple[float, ...] = (0.8, 1.1, 1.4, 1.8, 2.4, 3.5, 6.0)
    """The focal lengths that PnP tries, in picture widths; the weights' own list overrides it."""
    palette_names: tuple[str, ...] = ()
    """The names of what the palette entries colour, where training named them."""
    segment_words: tuple[str, ...] = ()
    """The words that a general segmenter has for the object."""
    offered: bool = True
    """Whether the page offers it by default where its weights are present."""
    terms: str = ""
    """The restriction on the use of these weights, as a sentence for the page."""


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
"""The palette entries that are light and not a material."""

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
    # The authors' encoders never saw a mirrored object as the same one, and their poses are unknown.
    symmetric=False,
    elevations_deg=(-90.0, 90.0),
    rolls_deg=180.0,
    focal_guesses=(0.718, 1.077, 1.328, 1.598, 1.883, 2.279, 2.829, 3.739, 5.144, 9.125, 27.80),
    segment_words=("car",),
)
"""The authors' networks for photos of cars. The orientation of P3D's mean shapes (x from the car's right to
its left, y from front to back) is taken from their users and was not checked; the same holds for the other
rows."""
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
"""The authors' networks for renderings of cars on white, all with one focal length."""


def imagenet(name: str, kind: str, noise: bool = False) -> Category:
    """Return the category of the authors' networks for ImageNet photos. Its focal lengths are those of P3D,
    as no better ones are known: the list in imported weights overrides them (`spir.weights import
    --focals`)."""
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
"""The ten categories for which the authors released networks."""
ROWS = (CAR, SYNTHETIC, *AUTHORS)
"""All categories. `car-synthetic` was trained on procedural cars alone, `car` on photos as well; the others
need weights from elsewhere."""
CATEGORIES = {row.name: row for row in ROWS}

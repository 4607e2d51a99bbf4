"""Training pictures of the small segmenter: objects pasted into scenes, whole photos, and scenes without an
object.

A composite is a square picture as `spir.photo.segmenters.onnx.squared` makes it, the mask of its largest
object, which kind that is, and the mask of all objects. Everything is drawn from one numpy generator, so a
seed repeats a composite.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from spir.data.photo_augment import degrade_photo
from spir.data.segmentation.source_images import CAR, NOTHING, SourceImages
from spir.photo.segmenters.onnx import SIDE, squared


@dataclass(frozen=True)
class ObjectCutout:
    """An object with its mask as a fourth channel, and its kind."""

    rgba: UInt8[ndarray, "h w 4"]
    kind: int


@dataclass
class Composite:
    """A picture with the masks and the kind that the segmenter should find."""

    rgb: UInt8[ndarray, "height width 3"]
    mask: Float[ndarray, "height width"]
    """Mask of the largest object, in [0, 1]."""
    kind: int
    """Index into `KINDS`, or `NOTHING`."""
    objects: Float[ndarray, "height width"]
    """Mask of all objects, neighbours of the largest included."""
    known: bool = True
    """Whether the masks are right far from the object, too: whole photos may show more cars."""
    names: Float[ndarray, "names cells cells"] | None = None
    """The teacher's logits for every cell of the picture; none where it has not labelled it."""


def studio_backdrop(random: np.random.Generator, height: int, width: int) -> UInt8[ndarray, "height width 3"]:
    """A studio's backdrop: white, black or any colour, uneven in brightness, at times with a floor."""
    level = random.choice((255, 250, 20, int(random.integers(0, 256))))
    tint = random.normal(0, 25, 3) if random.random() < 0.5 else np.zeros(3)
    y, x = np.mgrid[:height, :width] / max(height, width)
    slope = random.normal(0, 30) * y + random.normal(0, 20) * x
    if random.random() < 0.4:
        slope = slope + random.normal(0, 35) * (y > random.uniform(0.4, 0.8) * height / max(height, width))
    return (level + tint + slope[..., None]).clip(0, 255).astype(np.uint8)


def backdrop(sources: SourceImages, random: np.random.Generator, size: tuple[int, int], plain: float = 0.3):
    """A crop of a scene, or with the probability `plain` a studio's backdrop, of `size` (height, width)."""
    if random.random() < plain:
        return studio_backdrop(random, *size)
    scene = sources.scenes[random.integers(len(sources.scenes))]
    height, width = scene.shape[:2]
    share = random.uniform(0.5, 1.0)
    crop_h = min(height, max(8, int(share * min(height, width * size[0] / size[1]))))
    crop_w = min(width, max(8, int(crop_h * size[1] / size[0])))
    y, x = random.integers(height - crop_h + 1), random.integers(width - crop_w + 1)
    crop = cv2.resize(scene[y : y + crop_h, x : x + crop_w], size[::-1], interpolation=cv2.INTER_LINEAR)
    return crop[:, ::-1] if random.random() < 0.5 else crop


def place_object(
    cut: UInt8[ndarray, "h w 4"], random: np.random.Generator, size: tuple[int, int], extent: float
) -> Float[ndarray, "height width 4"]:
    """The object somewhere in a picture of `size` (height, width), premultiplied by its alpha, in [0, 1].

    Its longer side is `extent` of the picture's shorter one; it is flipped, turned and cut off by chance."""
    height, width = size
    rows, columns = np.nonzero(cut[..., 3].max(1))[0], np.nonzero(cut[..., 3].max(0))[0]
    cut = cut[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255
    # The rim of a mask of whole pixels shows the old background, which would give the object away.
    alpha = cv2.GaussianBlur(cut[..., 3], (0, 0), random.uniform(0.4, 0.9))
    alpha = (2 * alpha - random.uniform(0.6, 1.0)).clip(0, 1)
    cut = np.dstack((cut[..., :3] * alpha[..., None], alpha))
    scale = extent * min(size) / max(cut.shape[:2])
    stretch = np.exp(random.normal(0, 0.05))
    angle = np.deg2rad(random.normal(0, 6) if random.random() < 0.8 else random.uniform(-25, 25))
    mirror = -1 if random.random() < 0.5 else 1
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    block = turn @ np.diag((mirror * scale * stretch, scale / stretch))
    loose = 0.35 if random.random() < 0.25 else 0.0
    reach = np.abs(block) @ np.array((cut.shape[1], cut.shape[0])) / 2 * (1 - loose)
    room = np.array((width, height)) / 2 - reach
    middle = np.array((width, height)) / 2 + random.uniform(-1, 1, 2) * np.maximum(room, 0)
    shift = middle - block @ (np.array((cut.shape[1], cut.shape[0])) / 2)
    matrix = np.column_stack((block, shift))
    how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA
    if scale < 0.6:
        small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=how)
        factor = np.array((cut.shape[1] / small.shape[1], cut.shape[0] / small.shape[0]))
        matrix[:, :2] *= factor
        cut = small
    return cv2.warpAffine(cut, matrix, (width, height), flags=cv2.INTER_LINEAR).clip(0, 1)


def add_shadow(rgb: Float[ndarray, "h w 3"], alpha: Float[ndarray, "h w"], random: np.random.Generator):
    """The picture with a shadow below and beside the object that `alpha` masks, by chance."""
    rows, columns = np.flatnonzero(alpha.max(1) > 0.5), np.flatnonzero(alpha.max(0) > 0.5)
    if not len(rows) or random.random() < 0.35:
        return rgb
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    middle = (int(columns.mean() + random.normal(0, 0.08) * wide), int(rows[-1] - 0.05 * tall))
    axes = (
        max(1, int(wide * random.uniform(0.4, 0.65))),
        max(1, int(tall * random.uniform(0.05, 0.25))),
    )
    shade = np.zeros(alpha.shape, np.float32)
    cv2.ellipse(shade, middle, axes, 0, 0, 360, 1.0, -1)
    shade = cv2.GaussianBlur(shade, (0, 0), max(0.8, random.uniform(0.02, 0.12) * wide))
    return rgb * (1 - random.uniform(0.2, 0.75) * shade[..., None])


def relight(rgba: Float[ndarray, "h w 4"], random: np.random.Generator) -> Float[ndarray, "h w 4"]:
    """The object brighter or darker than its scene, in light of another colour, a quarter in another
    paint."""
    gain = np.exp(random.normal(0, 0.2)) * np.exp(random.normal(0, 0.05, 3))
    colour = rgba[..., :3]
    if random.random() < 0.25:
        colour = colour[..., random.permutation(3)]
    return np.dstack((np.minimum(colour * gain, rgba[..., 3:]), rgba[..., 3])).astype(np.float32)


def blob(
    sources: SourceImages, random: np.random.Generator, side: int = 128
) -> UInt8[ndarray, "side side 4"]:
    """An object of no kind: one or a few smooth outlines, filled with a piece of a scene or a shaded
    colour."""
    alpha = np.zeros((side, side), np.float32)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    for _ in range(int(random.integers(1, 5))):
        waves = random.normal(0, 0.5, (5, 2)) / np.arange(2, 7)[:, None]
        turns = np.arange(1, 6)[:, None] * angles
        radius = np.exp(waves[:, :1].T @ np.cos(turns) + waves[:, 1:].T @ np.sin(turns))[0]
        radius *= random.uniform(0.15, 0.3) * side
        stretch = np.exp(random.normal(0, 0.4))
        middle = side / 2 + random.uniform(-0.18, 0.18, 2) * side
        ring = middle + radius[:, None] * np.stack((np.cos(angles) * stretch, np.sin(angles) / stretch), 1)
        cv2.fillPoly(alpha, [ring.round().astype(np.int32)], 255.0)
    own = backdrop(sources, random, (side, side), plain=0.5).astype(np.float32)
    if random.random() < 0.5:
        # Round things are brighter where the light comes from.
        own *= 0.5 + cv2.GaussianBlur(alpha / 255, (0, 0), side / 10)[..., None] * random.uniform(0.4, 0.8)
    return np.dstack((own, alpha)).clip(0, 255).astype(np.uint8)


def compose(sources: SourceImages, random: np.random.Generator, size: tuple[int, int]) -> Composite:
    """Compose one to three objects and a scene of `size` (height, width); the mask is of the largest, as far
    as seen."""
    rgb = backdrop(sources, random, size).astype(np.float32) / 255
    first = pick_object(sources, random)
    # An object of no kind stands alone: beside a smaller car the kind of the picture would be unclear.
    count = 1 if first.kind == NOTHING else int(random.choice((1, 2, 3), p=(0.65, 0.25, 0.1)))
    extents = [float(np.exp(random.uniform(np.log(0.3), np.log(1.35))))]
    extents += [extents[0] * random.uniform(0.25, 0.6) for _ in range(count - 1)]
    cuts = [first] + [pick_object(sources, random, first.kind) for _ in range(count - 1)]
    layers = [
        relight(place_object(cut.rgba, random, size, extent), random)
        for cut, extent in zip(cuts, extents, strict=True)
    ]
    target, objects = np.zeros(size, np.float32), np.zeros(size, np.float32)
    # Neighbours mostly stand behind; one in three hides a part of the largest object.
    order = [*range(1, count), 0] if random.random() < 0.67 else list(range(count))
    for index in order:
        alpha = layers[index][..., 3]
        rgb = add_shadow(rgb, alpha, random) * (1 - alpha[..., None]) + layers[index][..., :3]
        target = alpha if index == 0 else target * (1 - alpha)
        objects = np.maximum(objects, alpha)
    return Composite((rgb.clip(0, 1) * 255).astype(np.uint8), target, first.kind, objects)


def pick_object(sources: SourceImages, random: np.random.Generator, kind: int | None = None) -> ObjectCutout:
    """A random object of `kind`, or (none) a car, one of the other kinds, all equally likely, or an object of
    no kind."""
    if kind is None:
        kind = int(random.choice((CAR, NOTHING, -1), p=(0.38, 0.17, 0.45)))
        others = sorted(sources.others)
        kind = others[random.integers(len(others))] if kind == -1 and others else max(kind, CAR)
    if kind == NOTHING:
        there = sources.animals and random.random() < 0.7
        made = sources.animals[random.integers(len(sources.animals))] if there else blob(sources, random)
        return ObjectCutout(made, NOTHING)
    alike = sources.cars if kind == CAR else sources.others[kind]
    found = alike[random.integers(len(alike))]
    return ObjectCutout(
        retexture(found, sources, random) if kind != CAR and random.random() < 0.5 else found, kind
    )


def retexture(
    cut: UInt8[ndarray, "h w 4"], sources: SourceImages, random: np.random.Generator
) -> UInt8[ndarray, "h w 4"]:
    """A rendering in the texture of scenes (fur, leaves, stones), one where it was bright and one where it
    was dark.

    Its shape must tell what it is, and not how smooth it is."""
    size, alpha = cut.shape[:2], cut[..., 3]
    bright = cut[..., :3].astype(np.float32).mean(-1)
    middle = np.median(bright[alpha > 128]) if (alpha > 128).any() else 128.0
    one, other = (backdrop(sources, random, size, plain=0.1).astype(np.float32) for _ in range(2))
    cloth = np.where((bright > middle)[..., None], one, other) if random.random() < 0.5 else one
    shade = (bright / max(middle, 20.0)).clip(0.4, 1.6) ** random.uniform(0.3, 1.0)
    return np.dstack(((cloth * shade[..., None]).clip(0, 255).astype(np.uint8), alpha))


def whole_photo(sources: SourceImages, random: np.random.Generator) -> Composite:
    """A photo of a car or an animal as it was taken, or a crop of it."""
    kind = NOTHING if sources.animals and random.random() < 0.3 else CAR
    found = sources.animals if kind == NOTHING else sources.cars
    rgba = found[random.integers(len(found))]
    height, width = rgba.shape[:2]
    if random.random() < 0.4:
        share = random.uniform(0.6, 1.0, 2)
        tall, wide = int(share[0] * height), int(share[1] * width)
        y, x = random.integers(height - tall + 1), random.integers(width - wide + 1)
        rgba = rgba[y : y + tall, x : x + wide]
    if random.random() < 0.5:
        rgba = rgba[:, ::-1]
    mask = rgba[..., 3].astype(np.float32) / 255
    seen = bool((mask > 0.5).mean() > 0.02)
    return Composite(rgba[..., :3], mask * seen, kind if seen else NOTHING, mask, known=False)


def to_square(sample: Composite, side: int = SIDE) -> Composite:
    """The composite as the network takes it, square."""
    how = cv2.INTER_AREA if side < max(sample.mask.shape) else cv2.INTER_LINEAR
    return Composite(
        squared(sample.rgb, side),
        cv2.resize(sample.mask, (side, side), interpolation=how),
        sample.kind,
        cv2.resize(sample.objects, (side, side), interpolation=how),
        sample.known,
    )


def sample_composite(
    sources: SourceImages,
    random: np.random.Generator,
    side: int = SIDE,
    degrade: bool = True,
    shares: tuple[float, float] = (0.6, 0.25),
) -> Composite:
    """Draw one training picture, a square of `side` pixels.

    `degrade` makes it as bad as photos are; `shares` are those of composed pictures and of photos with their
    object, the rest are scenes."""
    ratio = float(np.exp(random.uniform(np.log(0.6), np.log(1.7))))
    size = (side, max(16, round(side * ratio))) if ratio < 1 else (max(16, round(side / ratio)), side)
    chance = random.random()
    if chance < shares[0]:
        sample = compose(sources, random, size)
    elif chance < sum(shares):
        sample = whole_photo(sources, random)
    else:
        empty = np.zeros(size, np.float32)
        # There may be something in it that has no mask: nothing to learn for masks.
        sample = Composite(backdrop(sources, random, size, plain=0.08), empty, NOTHING, empty, known=False)
    if degrade:
        sample.rgb = degrade_photo(sample.rgb, random)
    return to_square(sample, side)

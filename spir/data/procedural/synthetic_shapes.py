"""Random chairs, birds and planes built from boxes, cylinders and ellipsoids, because few meshes of them are
free.

Everything is drawn from one numpy generator, so a seed repeats a shape. Axes are as everywhere, +Y up and the
front towards +Z; sizes are arbitrary until a shape is fitted. Colours in [0, 1] belong to the parts.
"""

from collections.abc import Sequence

import numpy as np
import torch
import trimesh
from jaxtyping import Float
from numpy import ndarray

from spir.data.meshes.read import PaintedMesh, fit, from_surface
from spir.types import Mesh

Random = np.random.Generator
Part = tuple[trimesh.Trimesh, Float[ndarray, "3"]]
"""A part and its colour."""
Point = Sequence[float | int] | ndarray


def box(size: Point, middle: Point, colour: Float[ndarray, "3"], slant: float = 0.0) -> Part:
    """A box; `slant` leans it backwards around its lower edge, radians."""
    solid = trimesh.creation.box(size).subdivide().subdivide()
    if slant:
        foot = (0, -size[1] / 2, 0)
        solid.apply_transform(trimesh.transformations.rotation_matrix(-slant, (1, 0, 0), foot))
    return solid.apply_translation(middle), colour


def cylinder(start: Point, end: Point, radius: float, colour: Float[ndarray, "3"]) -> Part:
    """A cylinder between two points."""
    return trimesh.creation.cylinder(radius, segment=np.array((start, end)), sections=10), colour


def ellipsoid(
    radii: Point, middle: Point, colour: Float[ndarray, "3"], pitch: float = 0.0, roll: float = 0.0
) -> Part:
    """An ellipsoid; `pitch` raises its front, `roll` its +x side, radians."""
    solid = trimesh.creation.icosphere(3).apply_scale(radii)
    turn = trimesh.transformations.euler_matrix(-pitch, 0, roll)
    return solid.apply_transform(turn).apply_translation(middle), colour


def colours(random: Random, count: int) -> Float[ndarray, "count 3"]:
    """Random colours of one shape: most are close to one colour, which is more often muted than bright."""
    base = random.random(3)
    if random.random() < 0.75:
        base = random.uniform(0.05, 0.95) * np.array((1, *random.uniform(0.5, 1.05, 2))).cumprod()
    near = base + random.normal(0, 0.05, (count, 3))
    far = base + random.normal(0, 0.4, (count, 3))
    return np.where(random.random((count, 1)) < 0.35, far, near).clip(0.02, 0.98)


def chair(random: Random) -> list[Part]:
    """A chair: the base, back and arms are of random types; a fifth are as wide as sofas."""
    wide, deep = random.uniform(0.4, 0.62, 2)
    if random.random() < 0.2:
        wide *= random.uniform(1.6, 3.2)
    seat, thick, tall = random.uniform(0.35, 0.5), random.uniform(0.02, 0.16), random.uniform(0.3, 0.75)
    leg, wood, cloth, metal = random.uniform(0.01, 0.03), *colours(random, 3)
    parts = [box((wide, thick, deep), (0, seat, 0), cloth)]
    if random.random() < 0.3:
        parts.append(ellipsoid((wide * 0.48, thick, deep * 0.48), (0, seat + thick / 2, 0), cloth))
    parts += base(random, wide, deep, seat, leg, wood if random.random() < 0.6 else metal)
    slant = random.uniform(0, 0.35)
    parts += back(random, wide, tall, (seat + thick / 2, -deep / 2), slant, leg, (wood, cloth))
    if random.random() < 0.4:
        high = seat + random.uniform(0.15, 0.28)
        for side in (-1, 1):
            x = side * (wide / 2 + leg)
            parts.append(box((random.uniform(0.03, 0.09), 0.035, deep * 0.9), (x, high, 0), wood))
            if random.random() < 0.5:
                parts.append(
                    box((0.05, high - seat + thick, deep * 0.9), (x, (high + seat - thick) / 2, 0), cloth)
                )
            else:
                parts.append(cylinder((x, seat, deep * 0.38), (x, high, deep * 0.38), leg, wood))
    return parts


def base(random: Random, wide: float, deep: float, seat: float, leg: float, colour) -> list[Part]:
    """The base of a chair: four legs, a star, runners or a block."""
    kind = random.choice(("legs", "star", "runners", "block"), p=(0.6, 0.2, 0.1, 0.1))
    if kind == "star":
        arms = int(random.integers(4, 6))
        reach, foot = random.uniform(0.24, 0.34), random.uniform(0.03, 0.1)
        around = 2 * np.pi * (np.arange(arms) / arms + random.random())
        tips = [(reach * np.cos(a), foot / 2, reach * np.sin(a)) for a in around]
        return [
            cylinder((0, foot, 0), (0, seat, 0), 1.5 * leg, colour),
            *(cylinder((0, foot + 0.05, 0), tip, leg, colour) for tip in tips),
            *(ellipsoid((foot / 2,) * 3, tip, np.full(3, 0.08)) for tip in tips),
        ]
    if kind == "block":
        return [box((wide * 0.95, seat, deep * 0.95), (0, seat / 2, 0), colour)]
    splay, parts = random.uniform(0.85, 1.25), []
    for x in (-1, 1):
        for z in (-1, 1):
            top = (x * wide * 0.44, seat, z * deep * 0.44)
            parts.append(cylinder(top, (top[0] * splay, 0, top[2] * splay), leg, colour))
        if kind == "runners" or random.random() < 0.3:
            x0, y = x * wide * 0.44 * splay, 0.0 if kind == "runners" else seat * 0.4
            parts.append(cylinder((x0, y, -deep * 0.44), (x0, y, deep * 0.44), leg * 0.8, colour))
    return parts


def back(
    random: Random, wide: float, tall: float, start: tuple[float, float], slant: float, leg: float, paint
) -> list[Part]:
    """The back of a chair: a board, slats, rods or a pad; `start` is the height and depth where it begins."""
    (y, z), (wood, cloth) = start, paint
    kind = random.choice(("board", "slats", "rods", "pad", "round"), p=(0.3, 0.25, 0.2, 0.15, 0.1))
    place = lambda high: (y + high * np.cos(slant), z - high * np.sin(slant))  # noqa: E731
    if kind == "board":
        return [box((wide, tall, random.uniform(0.02, 0.14)), (0, y + tall / 2, z), cloth, slant)]
    if kind == "round":
        middle = place(tall / 2)
        return [ellipsoid((wide / 2, tall / 2, random.uniform(0.02, 0.08)), (0, *middle), cloth, slant)]
    ends = place(tall)
    posts = [
        cylinder((x * wide * 0.46, y - 0.03, z), (x * wide * 0.46, *ends), 1.2 * leg, wood) for x in (-1, 1)
    ]
    if kind == "pad":
        pad = box(
            (wide, tall * 0.45, random.uniform(0.03, 0.1)),
            (0, place(tall * 0.75)[0], place(tall * 0.5)[1]),
            cloth,
            slant,
        )
        return [*posts, pad]
    count = int(random.integers(2, 7))
    if kind == "slats":
        highs = np.linspace(0.25, 0.95, count) * tall
        return posts + [
            box((wide * 0.9, tall / count * random.uniform(0.3, 0.6), 0.02), (0, *place(high)), wood)
            for high in highs
        ]
    across = np.linspace(-0.4, 0.4, count) * wide
    top = cylinder((-wide * 0.48, *ends), (wide * 0.48, *ends), 1.6 * leg, wood)
    return [*posts, top, *(cylinder((x, y, z), (x, *ends), leg * 0.7, wood) for x in across)]


def bird(random: Random) -> list[Part]:
    """A bird: perched, standing on long legs, swimming or flying, with a neck of any length."""
    paint = colours(random, 7)
    long, plump = 1.0, random.uniform(0.22, 0.45)
    pitch = random.uniform(-0.1, 0.9)
    ahead = np.array((0, np.sin(pitch), np.cos(pitch)))
    flying = random.random() < 0.25
    body = ellipsoid((plump * random.uniform(0.8, 1.1), plump, long / 2), (0, 0, 0), paint[0], pitch)
    breast = ellipsoid((plump * 0.85, plump * 0.9, long * 0.4), ahead * 0.06 - (0, 0.07, 0), paint[1], pitch)
    neck = random.uniform(0.0, 0.15) if random.random() < 0.65 else random.uniform(0.25, 0.8)
    size = random.uniform(0.14, 0.26)
    root = ahead * long * 0.4
    bend = root + neck * np.array((0, random.uniform(0.7, 1.2), random.uniform(-0.2, 0.5)))
    head = bend + (0, size * 0.6, size * 0.3)
    parts = [body, breast, ellipsoid((size * 0.9, size, size * 1.1), head, paint[2])]
    for start, end in (
        (root, (root + bend) / 2 + (0, 0, 0.1 * neck)),
        ((root + bend) / 2 + (0, 0, 0.1 * neck), head),
    ):
        parts.append(
            cylinder(
                start, end, size * random.uniform(0.45, 0.8), paint[2] if random.random() < 0.7 else paint[0]
            )
        )
    beak, dip = random.uniform(0.08, 0.45), random.uniform(-0.4, 0.1)
    cone = trimesh.creation.cone(size * random.uniform(0.2, 0.5), beak + size, sections=12)
    cone.apply_transform(trimesh.transformations.rotation_matrix(-dip, (1, 0, 0)))
    parts.append((cone.apply_translation(head), paint[3]))
    eye = np.array((size * 0.75, size * 0.25, size * 0.6))
    parts += [ellipsoid((size * 0.16,) * 3, head + eye * (x, 1, 1), np.full(3, 0.03)) for x in (-1, 1)]
    tail, fan = random.uniform(0.25, 0.8), random.uniform(0.06, 0.3)
    drop = pitch + random.uniform(-0.5, 0.3)
    away = np.array((0, np.sin(drop), np.cos(drop)))
    parts.append(ellipsoid((fan, 0.04, tail / 2), -ahead * long * 0.42 - away * tail * 0.4, paint[4], drop))
    return parts + wings(random, flying, plump, pitch, paint[5]) + legs(random, flying, plump, paint[6])


def wings(random: Random, flying: bool, plump: float, pitch: float, paint) -> list[Part]:
    """The wings of a bird, folded along the body or spread."""
    if not flying:
        reach = random.uniform(0.35, 0.6)
        back = np.array((0, np.sin(pitch), np.cos(pitch))) * -0.12
        return [
            ellipsoid((0.05, plump * 0.7, reach), back + (x * plump * 0.85, 0.05, 0), paint, pitch)
            for x in (-1, 1)
        ]
    span, deep, lift = random.uniform(0.6, 1.3), random.uniform(0.15, 0.3), random.uniform(-0.4, 0.9)
    parts = []
    for x in (-1, 1):
        middle = np.array((x * span / 2 * np.cos(lift), span / 2 * np.sin(lift), 0))
        parts.append(ellipsoid((span / 2, 0.03, deep), middle, paint, 0.0, x * lift))
        tip = middle * 2 + (x * span * 0.25, 0, -0.1)
        parts.append(ellipsoid((span * 0.35, 0.02, deep * 0.7), tip, paint * 0.7, 0.0, x * lift * 0.5))
    return parts


def legs(random: Random, flying: bool, plump: float, paint) -> list[Part]:
    """The legs of a bird with their toes; none while it flies, and for a quarter of the others."""
    if flying or random.random() < 0.25:
        return []
    tall = random.uniform(0.08, 0.3) if random.random() < 0.7 else random.uniform(0.4, 1.1)
    parts = []
    for x in (-1, 1):
        hip = np.array((x * plump * 0.4, -plump * 0.75, -0.05))
        foot = hip + (0, -tall, random.uniform(-0.1, 0.1))
        parts.append(cylinder(hip, foot, random.uniform(0.012, 0.03), paint))
        toes = [(-0.08, 0.12), (0.0, 0.15), (0.08, 0.12), (0, -0.08)]
        parts += [cylinder(foot, foot + (a, -0.01, b), 0.012, paint) for a, b in toes]
    return parts


def plane(random: Random) -> list[Part]:
    """A plane: its wings are high or low, swept or not, with engines below them; some have a propeller in
    front."""
    paint = colours(random, 5)
    thick, span, sweep = random.uniform(0.05, 0.1), random.uniform(0.35, 0.65), random.uniform(-0.05, 0.35)
    parts = [ellipsoid((thick, thick * random.uniform(0.9, 1.4), 0.55), (0, 0, 0), paint[0])]
    parts.append(cylinder((0, 0, -0.42), (0, 0, 0.42), thick * 0.95, paint[0]))
    high, deep, lift = (
        random.uniform(-0.7, 0.9) * thick,
        random.uniform(0.07, 0.13),
        random.uniform(-0.03, 0.12),
    )
    for x in (-1, 1):
        parts.append(slab((0, high, 0.05), (x * span, high + lift * span, 0.05 - sweep), deep, paint[1]))
        parts.append(
            slab((0, 0.02, -0.45), (x * span * 0.4, 0.04, -0.45 - sweep * 0.3), deep * 0.6, paint[2])
        )
        if random.random() < 0.6:
            at = np.array((x * span * 0.4, high - 0.04, 0.1 - sweep * 0.4))
            parts.append(cylinder(at - (0, 0, 0.06), at + (0, 0, 0.08), 0.035, paint[3]))
    parts.append(slab((0, 0, -0.42), (0, random.uniform(0.15, 0.28), -0.52), deep * 0.8, paint[4]))
    parts.append(ellipsoid((thick * 0.7, thick * 0.6, 0.1), (0, thick * 0.7, 0.3), np.full(3, 0.08)))
    if random.random() < 0.4:
        angle = random.random() * np.pi
        tip = 0.16 * np.array((np.cos(angle), np.sin(angle), 0))
        parts.append(cylinder((0, 0, 0.56) - tip, (0, 0, 0.56) + tip, 0.012, np.full(3, 0.15)))
    return parts


def slab(root: Point, tip: Point, deep: float, colour: Float[ndarray, "3"]) -> Part:
    """A wing from root to tip, `deep` at the root and half as deep at the tip."""
    points = []
    for at, share in ((root, 1.0), (tip, 0.5)):
        across = np.array((0.008, 0.0, 0.0)) if abs(tip[0] - root[0]) < 1e-6 else np.array((0.0, 0.008, 0.0))
        points += [
            np.array(at) + side * across + (0, 0, end * deep * share) for side in (-1, 1) for end in (-1, 1)
        ]
    return trimesh.convex.convex_hull(np.array(points)).subdivide().subdivide(), colour


BUILDERS = {"chair": chair, "bird": bird, "plane": plane}
"""Functions that build the parts of a shape of each kind."""


def synthetic_shape(kind: str, random: Random) -> PaintedMesh:
    """A new shape of a kind of `BUILDERS`, in the canonical frame, with a pattern on its colours."""
    parts = BUILDERS[kind](random)
    vertices = np.concatenate([solid.vertices for solid, _ in parts])
    starts = np.cumsum([0] + [len(solid.vertices) for solid, _ in parts])
    faces = np.concatenate([solid.faces + start for (solid, _), start in zip(parts, starts, strict=False)])
    paint = np.concatenate([np.tile(colour, (len(solid.vertices), 1)) for solid, colour in parts])
    paint = (paint * pattern(vertices, random)).clip(0.01, 0.99)
    surface = Mesh(
        vertices=fit(torch.from_numpy(vertices.astype(np.float64))).float(),
        faces=torch.from_numpy(faces.astype(np.int64)),
        colours=torch.from_numpy(paint.astype(np.float32)) * 2 - 1,
    )
    return from_surface(surface)


def pattern(points: Float[ndarray, "point 3"], random: Random) -> Float[ndarray, "point 1"]:
    """Brightness at points of a surface: a few waves of random length and direction, some with sharp
    edges."""
    size = np.ptp(points, axis=0).max()
    waves = random.normal(0, 1, (6, 3)) * np.exp(random.uniform(0, 4, (6, 1))) / size
    value = np.sin(points @ waves.T + random.uniform(0, 6, 6)).mean(1, keepdims=True)
    if random.random() < 0.4:
        value = np.tanh(8 * value) * 0.4
    return np.exp(random.uniform(0, 0.9) * value)

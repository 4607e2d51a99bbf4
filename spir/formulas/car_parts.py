"""Assigns palette entries to the points of a procedural car, and bakes light into them.

A painter's algorithm on the surface: every part covers what was painted before it with a soft mask,
then the light mixes in "shade" and "highlight". So a lit colour is exactly attention @ palette, as in
§3.1 "Attention-based color mapping", and the entries keep their names.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.formulas.parameters import Parameters
from spir.formulas.shapes import box2, inside, length2

if TYPE_CHECKING:
    from spir.formulas.car import Distances

EDGE = 0.02
"""Softness of the borders between parts, metres."""


class Canvas:
    """The attention, onto which parts are painted one over the other."""

    def __init__(self, like: Tensor):
        self.pure = torch.eye(len(CAR_PALETTE), dtype=like.dtype, device=like.device)
        self.layers = self.pure[0].expand(*like.shape, -1)

    def cover(self, name: str, mask: Tensor) -> None:
        """Paint `name` where mask is 1."""
        self.layers = torch.lerp(self.layers, self.pure[CAR_PALETTE.index(name)], mask[..., None])

    def amount(self, name: str) -> Tensor:
        return self.layers[..., CAR_PALETTE.index(name)]


def attention(
    p: Parameters,
    d: "Distances",
    x: Tensor,
    y: Tensor,
    z: Tensor,
    normals: Tensor,
    facing: Tensor | None = None,
) -> Tensor:
    """Return attention (batch, point, 10), summing to 1. x is |x|; x, y, z in metres.

    `facing` are the normals used for lighting and for finding the underside, where they are another surface's."""
    canvas, facing = Canvas(x), normals if facing is None else facing
    paint_body(canvas, p, d, x, y, z, facing)
    paint_glass(canvas, p, d, x, y, z, normals)
    paint_face(canvas, p, x, y, z, normals)
    paint_tail(canvas, p, x, y, z, normals)
    paint_wheels(canvas, p, d, x, y, z)
    light(canvas, p, d, y, facing)
    return canvas.layers


def paint_body(
    canvas: Canvas, p: Parameters, d: "Distances", x: Tensor, y: Tensor, z: Tensor, n: Tensor
) -> None:
    """Paint two-tone roof or flank, cladding, trim line, underside, wheel wells, load bed, interior."""
    two_tone = inside(-p["two_tone"], 0.6)
    canvas.cover("second paint", two_tone * inside(p["waist"] + 0.10 - y, 0.04))
    canvas.cover("dark trim", inside(y - p["sill"] - p["cladding"].clamp(min=0), EDGE))
    strip = (y - 0.5 * (p["waist"] + p["sill"])).abs() - p["trim_line"].clamp(min=-0.03)
    canvas.cover("dark trim", inside(strip, EDGE) * inside(z.abs() - 0.40 * p["length"], 0.05))
    canvas.cover("dark trim", inside(n[..., 1] + 0.75, 0.2))
    flared = d.arch - 0.055
    canvas.cover("dark trim", inside(flared, EDGE) * inside(-p["cladding"], 0.08))
    canvas.cover("dark trim", inside(d.arch - 0.005, EDGE) * inside(d.side + 0.03, 0.02))
    half_bed = p["length"] * (1 - p["rear_foot"])
    bed = torch.maximum(x - 0.5 * p["width"] + 0.11, z + 0.5 * p["length"] - half_bed + 0.05)
    bed = torch.maximum(bed, torch.maximum(y - p["deck"] + 0.02, -z - 0.5 * p["length"] + 0.07))
    canvas.cover("dark trim", inside(bed, EDGE) * p["bed"])
    canvas.cover("dark trim", inside(d.interior, EDGE))
    cockpit = torch.maximum(x - 0.5 * p["width"] + 0.18, y - p["waist"] + 0.02)
    cockpit = torch.maximum(cockpit, p["waist"] - 0.40 - y)
    cockpit = torch.maximum(cockpit, z - p["length"] * (0.5 - p["screen_foot"]) + 0.33)
    cockpit = torch.maximum(cockpit, p["length"] * (0.5 - p["rear_foot"]) - z + 0.04)
    canvas.cover("dark trim", inside(cockpit, EDGE) * p["open"])
    rails = torch.maximum(p["height"] - 0.005 - y, -p["roof_rail"] - x * 0)
    canvas.cover("dark trim", inside(rails, EDGE) * inside(0.45 * p["width"] * 0.62 - x, 0.04))


def paint_glass(
    canvas: Canvas, p: Parameters, d: "Distances", x: Tensor, y: Tensor, z: Tensor, n: Tensor
) -> None:
    """Paint windscreen, side windows between their posts, rear window."""
    foot, front = p["length"] * (0.5 - p["screen_foot"]), p["length"] * (0.5 - p["roof_front"])
    back, rear = p["length"] * (0.5 - p["roof_rear"]), p["length"] * (0.5 - p["rear_foot"])
    rear = torch.maximum(rear, -0.5 * p["length"] + p["bumper_rear"] + 0.5 * p["tail_lean"])
    top = p["height"] - p["roof_arch"] - p["glass_high"]
    rise = ((y - p["cowl"]) / (p["height"] - p["cowl"])).clamp(-0.2, 1.2)
    fall = ((y - p["deck"]) / (p["height"] - p["deck"])).clamp(-0.2, 1.2)
    screen_z, rear_z = foot + rise * (front - foot), rear + fall * (back - rear)
    cabin_half = 0.5 * p["width"] - p["tumblehome"] * (y - p["waist"]).clamp(min=0) - p["shoulder"]

    # Side windows: an inset of the cabin's outline, cut by the posts.
    hood_side = p["cowl"] + 0.02 + (p["waist"] - p["cowl"]) * ((foot - z) / (foot - back)).clamp(0, 1)
    opening = torch.maximum(
        y - top + 0.01, torch.maximum(hood_side + p["glass_low"] - y, z - screen_z + p["pillar_a"] + 0.05)
    )
    opening = torch.maximum(opening, rear_z - z + p["pillar_c"])
    span = foot - rear
    post_b = (z - foot + span * p["pillar_b_at"]).abs() - 0.5 * p["pillar_b"]
    post_d = (z - foot + span * p["pillar_d_at"]).abs() - 0.35 * p["pillar_b"]
    opening = torch.maximum(opening, -torch.minimum(post_b, post_d))
    sideways = inside(0.50 - n[..., 0].abs(), 0.25)
    closed = 1 - p["open"].clamp(0, 1)
    canvas.cover("glass", inside(opening, EDGE) * sideways * closed)

    # Windscreen and rear window: the sloping faces, inset from roof and posts.
    screen = torch.maximum(x - cabin_half + p["pillar_a"] + 0.04, y - top - 0.01)
    screen = torch.maximum(screen, p["cowl"] + 0.01 - y)
    near_screen = torch.maximum(screen, screen_z - 0.16 - z)
    canvas.cover("glass", inside(near_screen, EDGE) * inside(0.20 - n[..., 2], 0.15))
    low = p["deck"] + (1 - p["rear_glass"]) * (p["height"] - p["deck"]) * inside(
        rear + 0.40 * p["length"], 0.1
    )
    window = torch.maximum(
        x - cabin_half + 0.10, torch.maximum(y - top, torch.maximum(low, p["deck"] + 0.03) - y)
    )
    window = torch.maximum(window, z - rear_z - 0.18)
    canvas.cover("glass", inside(window, EDGE) * inside(n[..., 2] + 0.20, 0.15) * closed)


def paint_face(canvas: Canvas, p: Parameters, x: Tensor, y: Tensor, z: Tensor, n: Tensor) -> None:
    """Paint grille, air intake, headlights, front plate."""
    ahead = inside(0.42 * p["length"] - z, 0.05)
    forward = inside(0.25 - n[..., 2], 0.3)
    middle = p["nose"] - p["grille_drop"]
    grille = box2(x, y - middle, p["grille_width"], 0.5 * p["grille_height"], 0.03)
    canvas.cover("dark trim", inside(grille, EDGE) * forward * ahead)
    intake = box2(x, y - p["clearance"] - 0.17, p["intake_width"], p["intake"], 0.03)
    canvas.cover("dark trim", inside(intake, EDGE) * forward * ahead)
    corner = 0.5 * p["width"] - 0.07 - p["plan_front"]
    lamp_y = p["nose"] - 0.75 * p["lamp_height"] - 0.03
    drift = 0.10 * (0.5 * p["length"] - z).clamp(min=0) * 2
    frontal = torch.maximum(x - corner - 0.1, corner - 2 * p["lamp_width"] - x)
    wrapped = 0.5 * p["length"] - p["lamp_wrap"] - z
    lamp = torch.maximum(
        (y - lamp_y - drift).abs() - p["lamp_height"],
        torch.maximum(wrapped, corner - 2 * p["lamp_width"] - x),
    )
    lamp = torch.where(n[..., 0].abs() > 0.7, lamp, torch.maximum(lamp, frontal))
    canvas.cover(
        "headlights",
        inside(lamp, EDGE) * inside(0.35 * p["length"] - z, 0.05) * inside(n[..., 1] - 0.85, 0.1),
    )
    plate = box2(
        x, y - p["clearance"] - 0.30, torch.full_like(p["nose"], 0.26), torch.full_like(p["nose"], 0.06), 0.01
    )
    canvas.cover("highlight", inside(plate, EDGE) * inside(0.45 - n[..., 2], 0.2) * ahead)


def paint_tail(canvas: Canvas, p: Parameters, x: Tensor, y: Tensor, z: Tensor, n: Tensor) -> None:
    """Paint tail lights, rear plate, lower bumper."""
    behind = inside(z + 0.40 * p["length"], 0.05)
    corner = 0.5 * p["width"] - 0.04 - p["plan_rear"]
    lamp_y = p["deck"] - 0.02 - p["tail_drop"] * 0.6 - 0.3 * p["tail_height"]
    frontal = corner - 1.6 * p["tail_width"] - x
    wrapped = z + 0.5 * p["length"] - p["tail_wrap"] - p["tail_lean"]
    lamp = torch.maximum((y - lamp_y).abs() - p["tail_height"], torch.maximum(frontal, wrapped))
    canvas.cover("tail lights", inside(lamp, EDGE) * behind * inside(n[..., 1] - 0.75, 0.15))
    high = p["clearance"] + 0.42 + 0.3 * p["plate_high"]
    plate = box2(x, y - high, torch.full_like(high, 0.26), torch.full_like(high, 0.06), 0.01)
    canvas.cover("highlight", inside(plate, EDGE) * inside(n[..., 2] + 0.45, 0.2) * behind)


def paint_wheels(canvas: Canvas, p: Parameters, d: "Distances", x: Tensor, y: Tensor, z: Tensor) -> None:
    """Paint tyres, and rims with their spokes."""
    wheel = inside(d.tyre - torch.minimum(d.body, d.mirror), 0.015) * inside(d.tyre - 0.15, 0.1)
    rim = inside(d.axle_distance - p["rim"] * p["wheel_radius"], EDGE)
    rim = rim * inside(0.5 * p["width"] - p["inset"] - 0.14 - x, 0.02)
    front, rear = p["length"] * (0.5 - p["overhang"]), p["length"] * (0.5 - p["overhang"] - p["wheelbase"])
    dz = torch.where(z > 0.5 * (front + rear), z - front, z - rear)
    angle = torch.atan2(y - p["wheel_radius"], dz + 1e-6)
    spokes = inside(p["spoke_width"] - torch.cos(angle * p["spokes"].round()), 0.5)
    hub = inside(d.axle_distance - 0.08, EDGE)
    ring = inside(0.88 * p["rim"] * p["wheel_radius"] - d.axle_distance, EDGE)
    metal = 1 - (1 - spokes) * (1 - hub) * (1 - ring)
    canvas.cover("tyres", wheel)
    canvas.cover("rims", wheel * rim * (0.15 + 0.85 * metal))


def light(canvas: Canvas, p: Parameters, d: "Distances", y: Tensor, n: Tensor) -> None:
    """Mix in skylight on what faces up, shade below and near the ground, and a sun in the plane of symmetry."""
    up = n[..., 1]
    direction = length2(p["sun_height"], p["sun_front"])
    lambert = (up * p["sun_height"] + n[..., 2] * p["sun_front"]) / direction
    low = 1 - (y / (0.6 * p["height"])).clamp(0, 1)
    away = 0.5 - 0.5 * lambert
    shade = 1 - (1 - p["ground"] * (-up).clamp(0, 1)) * (1 - p["sun"] * away**2) * (
        1 - 0.35 * p["contact"] * low**2
    )
    glossy = p["sky"] + (p["glass_sky"] - p["sky"]) * canvas.amount("glass").clamp(0, 1)
    matt = canvas.amount("tyres") + canvas.amount("dark trim")
    highlight = glossy * up.clamp(0, 1) ** 1.5 * (1 - 0.7 * matt) * 0.8
    canvas.cover("shade", shade.clamp(0, 0.75))
    canvas.cover("highlight", highlight.clamp(0, 0.6))

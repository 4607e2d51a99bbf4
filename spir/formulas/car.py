"""Cars as a formula: the parameters of a car to an analytic signed distance, part by part.

Geometry only: labels are in car_parts.py, the field in car_field.py. Metres: x to the side, y up from the
ground, z forward, the middle of the car at z = 0. Everything is a function of |x|, so cars are exactly
symmetric (the steering wheel of an open car aside).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from spir.formulas.parameters import Parameters
from spir.formulas.shapes import (
    box2,
    box3,
    cylinder,
    ellipsoid,
    length2,
    polygon,
    rounded_intersection,
    smooth_difference,
    smooth_union,
    smoothstep,
)


def from_front(p: Parameters, share: Tensor) -> Tensor:
    """Return z in metres of a point `share` of the length behind the front bumper."""
    return p["length"] * (0.5 - share)


def wheel_positions(p: Parameters) -> tuple[Tensor, Tensor]:
    """Return z of the front and the rear axle, in metres."""
    front = from_front(p, p["overhang"])
    return front, front - p["wheelbase"] * p["length"]


def half_width(p: Parameters, y: Tensor, z: Tensor) -> Tensor:
    """Return half the body's width at (y, z), in metres: plan taper at both ends, bulge below, tumblehome above the waist."""
    half = 0.5 * p["width"]
    end = 0.5 * p["length"]
    front = smoothstep((z - end + p["front_corner"]) / p["front_corner"] * 0.5)
    rear = smoothstep((-z - end + p["rear_corner"]) / p["rear_corner"] * 0.5)
    drawn = p["plan_front"] * (z / end).clamp(min=0) ** 2 + p["plan_rear"] * (-z / end).clamp(min=0) ** 2
    corner = p["round"] * (0.34 * front + 0.24 * rear)
    low = p["bulge"] * ((y - 0.55 * p["waist"]) / (0.5 * p["waist"])).clamp(-1.2, 1.2) ** 2
    lean = p["tumblehome"] * smooth_ramp(y - p["waist"], 0.05) + p["shoulder"] * smoothstep(
        (y - p["waist"] + 0.06) / 0.1
    )
    return half - drawn - corner - low - lean


def smooth_ramp(x: Tensor, radius: float) -> Tensor:
    """Return max(x, 0) with a rounded corner."""
    return 0.5 * (x + (x * x + radius * radius).sqrt()) - 0.5 * radius


def lower_profile(p: Parameters) -> list[tuple[Tensor, Tensor]]:
    """Return the side view (z, y) of the body below the waist, clockwise from the bottom of the rear bumper."""
    front, rear = 0.5 * p["length"], -0.5 * p["length"]
    low = p["clearance"]
    bumper = low + 0.42 * (p["nose"] - low) + 0.10
    deck, lean = p["deck"], p["tail_lean"]
    rear_foot = torch.maximum(from_front(p, p["rear_foot"]), rear + 0.06)
    return [
        (rear + p["bumper_rear"] + 0.04, low + 0.10),
        (rear, low + 0.20),
        (rear, bumper),
        (rear + p["bumper_rear"], bumper + 0.04),
        (rear + p["bumper_rear"] + lean, deck - 0.03),
        (torch.minimum(rear + p["bumper_rear"] + lean + 0.06, rear_foot + 0.05), deck),
        (rear_foot + 0.06, torch.maximum(p["waist"], deck) * 0.5 + deck * 0.5),
        (from_front(p, p["screen_foot"]) - 0.06, p["cowl"]),
        (
            from_front(p, p["screen_foot"]) * 0.45 + front * 0.55,
            0.45 * p["cowl"] + 0.55 * p["nose"] + p["hood_crown"],
        ),
        (front - p["bumper_front"] - p["nose_slope"], p["nose"]),
        (front - p["bumper_front"], bumper + 0.3 * (p["nose"] - bumper)),
        (front, bumper - 0.02),
        (front, low + 0.16),
        (front - 0.10, low + 0.04),
        (front - 0.5 * p["overhang"] * p["length"], low),
        (rear + 0.4, low),
    ]


def cabin_profile(p: Parameters) -> list[tuple[Tensor, Tensor]]:
    """Return the side view (z, y) of the cabin, from the bottom of the windscreen over the roof to the rear."""
    foot, front = from_front(p, p["screen_foot"]), from_front(p, p["roof_front"])
    back, rear = from_front(p, p["roof_rear"]), from_front(p, p["rear_foot"])
    rear = torch.maximum(rear, -0.5 * p["length"] + p["bumper_rear"] + 0.5 * p["tail_lean"])
    top, deep = p["height"], 0.25
    slope = deep * (foot - front) / (p["height"] - p["cowl"])
    rear_slope = deep * (back - rear).clamp(min=0) / (p["height"] - p["deck"])
    return [
        (foot + slope, p["cowl"] - deep),
        (front + 0.06, top - p["roof_arch"] - 0.02),
        (front - 0.10, top - 0.6 * p["roof_arch"]),
        (0.5 * (front + back), top),
        (back + 0.10, top - 0.7 * p["roof_arch"]),
        (back - 0.04, top - p["roof_arch"] - 0.03),
        (rear - rear_slope, torch.minimum(p["deck"], p["waist"]) - deep),
    ]


@dataclass(frozen=True)
class Distances:
    """Distances to the pieces of a car, metres; `car` is their union."""

    car: Tensor
    body: Tensor
    cabin: Tensor
    tyre: Tensor
    mirror: Tensor
    interior: Tensor
    arch: Tensor
    axle_distance: Tensor
    """Distance from the nearer axle in side view."""
    side: Tensor
    """|x| minus the half width of the body: 0 on its flank."""


def distances(p: Parameters, x: Tensor, y: Tensor, z: Tensor) -> Distances:
    """Return the distances at points in metres; x may have either sign."""
    side_sign, x = x, x.abs()
    flank = (x - half_width(p, y, z)) / 1.08
    lower = rounded_intersection(polygon(z, y, lower_profile(p)), flank, p["edge"])
    profile = polygon(z, y, cabin_profile(p))
    screen = (z - from_front(p, p["screen_foot"])) * (p["height"] - p["cowl"]) + (y - p["cowl"]) * (
        from_front(p, p["screen_foot"]) - from_front(p, p["roof_front"])
    )
    screen = screen / length2(
        p["height"] - p["cowl"], from_front(p, p["screen_foot"]) - from_front(p, p["roof_front"])
    )
    frame = rounded_intersection(profile, -screen - 0.10, 0.01)
    cabin = rounded_intersection(profile + p["open"] * (frame - profile), flank, 0.06)
    body = smooth_union(lower, cabin, 0.05)

    # Load bed and open passenger room are carved out of the body.
    half_bed = 0.5 * (from_front(p, p["rear_foot"]) + 0.5 * p["length"]) - 0.10
    bed_middle = -0.5 * p["length"] + half_bed + 0.09
    floor = p["deck"] + 0.05 - 0.50 * p["bed"]
    bed = box3(
        x, y - floor - 0.6, z - bed_middle, (0.5 * p["width"] - 0.13, 0.6, half_bed.clamp(min=0.02)), 0.03
    )
    body = smooth_difference(body, bed, 0.02)
    room_front, room_rear = from_front(p, p["screen_foot"]) - 0.35, from_front(p, p["rear_foot"]) + 0.05
    room_floor = p["waist"] + 0.10 - 0.45 * p["open"]
    room = box3(
        x, y - room_floor - 0.8, z - 0.5 * (room_front + room_rear),
        (0.5 * p["width"] - 0.20, 0.8, 0.5 * (room_front - room_rear)), 0.05,
    )  # fmt: skip
    keep = (1 - p["open"]) * 4.0
    body = smooth_difference(body, room + keep, 0.03)
    seat_z = 0.5 * (room_front + room_rear)
    seat = box3(x - 0.36, y - p["waist"] + 0.05, z - seat_z + 0.1, (0.22, 0.28, 0.09), 0.06)
    wheel_x = side_sign + 0.36
    steering = length2(length2(wheel_x, y - p["waist"] - 0.02) - 0.17, z - seat_z - 0.45) - 0.02
    interior = torch.minimum(seat, steering) + keep

    # Wheels in arches.
    front, rear = wheel_positions(p)
    radius = p["wheel_radius"]
    dz = torch.minimum((z - front).abs(), (z - rear).abs())
    axle_distance = length2(dz, y - radius)
    outer = 0.5 * p["width"] - p["inset"] - 0.02
    tyre = cylinder(axle_distance, x - outer + 0.5 * p["wheel_width"], radius, 0.5 * p["wheel_width"], 0.035)
    dish = ellipsoid(
        dz, y - radius, x - outer - 0.015, (0.92 * p["rim"] * radius, 0.92 * p["rim"] * radius, 0.06)
    )
    tyre = smooth_difference(tyre, dish, 0.015)
    arch = axle_distance - radius - p["arch_gap"]
    well = rounded_intersection(arch, 0.5 * p["width"] - p["wheel_width"] - 0.12 - x, 0.02)
    lip = rounded_intersection(rounded_intersection(arch - 0.05, -arch, 0.01), flank - p["flare"], 0.012)
    body = smooth_union(body, torch.maximum(lip, p["clearance"] + 0.04 - y), 0.03)
    body = smooth_difference(body, well, 0.02)

    # Mirrors, spoiler, rails.
    mirror_z = from_front(p, p["screen_foot"]) - 0.28
    mirror_y = p["cowl"] + 0.10
    mirror = ellipsoid(
        x - half_width(p, mirror_y, mirror_z) - 0.09, y - mirror_y, z - mirror_z,
        (0.115, 0.8 * p["mirror"], 0.7 * p["mirror"]),
    )  # fmt: skip
    tail = -0.5 * p["length"] + p["bumper_rear"] + p["tail_lean"]
    rise = p["spoiler"].clamp(min=0)
    wing = box3(x, y - p["deck"] - rise, z - tail - 0.12, (0.38 * p["width"], 0.018, 0.09), 0.012)
    post = box3(
        x - 0.27 * p["width"],
        y - p["deck"] - 0.5 * rise,
        z - tail - 0.12,
        (0.02, 0.5 * rise + 0.01, 0.05),
        0.01,
    )
    wing = torch.minimum(wing, post) + 4.0 * (0.10 - rise).clamp(min=0) + 2 * p["bed"]
    rail = p["roof_rail"]
    roof_half = half_width(p, p["height"] - 0.06, torch.zeros_like(rail))
    middle = 0.5 * (from_front(p, p["roof_front"]) + from_front(p, p["roof_rear"]))
    reach = 0.42 * (from_front(p, p["roof_front"]) - from_front(p, p["roof_rear"]))
    rails = box2(y - p["height"] - 0.012, z - middle, 0.02 + 0 * rail, reach, 0.015)
    rails = (
        rounded_intersection(rails, (x - roof_half + 0.09).abs() - 0.02, 0.01)
        + 3 * (-rail).clamp(min=0)
        + p["open"]
    )
    body = torch.minimum(torch.minimum(body, wing), rails)

    car = torch.minimum(torch.minimum(smooth_union(body, mirror, 0.02), tyre), interior)
    return Distances(car, body, cabin, tyre, mirror, interior, arch, axle_distance, flank)

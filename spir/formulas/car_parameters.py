"""A car's measures (metres), materials and light: its table of parameters, and the palette computed from them."""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.formulas.parameters import Parameters, ParameterTable

COLUMNS = (
    # length width height clearance wheelbase front_overhang wheel_radius: metres; the two middle ones per length
    "length width height clearance wheelbase overhang wheel_radius "
    # heights of the hood's nose, the waist line at cowl and tail, and the rear deck
    "nose cowl waist deck "
    # the cabin from the side, as shares of the length from the front bumper: screen foot, roof, rear screen foot
    "screen_foot roof_front roof_rear rear_foot "
    # 0 or 1: load bed, open top; how much the tail leans, how boxy the corners are
    "bed open tail_lean round"
).split()

CLASSES = {
    "hatchback": (4.05, 1.75, 1.48, 0.17, 0.63, 0.200, 0.32, 0.74, 0.98, 1.06, 1.00, 0.27, 0.46, 0.86, 0.970, 0, 0, 0.10, 1.0),
    "saloon": (4.65, 1.80, 1.45, 0.16, 0.59, 0.195, 0.32, 0.72, 0.95, 1.01, 1.05, 0.28, 0.46, 0.69, 0.850, 0, 0, 0.06, 1.0),
    "estate": (4.70, 1.80, 1.48, 0.16, 0.58, 0.200, 0.32, 0.72, 0.95, 1.01, 0.98, 0.28, 0.45, 0.87, 0.970, 0, 0, 0.10, 0.9),
    "SUV": (4.50, 1.86, 1.70, 0.22, 0.59, 0.190, 0.37, 0.90, 1.12, 1.20, 1.12, 0.26, 0.42, 0.86, 0.965, 0, 0, 0.08, 0.9),
    "off-roader": (4.40, 1.82, 1.86, 0.25, 0.58, 0.170, 0.38, 1.04, 1.18, 1.20, 1.15, 0.28, 0.37, 0.95, 0.985, 0, 0, 0.02, 0.5),
    "pickup": (5.20, 1.84, 1.74, 0.24, 0.60, 0.175, 0.38, 0.96, 1.14, 1.16, 1.08, 0.25, 0.37, 0.55, 0.600, 1, 0, 0.01, 0.6),
    "van": (4.65, 1.77, 1.86, 0.17, 0.61, 0.190, 0.32, 0.88, 1.10, 1.10, 1.08, 0.15, 0.34, 0.94, 0.985, 0, 0, 0.05, 0.7),
    "coupe": (4.40, 1.83, 1.30, 0.14, 0.59, 0.200, 0.33, 0.66, 0.89, 0.95, 0.99, 0.32, 0.51, 0.66, 0.900, 0, 0, 0.05, 1.2),
    "convertible": (4.15, 1.76, 1.27, 0.14, 0.58, 0.200, 0.32, 0.67, 0.89, 0.93, 0.96, 0.33, 0.50, 0.62, 0.770, 0, 1, 0.05, 1.1),
    "city car": (3.45, 1.62, 1.50, 0.16, 0.67, 0.170, 0.29, 0.76, 1.00, 1.07, 1.02, 0.20, 0.42, 0.88, 0.980, 0, 0, 0.08, 1.0),
    "light truck": (3.90, 1.62, 1.84, 0.20, 0.56, 0.165, 0.31, 0.92, 1.12, 1.12, 1.00, 0.09, 0.21, 0.42, 0.445, 1, 0, 0.00, 0.6),
}  # fmt: skip

SPREAD = dict(
    length=0.22, width=0.05, height=0.06, clearance=0.04, wheelbase=0.015, overhang=0.012, wheel_radius=0.022,
    nose=0.06, cowl=0.035, waist=0.04, deck=0.04, screen_foot=0.022, roof_front=0.025, roof_rear=0.035,
    rear_foot=0.012, bed=0.0, open=0.0, tail_lean=0.03, round=0.3,
)  # fmt: skip
"""How far one unit of z moves a class's own value."""

RANGES = dict(
    # body
    tumblehome=(0.14, 0.32), bulge=(0.02, 0.09), roof_arch=(0.02, 0.07), hood_crown=(0.01, 0.05),
    nose_slope=(0.03, 0.22), front_corner=(0.25, 0.55), rear_corner=(0.15, 0.40), plan_front=(0.06, 0.16),
    plan_rear=(0.03, 0.10), bumper_front=(0.02, 0.07), bumper_rear=(0.02, 0.07), shoulder=(0.02, 0.06),
    edge=(0.03, 0.07), sill=(0.22, 0.34), spoiler=(-0.35, 0.22), roof_rail=(-0.06, 0.03), mirror=(0.07, 0.12),
    # wheels
    wheel_width=(0.17, 0.25), arch_gap=(0.03, 0.09), flare=(-0.02, 0.03), rim=(0.62, 0.78), spokes=(4.0, 9.0),
    spoke_width=(-0.4, 0.5), inset=(0.00, 0.05),
    # glass
    pillar_a=(0.04, 0.09), pillar_b=(0.03, 0.09), pillar_b_at=(0.42, 0.58), pillar_c=(0.06, 0.28),
    pillar_d_at=(0.70, 0.95), glass_low=(0.03, 0.09), glass_high=(0.05, 0.12), rear_glass=(0.45, 0.75),
    # face and tail
    grille_width=(0.28, 0.62), grille_height=(0.06, 0.24), grille_drop=(0.06, 0.22), intake=(-0.04, 0.13),
    intake_width=(0.3, 0.7), lamp_width=(0.13, 0.26), lamp_height=(0.06, 0.12), lamp_wrap=(0.10, 0.45),
    tail_width=(0.06, 0.22), tail_height=(0.06, 0.24), tail_wrap=(0.05, 0.30), tail_drop=(0.06, 0.30),
    plate_high=(-0.25, 0.35), cladding=(-0.25, 0.20), two_tone=(-4.0, 0.9), trim_line=(-0.04, 0.03),
    # light: sky and ground strength, the sun in the plane of symmetry
    sky=(0.05, 0.50), ground=(0.25, 0.75), sun_height=(0.4, 1.0), sun_front=(-0.9, 0.9), sun=(0.05, 0.45),
    glass_sky=(0.03, 0.40), contact=(0.3, 0.9),
    # materials
    hue=(0.0, 1.0), colourful=(-0.80, 1.10), lightness=(0.02, 1.0), second_hue=(0.0, 1.0),
    second_colourful=(-0.6, 0.7), second_lightness=(0.0, 1.0), tint=(0.02, 0.32), rim_lightness=(0.15, 0.85),
    trim_lightness=(0.03, 0.30), lamp_lightness=(0.55, 1.0), tail_lightness=(0.30, 0.75), warmth=(-0.10, 0.10),
    shade_depth=(0.02, 0.30), highlight_level=(0.75, 1.0),
)  # fmt: skip
"""Parameters that every class shares; negative parts of a range mean "none"."""

FIRST_MATERIAL = "hue"
"""Entries of `RANGES` from this one on change only the palette."""
TABLE = ParameterTable(COLUMNS, CLASSES, SPREAD, RANGES)


def repaint(z: Float[Tensor, "batch z"]) -> Float[Tensor, "batch z"]:
    """Return the same shapes, light and layout of parts in other materials: new random values for the last entries of z,
    scaled to the norm of the old ones so that the normalisation leaves the rest unchanged."""
    fixed = len(CLASSES) + len(COLUMNS) + list(RANGES).index(FIRST_MATERIAL)
    old, fresh = z[:, fixed:], torch.randn_like(z[:, fixed:])
    fresh = fresh * (old.norm(dim=1, keepdim=True) / fresh.norm(dim=1, keepdim=True))
    return torch.cat([z[:, :fixed], fresh], dim=1)


def paint(hue: Tensor, colourful: Tensor, lightness: Tensor) -> Float[Tensor, "batch 3"]:
    """Return a paint in [0, 1]: grey where `colourful` is negative, else a hue whose saturation stays moderate in
    dark or pale paints."""
    phase = torch.tensor([0.0, 1 / 3, 2 / 3], dtype=hue.dtype, device=hue.device)
    wheel = (0.5 + 0.75 * torch.cos(2 * torch.pi * (hue - phase))).clamp(0, 1)
    amount = colourful.clamp(0, 1)
    grey = 0.04 + 0.94 * lightness
    return (grey * (1 - amount) + amount * wheel * (0.30 + 0.65 * lightness)).clamp(0, 1)


def palette(p: Parameters) -> Float[Tensor, "batch 10 3"]:
    """Return the ten named colours (categories.CAR_PALETTE), in [-1, 1]."""
    body = paint(p["hue"], p["colourful"], p["lightness"])
    second = paint(p["second_hue"], p["second_colourful"], p["second_lightness"])

    def grey(level: Tensor, red: float = 0.0, blue: float = 0.0) -> Tensor:
        warm = p["warmth"]
        return torch.cat([level * (1 + warm + red), level, level * (1 - warm + blue)], dim=1)

    tail = torch.cat(
        [p["tail_lightness"] + 0.2, 0.18 * p["tail_lightness"], 0.2 * p["tail_lightness"]], dim=1
    )
    colours = [
        body,
        second,
        grey(p["tint"], blue=0.15),
        grey(0.05 + 0.25 * p["trim_lightness"]),
        grey(p["rim_lightness"]),
        grey(p["lamp_lightness"], blue=0.03),
        tail,
        grey(p["trim_lightness"]),
        0.35 * p["shade_depth"] * body + 0.25 * grey(p["shade_depth"]),
        grey(p["highlight_level"], blue=0.05),
    ]
    return torch.stack(colours, dim=1).clamp(0, 1) * 2 - 1


def traits(z: Float[Tensor, "batch z"]) -> Float[Tensor, "batch trait"]:
    """Return all visible properties of a car as numbers: body class, every measure, material and colour."""
    p = TABLE.decode(z)
    return torch.cat([TABLE.class_weights(z), *p.values(), palette(p).flatten(1)], dim=1)

"""Which part of a car a piece of a mesh is, by its name."""

import re
from collections.abc import Sequence

from spir.categories import CAR_PALETTE

PART_WORDS = (
    ("window|glass", "glass"),
    ("headlight|whitelight", "headlights"),
    ("taillight|redlight", "tail lights"),
    ("wheel.*(grey|metal)|rim", "rims"),
    ("wheel|tyre|tire", "tyres"),
    ("interior|black", "dark trim"),
    ("grey|metal", "rims"),
)
"""Regular expressions and the parts that they name, tried in this order on "node material" in small
letters."""


def classify_parts(names: Sequence[str], areas: Sequence[float]) -> list[int]:
    """The `CAR_PALETTE` entry of each piece of a mesh, by words in its name ("node material").

    Among pieces that are no wheel, window or lamp, the material of the largest area is body paint, the others
    are second paint."""
    found = [next((part for words, part in PART_WORDS if re.search(words, n.lower())), None) for n in names]
    colours = [name.split()[-1] for name in names]
    body_area: dict[str, float] = {}
    for colour, part, area in zip(colours, found, areas, strict=True):
        if part in (None, "dark trim"):
            body_area[colour] = body_area.get(colour, 0.0) + area
    body = max(body_area, key=body_area.__getitem__, default=None)
    parts = []
    for colour, part in zip(colours, found, strict=True):
        if part in (None, "dark trim") and colour == body:
            part = "body paint"
        parts.append(CAR_PALETTE.index(part or "second paint"))
    return parts

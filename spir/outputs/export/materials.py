"""Chooses the physically based material of a part by its name, for glTF viewers that light the object."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finish:
    """The surface finish of a part; all values lie in [0, 1]."""

    roughness: float = 0.7
    metallic: float = 0.0
    clearcoat: float = 0.0
    """The strength of a smooth clear layer on top (KHR_materials_clearcoat)."""
    glow: float = 0.0
    """The share of its colour that the part emits by itself."""


PLAIN = Finish()
FINISHES = {
    "paint": Finish(roughness=0.45, clearcoat=1.0),
    "glass": Finish(roughness=0.05),
    "window": Finish(roughness=0.05),
    "tyre": Finish(roughness=0.95),
    "rubber": Finish(roughness=0.95),
    "rim": Finish(roughness=0.3, metallic=0.9),
    "metal": Finish(roughness=0.3, metallic=0.9),
    "light": Finish(roughness=0.15, glow=0.25),
    "trim": Finish(roughness=0.55),
    "cushion": Finish(roughness=0.9),
    "fabric": Finish(roughness=0.9),
    "leather": Finish(roughness=0.5),
    "wood": Finish(roughness=0.6),
    "feather": Finish(roughness=0.85),
    "beak": Finish(roughness=0.4),
}
"""Maps a word in a part's name to its finish; the first match counts."""
COAT_ROUGHNESS = 0.03


def finish(name: str) -> Finish:
    """Return the finish of a part with that name."""
    return next((look for word, look in FINISHES.items() if word in name), PLAIN)


def part_names(values: int, names: Sequence[str]) -> list[str]:
    """Return one name for each palette entry: "part 3" where training gave it none."""
    return [names[k] if k < len(names) else f"part {k + 1}" for k in range(values)]


def material(name: str, factor: list[float]) -> dict:
    """Return a part's glTF material: `factor` (its colour in linear light) times texture 0, plus texture 1 as emission."""
    look = finish(name)
    entry = {
        "name": name,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*factor, 1.0],
            "baseColorTexture": {"index": 0},
            "metallicFactor": look.metallic,
            "roughnessFactor": look.roughness,
        },
        "emissiveFactor": [1.0, 1.0, 1.0],
        "emissiveTexture": {"index": 1},
    }
    if look.clearcoat:
        coat = {"clearcoatFactor": look.clearcoat, "clearcoatRoughnessFactor": COAT_ROUGHNESS}
        entry["extensions"] = {"KHR_materials_clearcoat": coat}
    return entry

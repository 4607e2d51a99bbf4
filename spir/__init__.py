"""spir: one photo in, an editable 3D object out. The public names; each is loaded when it is first used."""

from importlib import import_module

ROOMS = {
    "CATEGORIES": "spir.categories",
    "ENCODER_ONLY": "spir.inversion.config",
    "HYBRID_FAST": "spir.inversion.config",
    "HYBRID_SLOW": "spir.inversion.config",
    "Code": "spir.types",
    "Cutout": "spir.types",
    "Fit": "spir.types",
    "Guess": "spir.types",
    "InversionConfig": "spir.inversion.config",
    "Mesh": "spir.types",
    "Photo": "spir.types",
    "PhotoError": "spir.photo.decode",
    "Pose": "spir.types",
    "Reconstructor": "spir.pipeline",
    "Rendering": "spir.types",
    "Step": "spir.types",
    "WeightsError": "spir.weights",
    "read_mask": "spir.photo.cutout",
    "read_photo": "spir.photo.decode",
}
"""Maps a public name to the module that defines it."""

__all__ = sorted(ROOMS)


def __getattr__(name: str):
    if name not in ROOMS:
        raise AttributeError(f"module 'spir' has no attribute {name!r}")
    return getattr(import_module(ROOMS[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

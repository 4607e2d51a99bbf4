"""The app as it is, but with few views all round, small films, coarse textures and presets of few steps.

These take most of its time."""

import runpy
import sys
from dataclasses import replace
from functools import partial

import spir.app.handlers.downloads
import spir.app.handlers.mesh
import spir.app.layout
import spir.outputs.files
from spir.app.widgets.orbit import widget as orbit
from spir.appearance.config import DEFAULT
from spir.pipeline import Reconstructor

FRAMES = 6
FILM_SIZE = 64
COARSE = replace(DEFAULT, faces=1200, texture=128, coarse=32, source=128)
PRESETS = (0, 2, 4)
WHOLE = Reconstructor.turning, orbit.cleared, spir.app.handlers.downloads.textured_frames


def make_quick(patch=setattr):
    """`patch` gives an attribute of something another value."""
    whole, cleared, film = WHOLE

    def turning(self, found, frames=FRAMES, size=128):
        return whole(self, found, frames, size)

    patch(Reconstructor, "turning", turning)
    patch(orbit, "cleared", partial(cleared, frames=FRAMES))
    patch(spir.app.handlers.downloads, "textured_frames", partial(film, size=FILM_SIZE))
    patch(spir.outputs.files, "DEFAULT", COARSE)
    patch(spir.outputs.files, "FINE", replace(COARSE, texture=2 * COARSE.texture))
    patch(spir.app.handlers.mesh, "TEXTURE_SIZES", (COARSE.texture, 2 * COARSE.texture))
    for module in [module for name, module in sys.modules.items() if name.startswith("spir.")]:
        if hasattr(module, "PRESET_STEPS"):
            patch(module, "PRESET_STEPS", PRESETS)
    patch(spir.app.layout, "DEFAULT_STEPS", PRESETS[1])


if __name__ == "__main__":
    make_quick()
    runpy.run_path("app.py", run_name="__main__")

"""(Field, Camera, RenderConfig) -> Rendering: one function, which selects one of a table of renderers."""

import torch

from spir.rendering.config import RenderConfig
from spir.rendering.fast import render_fast
from spir.rendering.reference import render_reference
from spir.types import Camera, Field, Rendering

RENDERERS = {"fast": render_fast, "reference": render_reference}
"""Each takes (field, camera, config, generator); a generator jitters the samples, None means no jitter."""


def render(
    field: Field, camera: Camera, config: RenderConfig, generator: torch.Generator | None = None
) -> Rendering:
    """Render the field's objects, one picture per camera.

    The field holds as many objects as there are cameras, or fewer: then each object has the same number of
    consecutive cameras. A turntable is one object and many cameras."""
    return RENDERERS[config.renderer](field, camera, config, generator)

"""Make what shows the object in use: views all round it, its mesh, and its surface with the photo's detail.

Each action returns the session with what it made, and makes nothing twice.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from spir.appearance.config import AppearanceConfig
from spir.errors import NoPaletteError
from spir.outputs.attention_maps import encode_attention
from spir.outputs.files import TEXTURE_SIZES, appearance_config
from spir.outputs.layer_file import layer_bytes
from spir.pipeline import Reconstructor
from spir.session.session import PlainSurface, Session, TexturedSurface, Turntable
from spir.session.verdict import photo_detail, verdict
from spir.types import Appearance

RESOLUTION = 128
"""The number of samples along the cube's side for the mesh that is textured."""


def turn(engine: Reconstructor, session: Session) -> Iterator[Session]:
    """Render the object in use all round; yields the session with a few more views each time, and at the end
    with all of them."""
    fit, parts = session.fit, ()
    if session.turntable is not None and session.turntable.matches(fit):
        yield session
        return
    for views in engine.turning(fit):
        parts = (*parts, encode_attention(views))
        yield replace(session, turntable=Turntable(fit.code.w, fit.pose.quaternion, parts, complete=False))
    yield replace(session, turntable=Turntable(fit.code.w, fit.pose.quaternion, parts))


def mesh(engine: Reconstructor, session: Session, resolution: int = RESOLUTION) -> Session:
    """Extract the mesh of the object in use, unless the session has it. Raises EmptySurfaceError."""
    fit = session.fit
    if session.surface is not None and session.surface.matches(fit, resolution):
        return session
    began = time.perf_counter()
    made = engine.mesh(fit, resolution)
    surface = PlainSurface(fit.code.w, resolution, made, time.perf_counter() - began)
    return replace(session, surface=surface)


def appearance(
    engine: Reconstructor,
    session: Session,
    config: AppearanceConfig,
    resolution: int = RESOLUTION,
) -> Appearance | None:
    """Bake the photo onto the object in use, in the colours that were found; None where it takes no photo
    detail.

    The session's mesh is used where it has that resolution. Raises EmptySurfaceError."""
    trajectory, fit, surface = session.fitted.trajectory, session.unedited, session.surface
    known = surface.mesh if surface is not None and surface.matches(fit, resolution) else None
    parts = session.photo, trajectory.mask, trajectory.cutout, fit
    try:
        return engine.appearance(*parts, config, resolution, known)
    except NoPaletteError:
        return None


def texture(engine: Reconstructor, session: Session, size: int = TEXTURE_SIZES[0]) -> Session:
    """Keep the object's textured surface in the session, unless it has one of at least `size` texels a side.

    Raises EmptySurfaceError."""
    cutout, fit = session.fitted.trajectory.cutout, session.unedited
    if session.textured is not None and session.textured.matches(fit, cutout, size):
        return session
    began = time.perf_counter()
    config = appearance_config(size, detail(engine, session))
    made = appearance(engine, session, config)
    layers = None if made is None else layer_bytes(made)
    seconds = time.perf_counter() - began
    surface = TexturedSurface(fit.code.w, fit.pose.quaternion, cutout, size, layers, seconds, config)
    return replace(session, textured=surface)


def detail(engine: Reconstructor, session: Session) -> float:
    """Return the share of the photo's detail, in [0, 1], that the object in use may take: 0 where the fit is
    poor or the object is mixed."""
    found = verdict(engine.category, session)
    return 0.0 if found is None else photo_detail(found)

"""§5 "Conversion to triangle mesh": converts a Mesh to the bytes of a file.

The object stays in its canonical frame, +Y up and the front towards +Z, except in STL, which is for 3D printing.
"""

from collections.abc import Callable
from typing import cast

import numpy as np
import trimesh

from spir.outputs.export.gltf import Binary, assembled, linear_from_srgb, unlit
from spir.types import Camera, Mesh

LONGEST_MM = 100.0
"""Length of the longest side of the printed object's bounding box, in millimetres."""
TO_PRINTER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotates +Y up to +Z up, and the front from +Z to -Y."""


def glb(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Return a binary glTF 2.0; colours are shown unlit, and the photo's square camera is a node.

    glTF reads COLOR_0 as linear light, unlike every picture; it is float32, as bytes would show banding in the shadows."""
    binary = Binary()
    colours = linear_from_srgb((mesh.colours.numpy().astype("<f4") + 1) / 2)
    attributes = {
        "POSITION": binary.vertices(mesh.vertices.numpy(), bounded=True),
        "COLOR_0": binary.vertices(colours),
    }
    faces = binary.indices(mesh.faces.numpy())
    return assembled(
        binary,
        [{"attributes": attributes, "indices": faces, "material": 0}],
        camera,
        materials=[unlit("vertex colours")],
        extensionsUsed=["KHR_materials_unlit"],
    )


def shape(mesh: Mesh) -> trimesh.Trimesh:
    """Return the mesh for trimesh's exporters, with colours as sRGB bytes."""
    colours = np.round((mesh.colours.numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), vertex_colors=colours, process=False)


def ply(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Return a binary PLY with sRGB bytes, as PLY readers expect; the format has no camera."""
    return cast(bytes, shape(mesh).export(file_type="ply"))


def obj(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Return a Wavefront OBJ with vertex colours, which not every reader supports."""
    return cast(str, shape(mesh).export(file_type="obj", include_color=True)).encode()


def stl(mesh: Mesh, camera: Camera | None = None, longest_mm: float = LONGEST_MM) -> bytes:
    """Return a binary STL for 3D printing: shape only, in millimetres, +Z up and the front towards -Y.

    `longest_mm` is the longest side of the bounding box."""
    printed = shape(mesh)
    printed.vertices = printed.vertices @ TO_PRINTER.T * (longest_mm / printed.extents.max())
    return cast(bytes, printed.export(file_type="stl"))


EXPORTS: dict[str, Callable[..., bytes]] = {"glb": glb, "ply": ply, "obj": obj, "stl": stl}
"""Maps a file extension to its exporter: (mesh, camera or None) -> bytes."""

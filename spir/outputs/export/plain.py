"""§5 "Conversion to triangle mesh": Mesh to the bytes of a file.

The object stays in its canonical frame, +Y up and the front towards +Z, but for STL, which printers read.
"""

from collections.abc import Callable

import numpy as np
import trimesh

from spir.outputs.export.gltf import Binary, assembled, linear_from_srgb, unlit
from spir.types import Camera, Mesh

LONGEST_MM = 100.0
"""The longest side of the box around what is printed, millimetres."""
TO_PRINTER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Turns +Y up into +Z up, and the front from +Z to -Y."""


def glb(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Binary glTF 2.0; colours shown as they are (unlit), the photo's square camera as a node.

    glTF reads COLOR_0 as linear light, unlike every picture; float32, as bytes would band the shadows."""
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
    """For trimesh's writers, colours as sRGB bytes."""
    colours = np.round((mesh.colours.numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), vertex_colors=colours, process=False)


def ply(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Binary PLY with sRGB bytes, as PLY readers expect; it has no place for a camera."""
    return shape(mesh).export(file_type="ply")


def obj(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Wavefront OBJ with colours behind the vertices, which not every reader knows."""
    return shape(mesh).export(file_type="obj", include_color=True).encode()


def stl(mesh: Mesh, camera: Camera | None = None, longest_mm: float = LONGEST_MM) -> bytes:
    """Binary STL, for printers: shape alone, in millimetres, +Z up and the front towards -Y.

    `longest_mm` is the longest side of the box around it."""
    printed = shape(mesh)
    printed.vertices = printed.vertices @ TO_PRINTER.T * (longest_mm / printed.extents.max())
    return printed.export(file_type="stl")


EXPORTS: dict[str, Callable[..., bytes]] = {"glb": glb, "ply": ply, "obj": obj, "stl": stl}
"""File name ending -> (mesh, camera or none) -> bytes."""

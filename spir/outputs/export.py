"""§5 "Conversion to triangle mesh": Mesh to the bytes of a file.

The object stays in its canonical frame, which is that of glTF: +Y up, the front towards +Z.
"""

import json
import math
import struct
from collections.abc import Callable

import numpy as np
import torch
import trimesh
from jaxtyping import Float

from spir.types import Camera, Mesh

FLOAT, UINT32 = 5126, 5125
VERTEX_DATA, INDEX_DATA = 34962, 34963
NEAREST = 0.01
"""Near plane of the exported camera, object units."""
FARTHEST = 100.0


def linear_from_srgb(srgb: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The sRGB transfer function undone, [0, 1] to [0, 1]."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(srgb.dtype)


def glb(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Binary glTF 2.0; colours shown as they are (unlit), the photo's square camera as a node.

    glTF reads COLOR_0 as linear light, unlike every picture; float32, as bytes would band the shadows."""
    vertices = mesh.vertices.numpy().astype("<f4")
    faces = mesh.faces.numpy().astype("<u4")
    colours = linear_from_srgb((mesh.colours.numpy().astype("<f4") + 1) / 2)
    parts = [array.tobytes() for array in (vertices, colours, faces)]
    starts = np.cumsum([0] + [len(part) for part in parts]).tolist()
    bounds = {"min": vertices.min(0).tolist(), "max": vertices.max(0).tolist()}
    document = {
        "asset": {"version": "2.0", "generator": "spir"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "object", "mesh": 0}],
        "meshes": [
            {
                "name": "object",
                "primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2, "material": 0}],
            }
        ],
        "materials": [
            {
                "name": "vertex colours",
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "extensionsUsed": ["KHR_materials_unlit"],
        "accessors": [
            {"bufferView": 0, "componentType": FLOAT, "count": len(vertices), "type": "VEC3", **bounds},
            {"bufferView": 1, "componentType": FLOAT, "count": len(vertices), "type": "VEC3"},
            {"bufferView": 2, "componentType": UINT32, "count": faces.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": len(part), "target": target}
            for start, part, target in zip(
                starts, parts, (VERTEX_DATA, VERTEX_DATA, INDEX_DATA), strict=False
            )
        ],
        "buffers": [{"byteLength": starts[-1]}],
    }
    if camera is not None:
        optics, matrix = gltf_camera(camera)
        document["cameras"] = [optics]
        document["nodes"].append({"name": "photo camera", "camera": 0, "matrix": matrix})
        document["scenes"][0]["nodes"].append(1)
    return container(document, b"".join(parts))


def gltf_camera(camera: Camera) -> tuple[dict, list[float]]:
    """Optics and node matrix (column by column) of the first camera; glTF cameras look along -z as ours."""
    matrix = camera.cam2world[0].detach().cpu().double().clone()
    # An orthographic matrix holds the half width of the picture; glTF wants it beside a pure rotation.
    half_width = float(torch.linalg.vector_norm(matrix[:3, :3], dim=0).mean())
    matrix[:3, :3] /= half_width
    if camera.focal is None:
        planes = {"xmag": half_width, "ymag": half_width, "znear": NEAREST, "zfar": FARTHEST}
        optics = {"type": "orthographic", "orthographic": planes}
    else:
        yfov = 2 * math.atan(0.5 / float(camera.focal[0]))
        optics = {
            "type": "perspective",
            "perspective": {"yfov": yfov, "aspectRatio": 1.0, "znear": NEAREST, "zfar": FARTHEST},
        }
    return optics, matrix.T.reshape(-1).tolist()


def container(document: dict, binary: bytes) -> bytes:
    """The two chunks of a GLB file, each padded to four bytes."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    header = b"glTF" + struct.pack("<II", 2, 12 + 8 + len(text) + 8 + len(binary))
    return (
        header
        + struct.pack("<I", len(text))
        + b"JSON"
        + text
        + struct.pack("<I", len(binary))
        + b"BIN\0"
        + binary
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


def stl(mesh: Mesh, camera: Camera | None = None) -> bytes:
    """Binary STL, for printers: shape alone."""
    return shape(mesh).export(file_type="stl")


EXPORTS: dict[str, Callable[..., bytes]] = {"glb": glb, "ply": ply, "obj": obj, "stl": stl}
"""File name ending -> (mesh, camera or none) -> bytes."""

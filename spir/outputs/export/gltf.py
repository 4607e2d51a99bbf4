"""Shared by all GLB exports: the binary chunk with its buffer views, unlit materials, the photo's camera, the container.

The object stays in its canonical frame, which is that of glTF: +Y up, the front towards +Z.
"""

import json
import math
import struct

import numpy as np
import torch
from jaxtyping import Float, Int

from spir.types import Camera

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
VERTEX_DATA, INDEX_DATA = 34962, 34963
SHORT = 65535
"""The most vertices that uint16 indices can address; its largest value is reserved for primitive restart."""
SAMPLER = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
"""A glTF sampler: bilinear, trilinear between mipmaps, clamped at the edges."""
NEAREST = 0.01
"""The near plane of the exported camera, in object units."""
FARTHEST = 100.0


def linear_from_srgb(srgb: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Convert sRGB to linear light, [0, 1] to [0, 1]."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(srgb.dtype)


def srgb_from_linear(linear: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Convert linear light to sRGB, [0, 1] to [0, 1]."""
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).astype(linear.dtype)


class Binary:
    """Builds the binary chunk of a GLB together with its tables of buffer views and accessors."""

    def __init__(self):
        self.data = bytearray()
        self.views: list[dict] = []
        self.accessors: list[dict] = []

    def vertices(self, values: Float[np.ndarray, "vertex channel"], bounded: bool = False) -> int:
        """Add one float32 row per vertex and return its accessor's index; positions must state their bounds (`bounded`)."""
        values = values.astype("<f4")
        bounds = {"min": values.min(0).tolist(), "max": values.max(0).tolist()} if bounded else {}
        return self.accessor(values, FLOAT, f"VEC{values.shape[1]}", VERTEX_DATA, bounds)

    def indices(self, faces: Int[np.ndarray, "face 3"], short: bool = False) -> int:
        """Add the vertex indices of triangles as uint16 (`short`) or uint32 and return their accessor's index."""
        corners = faces.reshape(-1).astype("<u2" if short else "<u4")
        return self.accessor(corners, UINT16 if short else UINT32, "SCALAR", INDEX_DATA, {})

    def accessor(self, values: np.ndarray, component: int, kind: str, target: int, bounds: dict) -> int:
        view = self.view(values.tobytes(), target=target)
        entry = {"bufferView": view, "componentType": component, "count": len(values), "type": kind, **bounds}
        self.accessors.append(entry)
        return len(self.accessors) - 1

    def picture(self, jpeg: bytes) -> dict:
        """Add a JPEG and return its entry of `images`."""
        return {"bufferView": self.view(jpeg), "mimeType": "image/jpeg"}

    def view(self, data: bytes, **target: int) -> int:
        """Add bytes, aligned to four, and return the index of their buffer view."""
        self.data += b"\0" * (-len(self.data) % 4)
        start = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.views.append(start | target)
        self.data += data
        return len(self.views) - 1


def unlit(name: str, **colour: dict) -> dict:
    """Return a material that is shown unlit; `colour` may hold a `baseColorTexture`."""
    return {
        "name": name,
        "pbrMetallicRoughness": {**colour, "metallicFactor": 0.0, "roughnessFactor": 1.0},
        "extensions": {"KHR_materials_unlit": {}},
    }


def assembled(binary: Binary, primitives: list[dict], camera: Camera | None, **tables: list) -> bytes:
    """Return the GLB of one mesh, with the photo's square camera as a node where there is one.

    `tables` are the document's further lists, such as `materials`."""
    document = {
        "asset": {"version": "2.0", "generator": "spir"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "object", "mesh": 0}],
        "meshes": [{"name": "object", "primitives": primitives}],
        **tables,
        "accessors": binary.accessors,
        "bufferViews": binary.views,
        "buffers": [{"byteLength": len(binary.data)}],
    }
    if camera is not None:
        optics, matrix = gltf_camera(camera)
        document["cameras"] = [optics]
        document["nodes"].append({"name": "photo camera", "camera": 0, "matrix": matrix})
        document["scenes"][0]["nodes"].append(1)
    return container(document, bytes(binary.data))


def gltf_camera(camera: Camera) -> tuple[dict, list[float]]:
    """Return the intrinsics and the column-major node matrix of the first camera; glTF cameras look along -z as ours do."""
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
    """Return a GLB file: its two chunks, each padded to four bytes."""
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

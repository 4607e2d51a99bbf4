"""What our GLB files have in common: one binary chunk with views into it, unlit materials, the photo's camera, the frame.

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
"""Vertices that uint16 can number: its largest value is kept for "start again"."""
SAMPLER = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
"""Bilinear between mipmaps, and edges go on."""
NEAREST = 0.01
"""Near plane of the exported camera, object units."""
FARTHEST = 100.0


def linear_from_srgb(srgb: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The sRGB transfer function undone, [0, 1] to [0, 1]."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(srgb.dtype)


def srgb_from_linear(linear: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The sRGB transfer function, [0, 1] to [0, 1]."""
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).astype(linear.dtype)


class Binary:
    """The binary chunk while it grows, and the tables that say what lies where in it."""

    def __init__(self):
        self.data = bytearray()
        self.views: list[dict] = []
        self.accessors: list[dict] = []

    def vertices(self, values: Float[np.ndarray, "vertex channel"], bounded: bool = False) -> int:
        """The accessor of one row a vertex, as float32; positions must tell their bounds."""
        values = values.astype("<f4")
        bounds = {"min": values.min(0).tolist(), "max": values.max(0).tolist()} if bounded else {}
        return self.accessor(values, FLOAT, f"VEC{values.shape[1]}", VERTEX_DATA, bounds)

    def indices(self, faces: Int[np.ndarray, "face 3"], short: bool = False) -> int:
        """The accessor of the corners of triangles, as uint16 or uint32."""
        corners = faces.reshape(-1).astype("<u2" if short else "<u4")
        return self.accessor(corners, UINT16 if short else UINT32, "SCALAR", INDEX_DATA, {})

    def accessor(self, values: np.ndarray, component: int, kind: str, target: int, bounds: dict) -> int:
        view = self.view(values.tobytes(), target=target)
        entry = {"bufferView": view, "componentType": component, "count": len(values), "type": kind, **bounds}
        self.accessors.append(entry)
        return len(self.accessors) - 1

    def picture(self, jpeg: bytes) -> dict:
        """The entry of `images` for a JPEG inside the file."""
        return {"bufferView": self.view(jpeg), "mimeType": "image/jpeg"}

    def view(self, data: bytes, **target: int) -> int:
        """The number of the view of some bytes, which begin at a multiple of four."""
        self.data += b"\0" * (-len(self.data) % 4)
        start = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.views.append(start | target)
        self.data += data
        return len(self.views) - 1


def unlit(name: str, **colour: dict) -> dict:
    """A material that is shown as it is; `colour` may hold a `baseColorTexture`."""
    return {
        "name": name,
        "pbrMetallicRoughness": {**colour, "metallicFactor": 0.0, "roughnessFactor": 1.0},
        "extensions": {"KHR_materials_unlit": {}},
    }


def assembled(binary: Binary, primitives: list[dict], camera: Camera | None, **tables: list) -> bytes:
    """The file of one mesh, and the photo's square camera as a node where there is one.

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

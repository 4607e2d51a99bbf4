"""Exports a textured surface as Wavefront OBJ, with its material and its texture in one ZIP."""

from collections.abc import Sequence

from spir.appearance.layers import texture
from spir.outputs.views import png_bytes, to_uint8
from spir.outputs.zip import zip_bytes
from spir.types import Appearance, Camera

MTL = "newmtl surface\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 0\nmap_Kd texture.png\n"
"""An MTL material whose texture is shown unlit."""


def obj_zip(appearance: Appearance, camera: Camera | None = None, names: Sequence[str] = ()) -> bytes:
    """Return a Wavefront OBJ, its material and its texture in one ZIP; the same surface always gives the same bytes."""
    picture = png_bytes(to_uint8(2 * texture(appearance) - 1))
    return zip_bytes(
        {
            "object.obj": wavefront(appearance).encode(),
            "object.mtl": MTL.encode(),
            "texture.png": picture,
        }
    )


def wavefront(appearance: Appearance) -> str:
    """Return the text of the OBJ; its v runs upwards, and vertex indices count from 1."""
    tables = {
        "v": appearance.vertices.numpy(),
        "vt": appearance.uv.numpy() * (1, -1) + (0, 1),
        "vn": appearance.normals.numpy(),
    }
    lines = ["mtllib object.mtl", "o object"]
    for tag, rows in tables.items():
        lines += [f"{tag} " + " ".join(f"{value:.6g}" for value in row) for row in rows.tolist()]
    lines.append("usemtl surface")
    for corners in (appearance.faces + 1).tolist():
        lines.append("f " + " ".join(f"{corner}/{corner}/{corner}" for corner in corners))
    return "\n".join(lines) + "\n"

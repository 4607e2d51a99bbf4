"""Exports an Appearance to a file: its surface with the photo's detail as a texture."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from spir.appearance.layers import texture
from spir.outputs.export.factors import factor_texture
from spir.outputs.export.gltf import SAMPLER, SHORT, Binary, assembled, srgb_from_linear, unlit
from spir.outputs.export.materials import finish, material, part_names
from spir.outputs.export.parts import at_borders, part_of_faces, part_of_texels
from spir.outputs.export.usdz import usdz
from spir.outputs.export.wavefront import obj_zip
from spir.outputs.views import encoded, to_uint8
from spir.types import Appearance, Camera

LARGEST = 400_000
"""The most bytes of a textured GLB with about six thousand faces."""
JSON_BYTES = 4096
"""Bytes of a GLB reserved for the JSON document."""
MIN_TEXTURE_BYTES = 100_000
"""Bytes that the texture may have, however many faces there are."""
MAX_LAYER_BYTES = 400_000
"""The most bytes of each of the two textures of a GLB by parts."""
QUALITIES = (90, 85, 80, 70, 60, 50)
"""JPEG qualities to try, the best first."""
LAYER_QUALITIES = (95, *QUALITIES)
"""JPEG qualities for textures that are multiplied and added, which also combines their errors."""


def textured_glb(appearance: Appearance, camera: Camera | None = None, names: Sequence[str] = ()) -> bytes:
    """Return a binary glTF 2.0 with one texture, shown unlit, and the photo's square camera as a node.

    Up to about six thousand faces it is smaller than `LARGEST`, if necessary by a lower JPEG quality."""
    binary = Binary()
    attributes = surface(binary, appearance)
    faces = indices(binary, appearance, appearance.faces.numpy())
    room = max(MIN_TEXTURE_BYTES, LARGEST - JSON_BYTES - len(binary.data))
    picture = binary.picture(jpeg_within(to_uint8(2 * texture(appearance) - 1), room, QUALITIES))
    return assembled(
        binary,
        [{"attributes": attributes, "indices": faces, "material": 0}],
        camera,
        materials=[unlit("texture", baseColorTexture={"index": 0})],
        textures=[{"sampler": 0, "source": 0}],
        samplers=[SAMPLER],
        images=[picture],
        extensionsUsed=["KHR_materials_unlit"],
    )


def materials_glb(appearance: Appearance, camera: Camera | None = None, names: Sequence[str] = ()) -> bytes:
    """Return a binary glTF 2.0 with one lit material per part, named after it, over a shared detail texture.

    Changing only the `baseColorFactor` of a material recolours that part. Texture 0 is the detail, texture 1 the
    emission: glare, badges, lamps."""
    names = part_names(len(appearance.palette), names)
    appearance = at_borders(appearance, names)
    part = part_of_faces(appearance, names)
    glow = np.array([finish(name).glow for name in names], np.float32)
    layers = factor_texture(appearance, part_of_texels(appearance, part, len(appearance.light)), glow)
    binary = Binary()
    attributes = surface(binary, appearance)
    materials, primitives = [], []
    for entry in np.unique(part):
        faces = indices(binary, appearance, appearance.faces.numpy()[part == entry])
        primitives.append({"attributes": attributes, "indices": faces, "material": len(materials)})
        materials.append(material(names[entry], layers.factors[entry].tolist()))
    pictures = [bytes_of_linear(light) for light in (layers.detail, layers.glow)]
    used = sorted({extension for entry in materials for extension in entry.get("extensions", ())})
    return assembled(
        binary,
        primitives,
        camera,
        materials=materials,
        textures=[{"sampler": 0, "source": 0}, {"sampler": 0, "source": 1}],
        samplers=[SAMPLER],
        images=[
            binary.picture(jpeg_within(picture, MAX_LAYER_BYTES, LAYER_QUALITIES)) for picture in pictures
        ],
        **({"extensionsUsed": used} if used else {}),
    )


def surface(binary: Binary, appearance: Appearance) -> dict[str, int]:
    """Add the vertex attributes and return their accessors."""
    return {
        "POSITION": binary.vertices(appearance.vertices.numpy(), bounded=True),
        "NORMAL": binary.vertices(appearance.normals.numpy()),
        "TEXCOORD_0": binary.vertices(appearance.uv.numpy()),
    }


def indices(binary: Binary, appearance: Appearance, faces: Int[np.ndarray, "face 3"]) -> int:
    """Return the accessor of some of the surface's faces, with the smallest possible index type."""
    return binary.indices(faces, short=len(appearance.vertices) <= SHORT)


def bytes_of_linear(light: Float[np.ndarray, "rows columns 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Convert linear light in [0, 1] to an sRGB picture."""
    return (255 * srgb_from_linear(light)).round().astype(np.uint8)


def jpeg_within(picture: UInt8[np.ndarray, "rows columns 3"], room: int, qualities: Sequence[int]) -> bytes:
    """Return a JPEG of at most `room` bytes: the quality is lowered, then the size halved, until it fits.

    Chroma is kept at full resolution, so that charts do not bleed into each other."""
    for quality in qualities:
        data = encoded(picture, "JPEG", quality=quality, subsampling=0)
        if len(data) <= room:
            return data
    return jpeg_within(np.asarray(Image.fromarray(picture).reduce(2)), room, qualities)


TEXTURED: dict[str, Callable[[Appearance, Camera | None, Sequence[str]], bytes]] = {
    "textured.glb": textured_glb,
    "materials.glb": materials_glb,
    "obj.zip": obj_zip,
    "usdz": usdz,
}
"""Maps a file extension to its exporter: (appearance, camera or None, names of the palette entries) -> bytes."""

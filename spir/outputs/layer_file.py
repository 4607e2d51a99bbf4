"""An `Appearance` as one small file, for ZIPs and for a viewer: safetensors, which a browser reads in ten lines.

| Tensor | Kind | What it holds |
|---|---|---|
| `box` | F32 2 x 3 | lowest and highest corner of the surface, object units |
| `positions` | U16 vertex x 3 | low + (high - low) * value / 65535 |
| `normals` | I8 vertex x 3 | unit vectors times 127 |
| `uv` | U16 vertex x 2 | times 65535 |
| `faces` | U16 or U32 face x 3 | U32 above 65,536 vertices |
| `palette`, `generated_palette` | F32 values x 3 | as in `Appearance` |
| `light` | U8 bytes | WebP, 1 tile: light / 1.25 |
| `rest` | U8 bytes | WebP, 3 tiles: rest / 2 + 1/2 |
| `weights`, `generated` | U8 bytes | WebP, a tile a palette entry; divided by their sum they are exact enough |
| `seen` | U8 bytes | WebP, 2 tiles |

A picture of several channels is its channels as grey squares side by side: WebP keeps grey at full resolution and halves
that of colours. The metadata has one key, "layers": JSON of the format's number and of `detail`. The same surface gives
the same bytes. Files are read as untrusted input; nothing is unpickled.
"""

import json
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from safetensors.numpy import save
from torch import Tensor

from spir.appearance.layers import BRIGHTEST
from spir.outputs.views import encoded
from spir.types import Appearance
from spir.validation import Tensors, checked_number

FORMAT = 1
"""The version of the file format; it increases when an older reader would misread the file."""
METADATA = "layers"
PICTURE_ROOM = 150_000
"""The most bytes of all pictures together at 1,024 texels per side; the default's surface then takes less than a
quarter of a megabyte."""
USUAL_SIZE = 1024
QUALITIES = (80, 70, 60, 50, 40, 30, 20, 10)
"""WebP qualities to try, the best first."""
LARGEST = 4 * 2**20
"""The most bytes of a file that is read."""
MOST_HEADER = 2**14
MOST_VERTICES, MOST_FACES, MOST_VALUES = 100_000, 100_000, 32
SIZES, COARSE_SIZES = (8, 2048), (8, 512)
"""Smallest and largest sizes, in texels per side, of `light` and `rest`, and of the other textures."""
FARTHEST = 100.0
"""The largest coordinate that is accepted, in object units; surfaces lie within one or two."""
STEPS_16, STEPS_8 = 2**16 - 1, 2**7 - 1
SHORT = 2**16
"""The most vertices that two-byte indices can address."""


def layer_bytes(appearance: Appearance) -> bytes:
    """Encode an appearance. Textures lose what WebP loses; palettes are exact, positions to a 65,535th of the bounding box."""
    box = torch.stack((appearance.vertices.amin(0), appearance.vertices.amax(0))).float()
    low, extent = box[0].double(), (box[1] - box[0]).double().clamp(min=1e-9)
    positions = ((appearance.vertices.double() - low) / extent * STEPS_16).round()
    short = len(appearance.vertices) <= SHORT
    tensors = {
        "box": box.numpy(),
        "positions": positions.numpy().astype(np.uint16),
        "normals": (appearance.normals * STEPS_8).round().clamp(-STEPS_8, STEPS_8).numpy().astype(np.int8),
        "uv": (appearance.uv.double().clamp(0, 1) * STEPS_16).round().numpy().astype(np.uint16),
        "faces": appearance.faces.numpy().astype(np.uint16 if short else np.uint32),
        "palette": appearance.palette.float().numpy(),
        "generated_palette": appearance.generated_palette.float().numpy(),
        **pictures(appearance),
    }
    # With several keys their order would vary.
    told = {METADATA: json.dumps({"format": FORMAT, "detail": appearance.detail})}
    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, told)


def pictures(appearance: Appearance, qualities: Sequence[int] = QUALITIES) -> dict[str, np.ndarray]:
    """Return the textures as WebP, all of one quality: the best at which they fit."""
    channels = {
        "light": appearance.light[..., None] / BRIGHTEST,
        "rest": appearance.rest / 2 + 0.5,
        "weights": appearance.weights,
        "generated": appearance.generated,
        "seen": appearance.seen,
    }
    room = PICTURE_ROOM * max(1.0, (len(appearance.light) / USUAL_SIZE) ** 2)
    for quality in qualities:
        found = {name: tiles(texture, quality) for name, texture in channels.items()}
        if sum(map(len, found.values())) <= room:
            break
    return {name: np.frombuffer(data, np.uint8) for name, data in found.items()}


def tiles(texture: Float[Tensor, "size size channel"], quality: int) -> bytes:
    """Encode the channels of a texture in [0, 1] as grey squares side by side, in one WebP."""
    page = torch.cat(texture.unbind(-1), 1)
    return encoded(
        (page * 255).round().clamp(0, 255).to(torch.uint8).numpy(), "WEBP", quality=quality, method=4
    )


def layers_from(data: bytes) -> Appearance:
    """Decode an appearance from an untrusted file. Raises ValueError where the file is not valid."""
    try:
        return read(data)
    except ValueError:
        raise
    except Exception as problem:
        # Decoders may raise any exception on malformed bytes.
        raise ValueError("these are no layers of a surface") from problem


def texture_size(data: bytes) -> int:
    """Return the texels per side of `light` in a file that `layers_from` has accepted, without decoding it."""
    with Image.open(BytesIO(Tensors.read(data).found["light"].numpy().tobytes()), formats=("WEBP",)) as image:
        return image.height


def read(data: bytes) -> Appearance:
    """Decode an appearance from an untrusted file; may raise any exception."""
    detail = read_detail(data)
    tensors = Tensors.read(data)
    (vertices, _), (faces, _) = tensors.shape("positions"), tensors.shape("faces")
    (values, _) = tensors.shape("palette")
    for count, least, most in (
        (vertices, 3, MOST_VERTICES),
        (faces, 1, MOST_FACES),
        (values, 1, MOST_VALUES),
    ):
        if not least <= count <= most:
            raise ValueError(f"{count} is not from {least} to {most}")
    box = tensors("box", (2, 3), -FARTHEST, FARTHEST, torch.float32)
    if not bool((box[0] <= box[1]).all()):
        raise ValueError("this box is inside out")
    places = tensors("positions", (vertices, 3), 0, STEPS_16, torch.uint16).double() / STEPS_16
    normals = tensors("normals", (vertices, 3), -STEPS_8, STEPS_8, torch.int8).float()
    if not bool(normals.any(1).all()):
        raise ValueError("a normal has no direction")
    corners = torch.uint16 if vertices <= SHORT else torch.uint32
    light = texture(tensors, "light", 1, SIZES)
    size = len(light)
    weights = texture(tensors, "weights", values, COARSE_SIZES)
    coarse = (len(weights), len(weights))
    return Appearance(
        vertices=(box[0].double() + places * (box[1] - box[0]).double()).float(),
        normals=F.normalize(normals, dim=-1),
        faces=tensors("faces", (faces, 3), 0, vertices - 1, corners),
        uv=tensors("uv", (vertices, 2), 0, STEPS_16, torch.uint16).float() / STEPS_16,
        light=light[..., 0] * BRIGHTEST,
        rest=texture(tensors, "rest", 3, (size, size)) * 2 - 1,
        weights=normalise_weights(weights),
        palette=tensors("palette", (values, 3), -10, 10, torch.float32),
        generated=normalise_weights(texture(tensors, "generated", values, coarse)),
        generated_palette=tensors("generated_palette", (values, 3), -10, 10, torch.float32),
        seen=texture(tensors, "seen", 2, coarse),
        detail=detail,
    )


def read_detail(data: bytes) -> float:
    """Return the file's amount of detail, in [0, 1]. Raises ValueError where its format or its size is wrong."""
    length = int.from_bytes(data[:8], "little")
    if len(data) > LARGEST or length > MOST_HEADER:
        raise ValueError("these layers are too large")
    words = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][METADATA])
    if words["format"] != FORMAT:
        raise ValueError("these layers are of another format")
    return checked_number(words["detail"], 0, 1)


def texture(
    tensors: Tensors, name: str, channels: int, sizes: tuple[int, int]
) -> Float[Tensor, "size size {channels}"]:
    """Decode a texture in [0, 1] whose side lies within `sizes`, in texels; the size is checked before the pixels are decoded."""
    (length,) = tensors.shape(name)
    data = tensors(name, (length,), 0, 255, torch.uint8).numpy().tobytes()
    with Image.open(BytesIO(data), formats=("WEBP",)) as image:
        width, size = image.size
        still = getattr(image, "n_frames", 1) == 1
        if not (still and sizes[0] <= size <= sizes[1] and width == channels * size):
            raise ValueError(f"{name} is {width} x {size} pixels, but must be {channels} squares of {sizes}")
        page = torch.from_numpy(np.array(image.convert("L")))
    return torch.stack(page.chunk(channels, 1), -1).float() / 255


def normalise_weights(weights: Float[Tensor, "size size values"]) -> Float[Tensor, "size size values"]:
    """Rescale the weights to their original sum of 1."""
    return (weights + 1e-6) / (weights + 1e-6).sum(-1, keepdim=True)

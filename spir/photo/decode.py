"""§3.3 "Reconstruction": any picture file a visitor may own, to a Photo of upright 8-bit RGB.

Every failure is a PhotoError that names the cause and the way out; the page shows its text as it stands.
"""

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from spir.types import Photo

MAX_PIXELS = 40_000_000
"""More than this is refused before a single pixel is decoded: a few kilobytes can hold gigabytes."""
MAX_SIDE = 2048
"""Longer photos are reduced; the networks see 128 pixels of them."""
MIN_SIDE = 16
"""Nothing can be recognised in less."""
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class PhotoError(ValueError):
    """A file that cannot become a photo; the message is written for the person who chose it."""


def read_photo(source: str | Path | bytes) -> Photo:
    """The picture in a file or in its bytes: first frame, upright, at most 2048 pixels a side.

    Alpha is kept only where the picture is not opaque all over. Raises PhotoError."""
    image = open_image(source)
    check_size(image.size)
    try:
        pixels, alpha = decode(image)
    except Exception as problem:
        # A decoder fed with hostile bytes may raise anything at all; to the visitor it is one thing.
        raise PhotoError(
            "This file is damaged or incomplete. Save or download the photo again, or choose another one."
        ) from problem
    return Photo(torch.from_numpy(pixels), None if alpha is None else torch.from_numpy(alpha))


def open_image(source: str | Path | bytes) -> Image.Image:
    """The picture with only its header read."""
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as problem:
        raise PhotoError("This file cannot be read. Check its name, or choose another photo.") from problem
    if not data:
        raise PhotoError("This file is empty. Choose another photo.")
    if is_heic(data):
        return open_heic(data)
    try:
        return Image.open(BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise too_large("") from problem
    except Image.UnidentifiedImageError as problem:
        raise PhotoError(
            "This file is not a picture that can be read. Choose a JPEG, PNG or WebP photo."
        ) from problem
    except Exception as problem:
        raise PhotoError(
            "The beginning of this file is damaged. Save or download the photo again, or choose another one."
        ) from problem


def is_heic(data: bytes) -> bool:
    """By its brand; AVIF, which Pillow reads itself, may bear the same one and tells among those it lists after it."""
    size = min(64, int.from_bytes(data[:4], "big"))
    return data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and b"avif" not in data[16:size]


def open_heic(data: bytes) -> Image.Image:
    """A phone's HEIC picture, where the optional package pillow-heif is installed."""
    if find_spec("pillow_heif") is None:
        raise PhotoError(
            "HEIC photos cannot be read here. Save the photo as JPEG "
            "(on an iPhone: Settings, Camera, Formats, Most Compatible) and choose that file."
        )
    import pillow_heif

    try:
        heif = pillow_heif.open_heif(data)
        check_size(heif.size)
        return heif.to_pillow()
    except PhotoError:
        raise
    except Exception as problem:
        raise PhotoError(
            "This HEIC photo is damaged or incomplete. Save it as JPEG and choose that file."
        ) from problem


def too_large(size: str) -> PhotoError:
    return PhotoError(
        f"This picture is too large{size}: at most {MAX_PIXELS // 10**6} megapixels. "
        "Make it smaller, or choose another photo."
    )


def check_size(size: tuple[int, int]) -> None:
    """Refuse what is too large to decode and too small to see anything in; size in pixels."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise too_large(f" ({width} x {height})")
    if min(size) < MIN_SIDE or min(size) * MAX_SIDE < MIN_SIDE * max(size):
        raise PhotoError(
            f"This picture is too small ({width} x {height}): "
            f"each side needs at least {MIN_SIDE} pixels. Choose a larger photo."
        )


def decode(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Upright uint8 RGB (height, width, 3), and alpha (height, width) where some of it is transparent."""
    if max(image.size) > MAX_SIDE:
        scale = MAX_SIDE / max(image.size)
        # JPEG can skip most of its work here; other formats ignore the call.
        image.draft(image.mode, (round(image.width * scale), round(image.height * scale)))
    image.load()
    image = upright(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(eight_bit(np.asarray(image), image.mode))
    # Premultiplied and paletted pictures have no resize of their own, so convert first.
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if max(image.size) > MAX_SIDE:
        scale = MAX_SIDE / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    pixels = np.array(image)
    if image.mode == "RGBA" and pixels[..., 3].min() < 255:
        return np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])
    return np.ascontiguousarray(pixels[..., :3]), None


def upright(image: Image.Image) -> Image.Image:
    """Turned as the camera's EXIF note says; a broken note is no reason to refuse the picture."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def eight_bit(values: np.ndarray, mode: str) -> np.ndarray:
    """Grey values of 16 or 32 bits, or real ones, to uint8 on their own scale (white is white)."""
    values = np.nan_to_num(values.astype(np.float64)).clip(0)
    top = values.max()
    # Only the 16-bit modes say where white is; the others are read as the smallest usual range that fits.
    whites = (65535,) if mode.startswith("I;16") else (1, 255, 65535) if mode == "F" else (255, 65535)
    white = next((white for white in whites if top <= white), top)
    return np.round(values * (255 / white)).astype(np.uint8)

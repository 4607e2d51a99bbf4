"""§3.3 "Reconstruction": decodes any picture file a user may own to a Photo of upright 8-bit RGB.

Every failure is a PhotoError that names the cause and the remedy; the page shows its text unchanged.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from spir.errors import PhotoError
from spir.limits import BudgetedReader, ReadBudgetExceeded, cpu_deadline
from spir.photo.decode_guard import FORMATS, drop_large_exif, has_oversized_tiles, is_decompression_bomb
from spir.types import Photo

MAX_BYTES = 128 * 2**20
"""The most bytes of a file; the page accepts much less."""
MAX_PIXELS = 40_000_000
"""The most pixels of a picture; larger ones are refused before decoding, as a few kilobytes can expand to gigabytes."""
SLOW_FORMATS = ("WEBP", "AVIF")
MAX_SLOW_PIXELS = 25_000_000
"""The most pixels in formats that take three times as long and as much memory; no camera writes them."""
MAX_SIDE = 2048
"""Longest side in pixels; larger photos are scaled down, as the networks see only 128 pixels of them."""
MIN_SIDE = 16
"""Shortest side in pixels; nothing can be recognised in a smaller picture."""
SECONDS = 1.0
"""The most CPU time, in seconds, for reading a file before its pixels are processed."""
STRIP = 2**20
"""The number of values that are converted to a wider type at a time."""
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def read_photo(source: str | Path | bytes) -> Photo:
    """Read the picture in a file or in its bytes: first frame, upright, at most 2048 pixels a side.

    Alpha is kept only where the picture is not fully opaque. Raises PhotoError."""
    image = open_image(source)
    check_size(image.size, MAX_SLOW_PIXELS if image.format in SLOW_FORMATS else MAX_PIXELS)
    try:
        pixels, alpha = decode(image)
    except ReadBudgetExceeded as problem:
        raise too_slow() from problem
    except Exception as problem:
        # A decoder may raise any exception on malformed bytes; the user gets one message.
        raise PhotoError(
            "This file is damaged or incomplete. Save or download the photo again, or choose another one."
        ) from problem
    return Photo(torch.from_numpy(pixels), None if alpha is None else torch.from_numpy(alpha))


def open_image(source: str | Path | bytes) -> Image.Image:
    """Open a picture and read only its header. Raises PhotoError."""
    data = source if isinstance(source, bytes) else contents(Path(source))
    if not data:
        raise PhotoError("This file is empty. Choose another photo.")
    if is_decompression_bomb(data):
        raise too_slow()
    if is_heic(data):
        return open_heic(data)
    try:
        image = Image.open(BudgetedReader(data, cpu_deadline(SECONDS)), formats=FORMATS)
    except ReadBudgetExceeded as problem:
        raise too_slow() from problem
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
    if has_oversized_tiles(image, data):
        raise too_slow()
    return image


def contents(file: Path) -> bytes:
    """Return all bytes of a file. Raises PhotoError where there are too many."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        # ValueError: a name with a zero byte in it.
        raise PhotoError("This file cannot be read. Check its name, or choose another photo.") from problem
    if len(data) > MAX_BYTES:
        raise PhotoError(
            f"This file is too large: at most {MAX_BYTES // 2**20} MB. Make it smaller, or choose another photo."
        )
    return data


def is_heic(data: bytes) -> bool:
    """Whether the brand of a file says HEIC; AVIF, which Pillow reads itself, may have the same main brand but
    lists another compatible one."""
    size = min(64, int.from_bytes(data[:4], "big"))
    return data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and b"avif" not in data[16:size]


def open_heic(data: bytes) -> Image.Image:
    """Open a phone's HEIC picture, where the optional package pillow-heif is installed."""
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


def too_large(size: str, most: int = MAX_PIXELS) -> PhotoError:
    return PhotoError(
        f"This picture is too large{size}: at most {most // 10**6} megapixels. "
        "Make it smaller, or choose another photo."
    )


def too_slow() -> PhotoError:
    return PhotoError(
        "This file would take too long to read. Save the photo again as an ordinary JPEG, or choose another one."
    )


def check_size(size: tuple[int, int], most: int = MAX_PIXELS) -> None:
    """Refuse pictures that are too large to decode or too small to recognise anything in; size in pixels."""
    width, height = size
    if width * height > most:
        raise too_large(f" ({width} x {height})", most)
    if min(size) < MIN_SIDE or min(size) * MAX_SIDE < MIN_SIDE * max(size):
        raise PhotoError(
            f"This picture is too small ({width} x {height}): "
            f"each side needs at least {MIN_SIDE} pixels. Choose a larger photo."
        )


def decode(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Return upright uint8 RGB (height, width, 3), and alpha (height, width) where some of the picture is transparent."""
    if max(image.size) > MAX_SIDE:
        scale = MAX_SIDE / max(image.size)
        # JPEG can skip most of its work here; other formats ignore the call.
        image.draft(image.mode, (round(image.width * scale), round(image.height * scale)))
    image.load()
    drop_large_exif(image)
    turn_upright(image)
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


def turn_upright(image: Image.Image) -> None:
    """Apply the EXIF orientation; an invalid entry is no reason to refuse the picture."""
    try:
        # In place: the copy that would otherwise be made of an upright picture may have 160 MB.
        ImageOps.exif_transpose(image, in_place=True)
    except ReadBudgetExceeded:
        raise
    except Exception:
        return


def eight_bit(values: np.ndarray, mode: str) -> np.ndarray:
    """Convert grey values of 16 or 32 bits, or floating-point ones, to uint8 on their own scale (white stays white)."""

    def known(strip: np.ndarray) -> np.ndarray:
        return np.nan_to_num(strip.astype(np.float64)).clip(0)

    # In strips: all of a large picture as real numbers would take eight times its bytes.
    strips = np.array_split(values, max(1, values.size // STRIP))
    top = max(known(strip).max(initial=0) for strip in strips)
    # Only the 16-bit modes say where white is; the others are read as the smallest usual range that fits.
    whites = (65535,) if mode.startswith("I;16") else (1, 255, 65535) if mode == "F" else (255, 65535)
    white = next((white for white in whites if top <= white), top)
    return np.concatenate([np.round(known(strip) * (255 / white)).astype(np.uint8) for strip in strips])

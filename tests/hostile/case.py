"""A hostile file: what it is called, what it holds, at which door it knocks, and what must become of it."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, features

DOORS = ("photo", "mask", "zip")
ENDINGS = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "AVIF": "avif",
}
FORMATS = tuple(form for form in ENDINGS if form != "AVIF" or features.check("avif"))


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    data: bytes
    expect: str = "either"
    """"taken", "refused" or "either"; in any case without a crash, a hang or a foreign read."""
    door: str = "photo"


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    """A picture as a file."""
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(width: int = 96, height: int = 64) -> Image.Image:
    """A picture that no format packs to nothing, the same on every machine."""
    line = bytes((17 * i * i + 31 * i) % 251 for i in range(3 * width * height))
    return Image.frombytes("RGB", (width, height), line)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A piece of a PNG, with a checksum that holds."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes, depth: int = 8, kind: int = 2, before: bytes = b"") -> bytes:
    """A PNG of that size with these packed pixels, whatever they are."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def after_header(data: bytes, extra: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    return data[:33] + extra + data[33:]


def segment(kind: int, body: bytes) -> bytes:
    """A piece of a JPEG."""
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body


def after_start(data: bytes, extra: bytes) -> bytes:
    """A JPEG with more pieces in front; without JFIF's, whose resolution would spare Pillow the EXIF."""
    length = int.from_bytes(data[4:6], "big")
    return data[:2] + extra + data[4 + length :]


def directory(entries: list[tuple[int, int, int, bytes]], tail: bytes = b"", order: str = "<") -> bytes:
    """A TIFF header and one directory of (tag, type, count, four bytes)."""
    packed = b"".join(
        struct.pack(order + "HHI", *entry[:3]) + entry[3][:4].ljust(4, b"\0") for entry in entries
    )
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, len(entries)) + packed + bytes(4) + tail

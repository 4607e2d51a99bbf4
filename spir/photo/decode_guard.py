"""Checks before a picture is decoded, so that a small file cannot take much time or memory.

Everything refused here is legal in its format, but no camera or paint program writes anything near these limits.
"""

import re
import struct
from collections.abc import Mapping
from typing import Any, cast

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""The formats that are accepted. Of the dozens that Pillow knows, some start other programs, and most are rarely tested."""
MOST_SCANS = 24
"""The most scans of a progressive JPEG: ten are usual, and every one passes over all of its pixels."""
MOST_BLOCKS = 10_000
"""The most segments of a JPEG."""
MAX_EXIF_HEADERS = 64
"""The most EXIF headers in a file; a camera writes a few."""
MAX_EXIF_BYTES = 16 * 2**20
"""The most bytes that all EXIF entries together may refer to: each reference is copied, even of the same bytes."""
TIFF_HEADER = re.compile(rb"II\*\0|MM\0\*")
KIND_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
"""Bytes of each data type of an EXIF entry, indexed by its type code."""
JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""Matches JPEG markers except those that occur within a scan: stuffed zeros after 0xff, and restart markers."""
START, END, SCAN, NOTES = 0xD8, 0xD9, 0xDA, 0xE1
PROFILES = ("exif", "Raw profile type exif", "Raw profile type APP1")
"""Keys under which Pillow looks for EXIF in a picture's metadata."""


def is_decompression_bomb(data: bytes) -> bool:
    """Whether a file would cost far more work than its size suggests: thousands of scans, or EXIF entries that multiply."""
    # A TIFF may well hold many directories; what it reads of them is counted (`spir.limits`).
    notes = 0 if TIFF_HEADER.match(data) else exif_payload_bytes(data)
    return notes > MAX_EXIF_BYTES or (data[:2] == b"\xff\xd8" and too_many_scans(data))


def exif_payload_bytes(data: bytes) -> int:
    """Return how many bytes the first directory of every EXIF in a file refers to; more than allowed where there
    are too many entries."""
    total, entries, headers = 0, 0, 0
    for found in TIFF_HEADER.finditer(data):
        headers += 1
        start, order = found.start(), "<" if found[0] == b"II*\0" else ">"
        if len(data) < start + 8:
            break
        (offset,) = struct.unpack_from(order + "I", data, start + 4)
        directory = start + offset
        if len(data) < directory + 2:
            continue
        (count,) = struct.unpack_from(order + "H", data, directory)
        table = data[directory + 2 : directory + 2 + 12 * count]
        table = table[: len(table) // 12 * 12]
        entries += len(table) // 12
        if headers > MAX_EXIF_HEADERS or entries > 2**16:
            return MAX_EXIF_BYTES + 1
        for _, kind, number, place in struct.iter_unpack(order + "HHII", table):
            size = number * KIND_SIZES[kind] if kind < len(KIND_SIZES) else 0
            if 4 < size <= len(data) - start - place:
                total += size
    return total


def too_many_scans(data: bytes) -> bool:
    """Whether a JPEG has too many scans, too many segments, or EXIF in several segments, which Pillow joins byte by byte."""
    place = scans = blocks = notes = 0
    while found := JPEG_MARKER.search(data, place):
        place, kind = found.end(), found[0][1]
        if kind == END:
            break
        blocks += 1
        scans += kind == SCAN
        notes += kind == NOTES and data[place + 2 : place + 6] == b"Exif"
        if scans > MOST_SCANS or blocks > MOST_BLOCKS or notes > 8:
            return True
        if kind != START and place + 2 <= len(data):
            place += int.from_bytes(data[place : place + 2], "big")
    return False


def has_oversized_tiles(image: Image.Image, data: bytes) -> bool:
    """Whether an opened TIFF has tiles larger than itself, or JPEG tiles with too many scans."""
    if image.format != "TIFF":
        return False
    tags: Mapping[int, Any] = cast(Any, image).tag_v2
    width, height = (max(int_tag(tags, tag), 1) for tag in (322, 323))
    if width * height > 4 * (image.width + 512) * (image.height + 512):
        return True
    strips = len(tags.get(273, ())) + len(tags.get(324, ()))
    return int_tag(tags, 259) in (6, 7) and data.count(b"\xff\xda") > MOST_SCANS + strips


def int_tag(tags: Mapping[int, Any], tag: int) -> int:
    """Return a whole number among the tags of a TIFF, 0 where the value is not one."""
    value = tags.get(tag)
    return value if isinstance(value, int) else 0


def drop_large_exif(image: Image.Image) -> None:
    """Drop EXIF larger than a JPEG could hold, as more than the orientation is not needed."""
    for name in PROFILES:
        if len(image.info.get(name) or b"") > 2**16:
            del image.info[name]

"""What is looked at before a picture is decoded, so that a small file cannot cost much time or memory.

Each of these is legal in its format, and nothing that a camera or a painter's program writes comes near.
"""

import re
import struct

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""Those that photos come in. Of the dozens that Pillow knows, some start other programs, and most are seldom tried."""
MOST_SCANS = 24
"""Of a progressive JPEG: ten are usual, and every one goes over all of its pixels."""
MOST_BLOCKS = 10_000
"""Pieces that a JPEG consists of."""
MOST_NOTES = 64
"""Headers of EXIF in a file; a camera writes a few."""
MOST_NOTED = 16 * 2**20
"""Bytes that the entries of all EXIF together may point at: each of them is copied, the same bytes any number of times."""
TIFF_HEADER = re.compile(rb"II\*\0|MM\0\*")
KIND_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
"""Bytes of each type of an EXIF entry."""
JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""But for those that stand within a scan: zeros after 0xff, and restarts."""
START, END, SCAN, NOTES = 0xD8, 0xD9, 0xDA, 0xE1
PROFILES = ("exif", "Raw profile type exif", "Raw profile type APP1")
"""Where Pillow looks for EXIF in what it has read."""


def hostile(data: bytes) -> bool:
    """Whether a file promises work out of all proportion: thousands of scans, or notes that multiply."""
    # A TIFF may well hold many directories; what it reads of them is counted (`spir.limits`).
    notes = 0 if TIFF_HEADER.match(data) else noted(data)
    return notes > MOST_NOTED or (data[:2] == b"\xff\xd8" and too_many_scans(data))


def noted(data: bytes) -> int:
    """How many bytes the first directory of every EXIF in a file points at; more than allowed where there are too many."""
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
        if headers > MOST_NOTES or entries > 2**16:
            return MOST_NOTED + 1
        for _, kind, number, place in struct.iter_unpack(order + "HHII", table):
            size = number * KIND_SIZES[kind] if kind < len(KIND_SIZES) else 0
            if 4 < size <= len(data) - start - place:
                total += size
    return total


def too_many_scans(data: bytes) -> bool:
    """Whether a JPEG has too many scans, too many pieces, or EXIF in more than one: Pillow joins them byte by byte."""
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


def swollen(image: Image.Image, data: bytes) -> bool:
    """Whether an opened TIFF is of tiles larger than itself, or of JPEGs with too many scans."""
    if image.format != "TIFF":
        return False
    width, height = (max(number(image, tag), 1) for tag in (322, 323))
    if width * height > 4 * (image.width + 512) * (image.height + 512):
        return True
    strips = len(image.tag_v2.get(273, ())) + len(image.tag_v2.get(324, ()))
    return number(image, 259) in (6, 7) and data.count(b"\xff\xda") > MOST_SCANS + strips


def number(image: Image.Image, tag: int) -> int:
    """A whole number among the tags of a TIFF, zero where it is none."""
    value = image.tag_v2.get(tag)
    return value if isinstance(value, int) else 0


def forget_large_notes(image: Image.Image) -> None:
    """EXIF beyond what a JPEG could hold tells of more than which way is up."""
    for name in PROFILES:
        if len(image.info.get(name) or b"") > 2**16:
            del image.info[name]

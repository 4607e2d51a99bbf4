"""Small changes to a file that keep it interesting: bits, cuts, splices, and lies in lengths with checksums mended."""

import random
import struct
import zipfile
import zlib
from io import BytesIO

from tests.hostile.case import chunk

NUMBERS = (
    0,
    1,
    2,
    7,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    4096,
    6000,
    65_000,
)
"""Where counting goes wrong."""


def mutated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A file changed in one to four ways, the same for the same draw."""
    if data[:4] == b"PK\x03\x04" and draw.random() < 0.7:
        return within_zip(data, others, draw)
    if data[:4] == b"\x89PNG" and draw.random() < 0.5:
        return png_chunks(data, draw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        data = draw.choice((bits, numbers, cut, spliced, repeated, removed))(data, others, draw)
    return data


def place(data: bytes, draw: random.Random) -> int:
    """Half of the changes hit the header, where the structure is."""
    end = len(data) if draw.random() < 0.5 else min(len(data), 400)
    return draw.randrange(max(1, end))


def bits(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 10, 100)) if data else 0):
        changed[place(data, draw)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def numbers(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A number of one, two or four bytes is another."""
    form = draw.choice(("<B", "<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    at = place(data, draw)
    return data[:at] + struct.pack(form, draw.choice(NUMBERS) % 256**size) + data[at + size :]


def cut(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    return data[: place(data, draw)]


def spliced(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    other = draw.choice(others)
    return data[: place(data, draw)] + other[place(other, draw) :]


def repeated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    at = place(data, draw)
    part = data[at : at + draw.choice((2, 8, 64, 1000))]
    return data[:at] + part * draw.choice((2, 30, 1000)) + data[at:]


def removed(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    at = place(data, draw)
    return data[:at] + data[at + draw.choice((1, 4, 30)) :]


def png_chunks(data: bytes, draw: random.Random) -> bytes:
    """A PNG with one chunk changed inside, left out, doubled or moved, and all checksums right."""
    found, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not found:
        return data
    number = draw.randrange(len(found))
    kind, body = found[number]
    how = draw.randrange(5)
    if how == 0:
        found[number] = kind, bits(body, [], draw)
    elif how == 1:
        found[number] = kind, numbers(body, [], draw)
    elif how == 2:
        found[number] = kind, zlib.compress(bytes(draw.choice((0, 1, 10**4, 10**7))))
    elif how == 3:
        found.insert(draw.randrange(len(found) + 1), found[number])
    else:
        del found[number]
    return data[:8] + b"".join(chunk(kind, body) for kind, body in found)


def within_zip(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A ZIP that is sound, of files of which one is not."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            files = {
                entry.filename: archive.read(entry) for entry in archive.infolist() if entry.file_size < 10**6
            }
    except Exception:
        return bits(data, others, draw)
    if not files:
        return data
    name = draw.choice(sorted(files))
    files[name] = mutated(files[name], others, draw)
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()

"""One file made into another that nobody has seen: by its bytes, and by the pieces that its format is made of."""

import json
import random
import struct
import zlib
from collections.abc import Callable

from tests.hostile.archives import sound_files, zipped
from tests.hostile.case import chunk

ODD_NUMBERS = (0, 1, 2, 16, 17, 127, 128, 255, 256, 4096, 6400, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1)
ODD_VALUES = (
    None,
    True,
    0,
    -1,
    0.1,
    1e308,
    2**70,
    "",
    "x" * 300,
    "../x",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    {"a": 1},
    [None] * 1000,
)
PNG_START = b"\x89PNG\r\n\x1a\n"
MOST_TURNS = 4


def flipped(data: bytearray, draw: random.Random) -> bytearray:
    """A few bits are others."""
    for _ in range(draw.choice((1, 2, 4, 16, 64))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def cut(data: bytearray, draw: random.Random) -> bytearray:
    return data[: draw.randrange(1, len(data) + 1)]


def lacking(data: bytearray, draw: random.Random) -> bytearray:
    """A stretch is gone."""
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randrange(1, 200) :]


def doubled(data: bytearray, draw: random.Random) -> bytearray:
    """A stretch comes again, perhaps very often."""
    start, length = draw.randrange(len(data)), draw.randrange(1, 300)
    stretch = data[start : start + length]
    return data[:start] + stretch * draw.choice((2, 3, 100, 3000)) + data[start + length :]


def numbered(data: bytearray, draw: random.Random) -> bytearray:
    """A number is another; most of those that matter stand near the beginning."""
    length = draw.choice((1, 2, 4))
    place = draw.randrange(draw.choice((64, 400, len(data))))
    value = draw.choice(ODD_NUMBERS) % 256**length
    data[place : place + length] = value.to_bytes(length, draw.choice(("big", "little")))
    return data


def pieces_of_png(data: bytearray) -> list[tuple[bytes, bytes]]:
    """Kind and body of every chunk that is whole."""
    place, found = 8, []
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if place + 12 + length > len(data):
            break
        found.append((bytes(data[place + 4 : place + 8]), bytes(data[place + 8 : place + 8 + length])))
        place += 12 + length
    return found


def png_pieces(data: bytearray, draw: random.Random) -> bytearray:
    """Chunks of a PNG changed, repeated, lost or out of order, with checksums that hold."""
    if not data.startswith(PNG_START) or not (found := pieces_of_png(data)):
        return flipped(data, draw)
    place = draw.randrange(len(found))
    kind, body = found[place]
    way = draw.randrange(6)
    if way == 0 and body:
        found[place] = kind, bytes(numbered(bytearray(body), draw))
    elif way == 1:
        found[place:place] = [found[place]] * draw.choice((1, 2, 2000))
    elif way == 2:
        del found[place]
    elif way == 3:
        draw.shuffle(found)
    elif way == 4 and kind == b"IDAT":
        found[place] = kind, repacked(body, draw)
    else:
        header = struct.pack(">II", draw.choice(ODD_NUMBERS), draw.choice(ODD_NUMBERS))
        tail = bytes(draw.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(5))
        found[0] = b"IHDR", header + tail
    return bytearray(PNG_START + b"".join(chunk(*piece) for piece in found))


def repacked(body: bytes, draw: random.Random) -> bytes:
    """The pixels of a PNG, packed again with other bytes among them."""
    try:
        pixels = zlib.decompressobj().decompress(body, 2**20)
    except zlib.error:
        return body
    return zlib.compress(bytes(flipped(bytearray(pixels or b"\0"), draw)) * draw.choice((1, 2, 50)))


def jpeg_pieces(data: bytearray, draw: random.Random) -> bytearray:
    """A marker of a JPEG is another, or what follows one is."""
    places = [place for place in range(len(data) - 10) if data[place] == 0xFF and data[place + 1] >= 0xC0]
    if data[:2] != b"\xff\xd8" or not places:
        return numbered(data, draw)
    place = draw.choice(places)
    if draw.random() < 0.3:
        data[place + 1] = draw.randrange(0xC0, 0xFF)
    else:
        at = place + draw.randrange(2, 10)
        data[at : at + 2] = (draw.choice(ODD_NUMBERS) % 2**16).to_bytes(2, "big")
    return data


def box_pieces(data: bytearray, draw: random.Random) -> bytearray:
    """A size of one of the boxes (HEIC, AVIF) or chunks (WebP) lies."""
    names = b"ftyp meta hdlr iloc iinf infe iprp ipco ispe pixi hvcC av1C ipma iref idat mdat VP8X VP8L ANMF".split()
    places = [place for name in names if (place := data.find(name)) >= 4]
    if not places:
        return numbered(data, draw)
    place = draw.choice(places) + draw.choice((-4, 4, 8, 12, 16))
    data[place : place + 4] = draw.choice(ODD_NUMBERS).to_bytes(4, draw.choice(("big", "little")))
    return data


WAYS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flipped,
    cut,
    lacking,
    doubled,
    numbered,
    numbered,
    png_pieces,
    png_pieces,
    jpeg_pieces,
    box_pieces,
)


def mutated(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """The file changed a few times over, at times with a part of another one behind its own beginning."""
    changed = bytearray(data or b"\0")
    if draw.random() < 0.1 and other:
        changed = changed[: draw.randrange(1, len(changed) + 1)] + other[draw.randrange(len(other)) :]
    for _ in range(draw.randint(1, MOST_TURNS)):
        changed = draw.choice(WAYS)(changed or bytearray(b"\0"), draw)
    return bytes(changed)


def mutated_zip(draw: random.Random) -> bytes:
    """A ZIP whose checksums hold, with one or two files in it that are others."""
    files = sound_files()
    changes = {}
    for name in draw.sample(sorted(files), draw.randint(1, 2)):
        if name == "run.json" and draw.random() < 0.8:
            changes[name] = mutated_json(files[name], draw)
        elif name.endswith(".safetensors") and draw.random() < 0.6:
            changes[name] = mutated_tensors(files[name], draw)
        else:
            changes[name] = mutated(files[name], b"", draw)
    return zipped(changes)


def mutated_json(text: bytes, draw: random.Random) -> bytes:
    """Still JSON, with another value somewhere, mostly in what is read again."""
    words = json.loads(text)
    place = words["restore"] if draw.random() < 0.9 else words
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.choice(keys)
        if not (isinstance(place[key], dict | list) and place[key] and draw.random() < 0.6):
            place[key] = draw.choice(ODD_VALUES)
            return json.dumps(words).encode()
        place = place[key]


def mutated_tensors(data: bytes, draw: random.Random) -> bytes:
    """The header of a safetensors file lies about a tensor, or numbers are others."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    if draw.random() < 0.5:
        entry = header[draw.choice([name for name in header if name != "__metadata__"])]
        field = draw.choice(("dtype", "shape", "data_offsets"))
        odd = draw.choice((*ODD_VALUES, "F64", "BF16", "I64", "BOOL", [0], [2**62, 2**62], [0, 4]))
        entry[field] = odd
    else:
        # Infinities, numbers that are none, and huge ones.
        place = draw.randrange(len(body) // 4) * 4
        body[place : place + 4] = draw.choice(
            (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\xff" * 4)
        )
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + bytes(body)

"""Small files that would take much time or memory: sizes that lie, structures that repeat, notes that multiply."""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.hostile.case import (
    ENDINGS,
    FORMATS,
    Case,
    after_header,
    after_start,
    chunk,
    directory,
    noise,
    png,
    saved,
    segment,
)
from tests.hostile.plain import heic_photo

SIDES = (6400, 9600, 13000, 60000, 2**31 - 1)
TYPES = {
    1: b"\6",
    2: b"6\0",
    3: b"\6\0",
    4: b"\6\0\0\0",
    5: b"\x1a\0\0\0",
    7: b"\6",
    11: b"\0\0\xc0\x7f",
    12: b"\x1a\0\0\0",
}
"""Of an EXIF entry: 11 is NaN as it stands, 5 and 12 point at what follows."""


def cases() -> Iterator[Case]:
    yield from sizes_that_lie()
    yield from repeated()
    yield from scans()
    yield from orientations()
    yield from multiplied_notes()
    yield from packed_texts()
    yield from tiles()
    yield from heics()


def sizes_that_lie() -> Iterator[Case]:
    """Headers that promise gigabytes."""
    gif, bmp = bytearray(saved(noise().convert("P"), "GIF")), bytearray(saved(noise(), "BMP"))
    webp = bytearray(saved(noise(), "WEBP", icc_profile=bytes(200)))
    for side in SIDES:
        yield Case(f"promises-{side}.png", png(side, side, zlib.compress(bytes(100))), "refused")
        bmp[18:26] = struct.pack("<ii", side, -side)
        yield Case(f"promises-{side}.bmp", bytes(bmp), "refused")
        tiff = directory([(256, 4, 1, struct.pack("<I", side)), (257, 4, 1, struct.pack("<I", side))])
        yield Case(f"promises-{side}.tif", tiff, "refused")
    gif[6:10] = b"\xff" * 4
    yield Case("promises-65535.gif", bytes(gif), "refused")
    frame = gif.index(b",\0\0\0\0")
    gif[6:10], gif[frame + 1 : frame + 9] = (
        struct.pack("<HH", 96, 64),
        struct.pack("<HHHH", 0, 0, 65535, 65535),
    )
    yield Case("frame-beyond.gif", bytes(gif), "refused")
    place = webp.index(b"VP8X") + 12
    webp[place : place + 6] = b"\xff\x3f\0\xff\x3f\0"
    yield Case("promises-16384.webp", bytes(webp), "refused")
    jpeg = bytearray(saved(noise(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    for height, width in ((65535, 65535), (0, 96), (64, 0)):
        jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
        yield Case(f"promises-{width}x{height}.jpg", bytes(jpeg), "refused")
    zeros = zlib.compress(bytes(120_000_000), 9)
    yield Case("unpacks-to-more.png", png(64, 64, zeros))
    yield Case(
        "unpacks-to-40-megapixels.png",
        png(6300, 6300, zlib.compress(bytes(6300 * (6300 * 3 + 1)), 9)),
        "taken",
    )


def repeated() -> Iterator[Case]:
    """Hundreds of thousands of empty pieces; of each format there is a file that takes longer than patience lasts."""
    plain, jpeg, gif = saved(noise()), saved(noise(), "JPEG"), saved(noise().convert("P"), "GIF")
    many, fewer = 700_000, 100_000
    for kind in (b"tEXt", b"abCd", b"IDAT", b"eXIf", b"gAMA"):
        count = many if kind == b"tEXt" else fewer
        yield Case(f"many-{kind.decode()}.png", after_header(plain, chunk(kind, b"") * count))
    yield Case("many-at-the-end.png", plain[:-12] + chunk(b"tEXt", b"") * fewer + plain[-12:])
    yield Case("many-comments.jpg", after_start(jpeg, segment(0xFE, b"") * many), "refused")
    yield Case("many-markers.jpg", after_start(jpeg, segment(0xE0, b"JFIF\0") * 10_001), "refused")
    yield Case("some-comments.jpg", after_start(jpeg, segment(0xFE, b"car") * 1000), "taken")
    yield Case(
        "many-exif.jpg", after_start(jpeg, segment(0xE1, b"Exif\0\0" + bytes(20)) * 300_000), "refused"
    )
    yield Case("many-profiles.jpg", after_start(jpeg, segment(0xE2, b"ICC_PROFILE\0\1\1") * 9000))
    yield Case(
        "many-photoshop.jpg", after_start(jpeg, segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 9000) * 50)
    )
    yield Case("fill-bytes.jpg", jpeg[:2] + b"\xff" * 3_000_000 + jpeg[2:])
    yield Case("no-end.jpg", jpeg[:-2] + b"\xff\xd0" * 3_000_000)
    frame = gif.index(b",\0\0\0\0")
    for name, extra in (
        ("many-comments", b"\x21\xfe\1a\0" * many),
        ("long-comment", b"\x21\xfe" + (b"\xff" + b"a" * 255) * 10_000 + b"\0"),
        ("many-delays", b"\x21\xf9\4\0\0\0\0\0" * fewer),
        ("unknown-blocks", b"\x21\x77" + b"\1a" * fewer + b"\0"),
    ):
        yield Case(f"{name}.gif", gif[:frame] + extra + gif[frame:])
    long = directory([(1000 + number, 3, 1, b"\1\0") for number in range(60_000)])
    yield Case("many-tags.tif", long, "refused")
    yield Case("endless-pages.tif", saved(noise(), "TIFF")[:-4] + struct.pack("<I", 8))


def scans() -> Iterator[Case]:
    """Progressive JPEGs that go over all pixels again and again."""
    for side, form in ((6300, "L"), (4000, "RGB")):
        data = saved(Image.new(form, (side, side), 100), "JPEG", progressive=True)
        last = data.rindex(b"\xff\xda")
        for more, expect in ((10, "taken"), (100, "refused"), (5000, "refused")):
            yield Case(f"scans-{form}-{more}.jpg", data[:last] + data[last:-2] * more + data[-2:], expect)
    small = saved(noise(), "JPEG", progressive=True)
    last = small.rindex(b"\xff\xda")
    yield Case("scans-small.jpg", small[:last] + small[last:-2] * 20_000 + small[-2:], "refused")
    inside = saved(Image.new("RGB", (64, 64)), "TIFF", compression="jpeg") + b"\xff\xda" * 1000
    yield Case("scans.tif", inside, "refused")


def orientations() -> Iterator[Case]:
    """EXIF whose note on what is up is of every type, NaN and endless among them: no reason to refuse a photo."""
    for kind, value in TYPES.items():
        for count in (0, 1, 2, 2**31):
            tail = struct.pack("<II", 6, 0) if kind == 5 else struct.pack("<d", float("nan"))
            note = b"Exif\0\0" + directory([(0x0112, kind, count, value)], tail)
            yield Case(f"orientation-{kind}-{count}.jpg", saved(noise(), "JPEG", exif=note), "taken")
    for value in (0, 9, 65535):
        note = directory([(0x0112, 3, 1, struct.pack("<H", value))])
        for form in ("PNG", "WEBP", "JPEG", "TIFF"):
            options = {"tiffinfo": {0x0112: value}} if form == "TIFF" else {"exif": b"Exif\0\0" + note}
            yield Case(f"orientation-{value}.{ENDINGS[form]}", saved(noise(), form, **options), "taken")
    for name, note in (
        ("itself", b"II*\0\0\0\0\0"),
        ("beyond", b"MM\0*\xff\xff\xff\xff"),
        ("short", b"II*"),
        ("", b""),
    ):
        yield Case(f"exif-{name}.png", after_header(saved(noise()), chunk(b"eXIf", note)), "taken")


def multiplied_notes() -> Iterator[Case]:
    """Thousands of EXIF entries that all point at the same bytes, which are copied for each."""
    for entries, size in ((5000, 60_000), (60_000, 1_000_000)):
        pointing = [(1000 + number % 60_000, 1, size, struct.pack("<I", 8)) for number in range(entries)]
        note = directory(pointing, bytes(size))
        if len(note) < 65_000:
            yield Case(
                "notes.jpg", after_start(saved(noise(), "JPEG"), segment(0xE1, b"Exif\0\0" + note)), "refused"
            )
        parts = [segment(0xE1, b"Exif\0\0" + note[at : at + 60_000]) for at in range(0, len(note), 60_000)]
        yield Case(f"notes-{entries}.jpg", after_start(saved(noise(), "JPEG"), b"".join(parts)), "refused")
        yield Case(f"notes-{entries}.png", after_header(saved(noise()), chunk(b"eXIf", note)), "refused")
        yield Case(f"notes-{entries}.tif", note, "refused")
        for form in ("WEBP", "AVIF"):
            if form in FORMATS:
                # Put in afterwards: Pillow reads what it writes into an AVIF, and would not survive it.
                blank = directory([]).ljust(len(note), b"\0")
                data = saved(noise(), form, exif=blank).replace(blank, note)
                yield Case(f"notes-{entries}.{ENDINGS[form]}", data, "refused")
    headers = directory([(1, 3, 1, b"\1")]) * 10_000
    yield Case("many-notes.png", after_header(saved(noise()), chunk(b"eXIf", headers)), "refused")


def packed_texts() -> Iterator[Case]:
    """Texts and profiles in a PNG that unpack to a thousand times their size."""
    million, hundred = zlib.compress(bytes(10**6), 9), zlib.compress(bytes(10**8), 9)
    raw = zlib.compress(b"\nexif\n 99\n" + directory([(7, 1, 400_000, b"\x08")] * 40_000).hex().encode())
    for name, extra in (
        ("text", chunk(b"zTXt", b"a\0\0" + million)),
        ("texts", chunk(b"zTXt", b"a\0\0" + million) * 5000),
        ("text-100", chunk(b"zTXt", b"a\0\0" + hundred)),
        ("international", chunk(b"iTXt", b"a\0\1\0\0\0" + hundred)),
        ("profile", chunk(b"iCCP", b"icc\0\0" + hundred)),
        ("raw-exif", chunk(b"zTXt", b"Raw profile type exif\0\0" + raw)),
        ("frames", chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        ("two-headers", chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))),
    ):
        yield Case(f"packed-{name}.png", after_header(saved(noise()), extra))


def tiles() -> Iterator[Case]:
    """A small TIFF of one tile that is as large as a house."""
    for side, expect in ((64, "taken"), (20_000, "refused"), (2**20, "refused")):
        body = zlib.compress(bytes(min(side, 3000) ** 2 * 3), 9)
        numbers = {
            256: 64,
            257: 64,
            258: 8 + 2 + 12 * 11 + 4,
            259: 8,
            262: 2,
            277: 3,
            284: 1,
            322: side,
            323: side,
        }
        numbers |= {324: numbers[258] + 6, 325: len(body)}
        entries = [
            (tag, 3 if tag == 258 else 4, 3 if tag == 258 else 1, struct.pack("<I", n))
            for tag, n in numbers.items()
        ]
        yield Case(f"tile-{side}.tif", directory(entries, struct.pack("<3H", 8, 8, 8) + body), expect)


def heics() -> Iterator[Case]:
    """HEIC that is larger, or smaller, than it says, or whose notes multiply."""
    data = heic_photo()
    if not data:
        return
    place = data.index(b"ispe") + 8
    for width, height in ((60000, 60000), (6300, 6300), (1, 1), (0, 0)):
        yield Case(
            f"promises-{width}x{height}.heic",
            data[:place] + struct.pack(">II", width, height) + data[place + 8 :],
        )
    note = directory([(1000 + number, 1, 60_000, b"\x08") for number in range(5000)])
    yield Case("notes.heic", heic_photo(exif=b"Exif\0\0" + note), "refused")
    for name in (b"iloc", b"iinf", b"iprp", b"pitm", b"hvcC", b"mdat"):
        place = data.index(name) - 4
        for size in (0, 1, 7, 2**32 - 1):
            yield Case(
                f"box-{name.decode()}-{size}.heic", data[:place] + struct.pack(">I", size) + data[place + 4 :]
            )

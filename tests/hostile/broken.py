"""Pictures that are broken or no pictures at all: cut off, of two formats, or of none that photos come in."""

import gzip
import random
from collections.abc import Iterator

from PIL import Image

from tests.hostile.case import ENDINGS, FORMATS, Case, noise, saved
from tests.hostile.plain import heic_photo

CUTS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.98)
"""Where files end too soon: within the first header, within the last block, and between."""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(document.cookie)</script></html>"
EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n"
    b"(%pipe%id > /tmp/spir-was-here) (w) file closefile\nshowpage\n%%EOF\n"
)
"""Pillow would start Ghostscript to read it."""
TEXTS = {
    "page.jpg": HTML,
    "page-utf16.jpg": HTML.decode().encode("utf-16"),
    "drawing.jpg": SVG,
    "drawing.svg": b'<?xml version="1.0"?>' + SVG,
    "entities.svg": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "script.eps": EPS,
    "paper.pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "words.jpg": b"this is no picture\n" * 100,
    "empty.jpg": b"",
    "one-byte.jpg": b"\xff",
    "zeros.png": bytes(10**6),
    "packed.svgz": gzip.compress(SVG, mtime=0),
    "archive.jpg": b"PK\x03\x04" + bytes(200),
    "program.jpg": b"\x7fELF\x02\x01\x01" + bytes(200),
    "film.heic": b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(500),
    "film.jpg": b"\x1aE\xdf\xa3" + bytes(500),
    "picture.xpm": b'/* XPM */\nstatic char *x[] = {"2 2 1 1", "a c #000000", "aa", "aa"};',
    "picture.xbm": b"#define x_width 64\n#define x_height 64\nstatic char x_bits[] = {0};",
    "picture.psd": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x40\0\0\0\x40\0\x08\0\3" + bytes(40),
    "picture.fits": b"SIMPLE  =                    T".ljust(80) + b" " * 2800,
    "picture.jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(300),
    "picture.wmf": b"\xd7\xcd\xc6\x9a" + bytes(300),
    "palette.gpl": b"GIMP Palette\n255 255 255\n",
    "pickle.jpg": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93.",
}
OTHERS = (
    "PPM",
    "TGA",
    "ICO",
    "ICNS",
    "DDS",
    "PCX",
    "SGI",
    "JPEG2000",
    "IM",
    "MSP",
    "SPIDER",
    "PDF",
    "EPS",
    "BLP",
    "QOI",
)
"""Formats that Pillow knows and photos do not come in."""


def cases() -> Iterator[Case]:
    for name, data in TEXTS.items():
        yield Case(name, data, "refused")
    yield from other_formats()
    sound = {ENDINGS[form]: saved(noise(), form) for form in FORMATS} | {"heic": heic_photo()}
    sound = {ending: data for ending, data in sound.items() if data}
    for ending, data in sound.items():
        for share in CUTS:
            yield Case(f"cut-at-{share:.0%}.{ending}", data[: round(len(data) * share)])
        yield Case(f"without-magic.{ending}", bytes(16) + data[16:], "refused")
        yield Case(f"turned-round.{ending}", data[::-1], "refused")
        yield Case(f"with-tail.{ending}", data + HTML * 50, "taken")
        yield Case(f"as-text.{ending}", data.replace(b"\n", b"\r\n") + b"\n")
        yield Case(
            f"zeroed-middle.{ending}", data[: len(data) // 3] + bytes(200) + data[len(data) // 3 + 200 :]
        )
        for other, theirs in sound.items():
            if other != ending:
                yield Case(f"{other}-called.{ending}", data[:16] + theirs[16:])
    yield from rubbish(sound)


def other_formats() -> Iterator[Case]:
    for form in OTHERS:
        picture = noise(64, 64).convert("1") if form == "MSP" else noise(64, 64)
        picture = (
            picture.convert("F") if form == "SPIDER" else picture.convert("P") if form == "BLP" else picture
        )
        try:
            yield Case(f"format-{form}.jpg", saved(picture, form), "refused")
        except (KeyError, OSError, ValueError):
            # This Pillow cannot write it.
            continue


def rubbish(sound: dict[str, bytes]) -> Iterator[Case]:
    """Random bytes, with and without the beginning of a format."""
    draw = random.Random(0)
    yield Case("random.jpg", draw.randbytes(10**6))
    for ending, data in sound.items():
        yield Case(f"random-behind-magic.{ending}", data[:32] + draw.randbytes(5000))
    grey = saved(Image.new("L", (64, 64)), "PNG")
    for place in (16, 20, 24, 25, 26, 27, 28):
        yield Case(f"bad-header-{place}.png", grey[:place] + b"\xff" + grey[place + 1 :])

"""Pictures that are odd but sound: every mode, size, animation and colour profile that a visitor may own."""

from collections.abc import Iterator

from PIL import Image, ImageCms

from tests.hostile.case import ENDINGS, FORMATS, Case, after_header, chunk, noise, saved

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")
SIZES = ((1, 1), (1, 20000), (20000, 1), (15, 300), (300, 15), (16, 16), (16, 2048), (16, 2064), (17, 17))
COMPRESSIONS = (
    "raw packbits tiff_lzw tiff_deflate tiff_adobe_deflate jpeg lzma zstd group3 group4 tiff_ccitt"
).split()


def cases() -> Iterator[Case]:
    yield from modes()
    yield from sizes()
    yield from tiffs()
    yield from moving()
    yield from profiles()
    yield from heic()


def modes() -> Iterator[Case]:
    """Each mode in each format that can hold it."""
    for mode in MODES:
        for form in FORMATS:
            if (mode, form) == ("I", "PNG"):
                # Pillow is about to give it up.
                continue
            try:
                data = saved(in_mode(mode), form)
            except (OSError, KeyError, ValueError):
                continue
            # Pillow does not read the YCbCr that it wrote.
            expect = "either" if (mode, form) == ("YCbCr", "TIFF") else "taken"
            yield Case(f"mode-{mode}.{ENDINGS[form]}", data, expect)


def in_mode(mode: str) -> Image.Image:
    grey = noise().convert("L")
    if mode in ("I;16", "I", "F"):
        return grey.convert("I").point(lambda value: value * 257).convert(mode)
    if mode == "LAB":
        profile = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(noise(), *profile, outputMode="LAB")
    if mode in ("LA", "RGBA", "PA"):
        picture = noise().convert("L" if mode == "LA" else "RGB")
        picture.putalpha(grey)
        return picture.convert(mode)
    return noise().convert(mode)


def sizes() -> Iterator[Case]:
    for width, height in SIZES:
        takes = min(width, height) >= 16 and 128 * min(width, height) >= max(width, height)
        for form in ("PNG", "JPEG", "GIF"):
            data = saved(Image.new("RGB", (width, height), (90, 60, 30)), form)
            yield Case(f"{width}x{height}.{ENDINGS[form]}", data, "taken" if takes else "refused")
    for mode in ("RGB", "RGBA"):
        yield Case(f"large-{mode}.png", saved(Image.new(mode, (6300, 6300)), compress_level=1), "taken")
    # Grey values of more than eight bits are worked on one by one: half of the pixels leave a slow machine some room.
    yield Case("large-I;16.png", saved(Image.new("I;16", (4500, 4500)), compress_level=1), "taken")
    yield Case("large-RGB.jpg", saved(Image.new("RGB", (6300, 6300)), "JPEG", progressive=True), "taken")
    yield Case("large-4900.webp", saved(Image.new("RGB", (4900, 4900), 99), "WEBP", method=0), "taken")
    yield Case("large-6300.webp", saved(Image.new("RGB", (6300, 6300), 99), "WEBP", method=0), "refused")
    for mode, side in (("F", 4000), ("I", 4000), ("CMYK", 6300)):
        data = saved(Image.new(mode, (side, side)), "TIFF", compression="tiff_adobe_deflate")
        yield Case(f"large-{mode}.tif", data, "taken")


def tiffs() -> Iterator[Case]:
    """TIFF packed in every way, of many pages, with very many tags."""
    for way in COMPRESSIONS:
        picture = noise().convert("1") if way in ("group3", "group4", "tiff_ccitt") else noise()
        try:
            yield Case(f"packed-{way}.tif", saved(picture, "TIFF", compression=way), "taken")
        except (OSError, ValueError):
            continue
    pages = [noise(32, 32)] * 200
    yield Case("two-hundred-pages.tif", saved(noise(), "TIFF", save_all=True, append_images=pages), "taken")
    tags = {60000 + number: "x" * 100 for number in range(3000)}
    yield Case("three-thousand-tags.tif", saved(noise(), "TIFF", tiffinfo=tags), "taken")


def moving() -> Iterator[Case]:
    """Hundreds of frames, and a few large ones: only the first is ever looked at."""
    for form in ("GIF", "PNG", "WEBP"):
        frames = [Image.new("RGB", (64, 48), (number % 256, 60, 90)) for number in range(300)]
        data = saved(frames[0], form, save_all=True, append_images=frames[1:], duration=20)
        yield Case(f"three-hundred-frames.{ENDINGS[form]}", data, "taken")
        large = [Image.new("P", (1000, 1000), number) for number in range(8)]
        large = large if form == "GIF" else [frame.convert("RGB") for frame in large]
        data = saved(large[0], form, save_all=True, append_images=large[1:], duration=20)
        yield Case(f"large-frames.{ENDINGS[form]}", data, "taken")


def profiles() -> Iterator[Case]:
    """Colour profiles: a right one, none, rubbish, and one of another kind of pixel."""
    right = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for name, icc in (
        ("right", right),
        ("of-lab", lab),
        ("cut-off", right[:50]),
        ("rubbish", bytes(range(256)) * 8),
        ("of-zeros", bytes(500_000)),
    ):
        for form in ("JPEG", "PNG", "WEBP", "TIFF"):
            yield Case(f"profile-{name}.{ENDINGS[form]}", saved(noise(), form, icc_profile=icc), "taken")
    for name, body in (("empty", b""), ("unpacked", b"icc\0\0" + right), ("unnamed", b"\0" * 9)):
        yield Case(f"profile-{name}.png", after_header(saved(noise()), chunk(b"iCCP", body)))


def heic() -> Iterator[Case]:
    """As telephones write it, where the optional package is there."""
    data = heic_photo()
    if data:
        yield Case("photo.heic", data, "taken")


def heic_photo(**options) -> bytes:
    """A HEIC; nothing without the package."""
    try:
        import pillow_heif
    except ImportError:
        return b""
    from io import BytesIO

    file = BytesIO()
    pillow_heif.from_pillow(noise()).save(file, quality=60, **options)
    return file.getvalue()

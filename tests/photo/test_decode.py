"""Every kind of file that a visitor may choose, made on the spot."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features

from spir.errors import PhotoError
from spir.photo import decode
from spir.photo.decode import read_photo

RAMP = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 8)), -1).astype(np.uint8)
"""32 high, 64 wide."""
COLOUR = np.dstack([RAMP, np.full((32, 64), 90, np.uint8)])


def saved(image, form="PNG", **options) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_plain_png_comes_back_bit_for_bit_from_bytes_and_from_a_file(tmp_path):
    data = saved(Image.fromarray(COLOUR))
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        photo = read_photo(source)
        assert photo.alpha is None
        assert (photo.rgb.numpy() == COLOUR).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(orientation):
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    image = Image.fromarray(np.ascontiguousarray(undo(COLOUR)))
    exif = image.getexif()
    exif[0x0112] = orientation
    assert (read_photo(saved(image, exif=exif)).rgb.numpy() == COLOUR).all()


def test_a_broken_exif_note_is_ignored():
    data = saved(Image.fromarray(COLOUR), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
    assert (read_photo(data).rgb.numpy() == COLOUR).all()


def test_sixteen_bit_grey_keeps_its_range():
    deep = np.linspace(0, 65535, 32 * 64).reshape(32, 64).astype(np.uint16)
    rgb = read_photo(saved(Image.fromarray(deep))).rgb.numpy()
    assert (rgb == np.round(deep / 257)[..., None]).all()


@pytest.mark.parametrize(("top", "white"), [(200, 255), (65535, 65535), (1_000_000, 1_000_000)])
def test_integer_grey_of_any_range(top, white):
    deep = np.linspace(0, top, 32 * 64).reshape(32, 64).astype(np.int32)
    rgb = read_photo(saved(Image.fromarray(deep), "TIFF")).rgb.numpy()[..., 0]
    assert np.abs(rgb - deep * (255 / white)).max() <= 0.5 + 1e-9


def test_real_valued_grey_from_zero_to_one():
    deep = np.linspace(0, 1, 32 * 64).reshape(32, 64).astype(np.float32)
    deep[0, 0] = np.nan
    rgb = read_photo(saved(Image.fromarray(deep), "TIFF")).rgb.numpy()
    assert rgb[0, 0, 0] == 0
    assert rgb[-1, -1, 0] == 255


@pytest.mark.parametrize("form", ["L", "1", "P", "CMYK", "YCbCr", "I;16", "LA", "RGBA", "PA"])
def test_every_mode_becomes_rgb(form):
    image = Image.fromarray(COLOUR)
    if form == "I;16":
        image = Image.fromarray(COLOUR[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert("L" if form == "LA" else "RGBA" if form == "PA" else "RGB").convert(form)
    container = "JPEG" if form == "YCbCr" else "TIFF" if form in ("CMYK", "PA") else "PNG"
    photo = read_photo(saved(image, container))
    assert photo.rgb.shape == (32, 64, 3)
    assert photo.alpha is None, "an opaque alpha channel says nothing"
    if form in ("CMYK", "RGBA"):
        assert np.abs(photo.rgb.numpy().astype(int) - COLOUR.astype(int)).max() < 4


def test_cmyk_jpeg_is_not_inverted():
    photo = read_photo(saved(Image.new("CMYK", (64, 32), (0, 255, 255, 0)), "JPEG"))
    assert photo.rgb.float().mean((0, 1)).tolist() == pytest.approx([255, 0, 0], abs=6)


@pytest.mark.parametrize("form", ["RGBA", "LA"])
def test_alpha_is_kept_where_it_says_something(form):
    alpha = np.full((32, 64), 255, np.uint8)
    alpha[:, :20] = 0
    image = Image.fromarray(COLOUR).convert("L" if form == "LA" else "RGB")
    image.putalpha(Image.fromarray(alpha))
    assert image.mode == form
    assert (read_photo(saved(image)).alpha.numpy() == alpha).all()


def test_palette_with_a_transparent_entry():
    image = Image.new("P", (64, 32), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (16, 8, 48, 24))
    photo = read_photo(saved(image, transparency=0))
    assert photo.rgb[16, 32].tolist() == [200, 100, 50]
    assert photo.alpha[16, 32] == 255
    assert photo.alpha[0, 0] == 0


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_a_moving_picture(form):
    red, blue = Image.new("RGB", (64, 32), (255, 0, 0)), Image.new("RGB", (64, 32), (0, 0, 255))
    options = {} if form == "TIFF" else {"duration": 100}
    data = saved(red, form, save_all=True, append_images=[blue], **options)
    assert read_photo(data).rgb.float().mean((0, 1)).tolist() == pytest.approx([255, 0, 0], abs=4)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_very_large_photo_is_reduced(form):
    image = Image.fromarray(COLOUR).resize((5000, 2500), Image.Resampling.BILINEAR)
    photo = read_photo(saved(image, form))
    assert photo.rgb.shape == (1024, 2048, 3)
    wanted = np.asarray(Image.fromarray(COLOUR).resize((2048, 1024), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(photo.rgb.numpy() - wanted).mean() < 3


def test_reducing_does_not_bleed_hidden_colours():
    pixels = np.zeros((3000, 3000, 4), np.uint8)
    pixels[..., 1] = 255
    pixels[:, 1501:] = (255, 0, 0, 255)
    photo = read_photo(saved(Image.fromarray(pixels), compress_level=1))
    shown = photo.alpha > 8
    assert shown.float().mean() == pytest.approx(0.5, abs=0.01)
    assert photo.rgb[shown][:, 1].max() <= 8, "the green of the transparent half is nowhere to be seen"


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises far more than it holds."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [6400, 9600, 13000, 60000])
def test_a_decompression_bomb_is_refused_by_its_header(side, monkeypatch):
    monkeypatch.setattr(decode, "decode", lambda image: pytest.fail("it was decoded"))
    with pytest.raises(PhotoError, match="too large.*40 megapixels"):
        read_photo(png_header(side, side))


@pytest.mark.parametrize("size", [(15, 300), (300, 15), (1, 1), (10000, 20)])
def test_too_small_is_said(size):
    with pytest.raises(PhotoError, match="too small"):
        read_photo(saved(Image.new("RGB", size)))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_truncated_file_is_said(form):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise), form)
    with pytest.raises(PhotoError, match="damaged|cannot|not a picture"):
        read_photo(data[: len(data) * 2 // 3])


def test_a_corrupt_body_is_said():
    data = bytearray(saved(Image.fromarray(COLOUR)))
    data[60:90] = bytes(30)
    with pytest.raises(PhotoError, match="damaged"):
        read_photo(bytes(data))


@pytest.mark.parametrize("data", [b"hello, I am a text", b"%PDF-1.4 ...", bytes(1000), b"<html></html>"])
def test_what_is_no_picture_is_said(data):
    with pytest.raises(PhotoError, match="not a picture"):
        read_photo(data)


def test_an_empty_and_a_missing_file_are_said(tmp_path):
    with pytest.raises(PhotoError, match="empty"):
        read_photo(b"")
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(tmp_path / "nothing.jpg")
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(tmp_path)


def heic_header() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(200)


def test_heic_without_its_package_names_the_way_out(monkeypatch):
    monkeypatch.setattr(decode, "find_spec", lambda name: None)
    with pytest.raises(PhotoError, match="HEIC.*JPEG"):
        read_photo(heic_header())


def test_damaged_heic_is_said_where_the_package_is_there():
    pytest.importorskip("pillow_heif")
    with pytest.raises(PhotoError, match="HEIC.*damaged"):
        read_photo(heic_header())


def test_heic_is_read_where_the_package_is_there():
    heif = pytest.importorskip("pillow_heif")
    file = BytesIO()
    heif.from_pillow(Image.fromarray(COLOUR)).save(file, quality=95)
    photo = read_photo(file.getvalue())
    assert photo.rgb.shape == COLOUR.shape
    assert np.abs(photo.rgb.numpy().astype(int) - COLOUR).mean() < 8


def test_a_turned_heic_is_turned_upright_once():
    """As telephones write it: the container says how it is turned, and the EXIF note says it again."""
    heif = pytest.importorskip("pillow_heif")
    exif, image, file = Image.Exif(), Image.fromarray(COLOUR), BytesIO()
    exif[0x0112] = 6
    heif.from_pillow(image).save(file, quality=95, exif=exif.tobytes())
    assert b"irot" in file.getvalue()
    photo = read_photo(file.getvalue())
    assert photo.rgb.shape == (64, 32, 3)
    assert np.abs(photo.rgb.numpy().astype(int) - np.rot90(COLOUR, -1)).mean() < 8


@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_avif_is_read_where_pillow_can(brand):
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    data = saved(Image.fromarray(COLOUR), "AVIF", quality=95)
    photo = read_photo(data[:8] + brand + data[12:])
    assert np.abs(photo.rgb.numpy().astype(int) - COLOUR).mean() < 8
    with pytest.raises(PhotoError, match="damaged|not a picture"):
        read_photo(data[: len(data) // 2])


def test_every_message_ends_in_a_way_out():
    for data in (b"", b"text", png_header(9000, 9000), saved(Image.new("RGB", (3, 3)))):
        with pytest.raises(PhotoError) as caught:
            read_photo(data)
        assert "hoose" in str(caught.value)
        assert len(str(caught.value)) < 160

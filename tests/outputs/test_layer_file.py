"""A surface goes into one small file and comes back; a file that was tampered with gives a ValueError and nothing else."""

import io
import json
import random
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load, save

from spir.appearance.layers import texture
from spir.outputs import layer_file
from spir.outputs.layer_file import MOST_VERTICES, layer_bytes, layers_from, texture_size
from spir.types import Appearance
from tests.outputs.test_textured import FACES_6K, ball, smooth

LARGEST = 250_000
"""Bytes at the default."""
VALUES = 10


def photographed(size: int = 1024, coarse: int = 256, **shape) -> Appearance:
    """A ball with detail of every grain, as photos have it: blurred shade, edges of parts, texture and a few glints."""
    generator = torch.Generator().manual_seed(3)
    vertices, normals, faces, uv = ball(**shape)
    grains = ((0.5, 6), (0.2, 24), (0.08, 96), (0.03, 200))
    light = 0.4 + sum(share * smooth(generator, 1, knots, size)[..., 0] for share, knots in grains)
    glints = (smooth(generator, 3, 48, size) - 0.8).clamp(min=0)
    weights, generated = ((9 * smooth(generator, VALUES, knots, coarse)).softmax(-1) for knots in (20, 10))
    return Appearance(
        vertices,
        normals,
        faces,
        uv,
        light.clamp(0, 1.25),
        0.05 * (smooth(generator, 3, 12, size) - 0.5) + glints,
        weights,
        2 * torch.rand(VALUES, 3, generator=generator) - 1,
        generated,
        2 * torch.rand(VALUES, 3, generator=generator) - 1,
        smooth(generator, 2, 8, coarse).clamp(0, 1),
    )


@pytest.fixture(scope="module")
def whole() -> Appearance:
    """Of the default's size."""
    return photographed(**FACES_6K)


SMALL = photographed(64, 16, charts=2, across=3, down=3)
DATA = layer_bytes(SMALL)


def changed(tensors: dict | None = None, told: dict | None = None, leave: str = "") -> bytes:
    """The small file with other tensors or words, or without a tensor."""
    found = {name: tensor for name, tensor in (load(DATA) | (tensors or {})).items() if name != leave}
    return save(found, {"layers": json.dumps({"format": 1, "detail": 1.0} | (told or {}))})


def webp(width: int, height: int, frames: int = 1, form: str = "WEBP") -> np.ndarray:
    file, page = io.BytesIO(), Image.new("L", (width, height), 90)
    more = [Image.new("L", (width, height), 80 + frame) for frame in range(1, frames)]
    page.save(file, form, **({"save_all": True, "append_images": more} if more else {"lossless": True}))
    return np.frombuffer(file.getvalue(), np.uint8)


def headed(header: dict | bytes, body: bytes = b"") -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_the_default_is_small_and_looks_the_same(whole):
    assert 5500 < len(whole.faces) < 6500 and 3900 < len(whole.vertices) < 4300
    data = layer_bytes(whole)
    assert len(data) <= LARGEST
    again = layers_from(data)
    for detail in (1.0, 0.0):
        apart = 255 * (texture(again, detail=detail) - texture(whole, detail=detail)).abs()
        assert apart.mean() < 1.5
        assert (apart < 4).float().mean() > 0.9
    red = whole.generated_palette.clone()
    red[0] = torch.tensor((0.6, -0.9, -0.9))
    assert 255 * (texture(again, red) - texture(whole, red)).abs().mean() < 2


def test_a_noisy_photo_still_fits(whole):
    noise = torch.randn(1024, 1024, generator=torch.Generator().manual_seed(0))
    assert len(layer_bytes(replace(whole, light=(whole.light + 0.08 * noise).clamp(0, 1.25)))) <= LARGEST


def test_geometry_and_palettes_come_back():
    again, extent = layers_from(DATA), SMALL.vertices.amax(0) - SMALL.vertices.amin(0)
    assert ((again.vertices - SMALL.vertices).abs() <= extent / 65_535).all()
    assert torch.equal(again.faces, SMALL.faces) and again.faces.dtype == torch.int64
    assert (again.uv - SMALL.uv).abs().max() <= 1 / 65_535
    assert (F.cosine_similarity(again.normals, SMALL.normals) > 0.9998).all()
    assert torch.equal(again.palette, SMALL.palette)
    assert torch.equal(again.generated_palette, SMALL.generated_palette)
    assert torch.allclose(again.weights.sum(-1), torch.ones(16, 16))
    assert texture_size(DATA) == 64 == len(again.light)
    assert again.detail == 1.0 and layers_from(layer_bytes(replace(SMALL, detail=0.25))).detail == 0.25


def test_the_same_surface_gives_the_same_bytes():
    assert layer_bytes(SMALL) == DATA


def test_a_flat_surface_and_one_of_many_vertices():
    flat = replace(SMALL, vertices=SMALL.vertices * torch.tensor((1.0, 0.0, 1.0)))
    assert (layers_from(layer_bytes(flat)).vertices[:, 1] == 0).all()
    many = 3 * 22_000
    points = torch.rand(many, 3)
    large = replace(
        SMALL,
        vertices=points,
        normals=F.normalize(points + 0.1, dim=-1),
        uv=points[:, :2],
        faces=torch.arange(many).view(-1, 3),
    )
    assert torch.equal(layers_from(layer_bytes(large)).faces, large.faces)


def test_a_browser_finds_every_tensor_where_its_numbers_may_lie():
    """A `Uint16Array` begins at an even byte, a `Float32Array` at a multiple of four."""
    length = int.from_bytes(DATA[:8], "little")
    for name, told in json.loads(DATA[8 : 8 + length]).items():
        if name != "__metadata__":
            width = {"F32": 4, "U32": 4, "U16": 2}.get(told["dtype"], 1)
            assert (8 + length + told["data_offsets"][0]) % width == 0, name


def test_the_words_stand_in_the_metadata(tmp_path):
    (tmp_path / "layers.safetensors").write_bytes(DATA)
    with safe_open(tmp_path / "layers.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["layers"]) == {"format": 1, "detail": 1.0}
        assert Image.open(io.BytesIO(file.get_tensor("rest").tobytes())).size == (3 * 64, 64)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.99])
def test_a_truncated_file_is_refused(share):
    with pytest.raises(ValueError):
        layers_from(DATA[: int(share * len(DATA))])


@pytest.mark.parametrize("name", sorted(load(DATA)))
def test_a_missing_tensor_or_one_of_another_kind_is_refused(name):
    tensor = load(DATA)[name]
    other = np.float64 if tensor.dtype != np.float64 else np.float32
    for data in (
        changed(leave=name),
        changed({name: tensor.astype(other)}),
        changed({name: tensor.astype(np.int32)}),
        changed({name: tensor[..., None]}),
        changed({name: tensor[:0]}),
        changed({name: np.zeros((), tensor.dtype)}),
    ):
        with pytest.raises(ValueError):
            layers_from(data)


def test_numbers_out_of_range_are_refused():
    found = load(DATA)
    last, box, palette = len(found["positions"]), found["box"], found["palette"]
    faces = found["faces"].copy()
    faces[0, 0] = last
    endless = np.full_like(box, np.inf)
    for tensors in (
        {"faces": faces},
        {"faces": found["faces"].astype(np.uint32)},
        {"faces": found["faces"].astype(np.int64)},
        {"box": box[::-1].copy()},
        {"box": endless},
        {"box": box * np.float32("nan")},
        {"box": box * 1e30},
        {"palette": palette * np.float32("nan")},
        {"palette": palette + 100},
        {"generated_palette": palette[:-1]},
        {"palette": palette[:-1], "generated_palette": palette[:-1]},
        {"normals": np.zeros_like(found["normals"])},
        {"normals": np.full_like(found["normals"], -128)},
        {"uv": found["uv"][:-1]},
        {"positions": np.zeros((MOST_VERTICES + 1, 3), np.uint16)},
        {"positions": np.zeros((2, 3), np.uint16)},
    ):
        with pytest.raises(ValueError):
            layers_from(changed(tensors))


@pytest.mark.parametrize(
    "told",
    [{"format": 2}, {"format": None}, {"detail": 1.1}, {"detail": -1}, {"detail": None}, {"detail": "1"}],
)
def test_words_that_make_no_sense_are_refused(told):
    with pytest.raises(ValueError):
        layers_from(changed(told=told))


def test_headers_that_lie_are_refused():
    huge = {"dtype": "U16", "shape": [2**40, 3], "data_offsets": [0, 8]}
    words = {"__metadata__": {"layers": '{"format": 1, "detail": 1}'}}
    for data in (
        headed(words | {"positions": huge}, bytes(8)),
        headed(words),
        headed({"__metadata__": {}}),
        headed([]),
        headed(b"[" * 10_000),
        headed(b'{"__metadata__": ' + b"[" * 5_000),
        headed({"__metadata__": {"layers": "[" * 9_000}}),
        headed({"__metadata__": {"layers": '{"format": 1, "detail": NaN}'}}),
        headed(
            words | {f"a{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(9000)}
        ),
        struct.pack("<Q", 2**63) + DATA[8:],
        b"\x80\x04K\x01." * 9,
    ):
        with pytest.raises(ValueError):
            layers_from(data)


@pytest.mark.parametrize(
    "picture",
    [
        webp(16_383, 16_383),
        webp(3 * 4096, 4096),
        webp(3 * 64, 63),
        webp(64, 64),
        webp(3 * 64, 64, frames=5),
        webp(3 * 64, 64, form="PNG"),
        webp(3 * 64, 64)[:30],
        np.frombuffer(b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(40), np.uint8),
    ],
    ids=["bomb", "large", "flat", "of one tile", "animated", "png", "cut off", "header"],
)
def test_pictures_of_another_size_or_kind_are_refused(picture):
    with pytest.raises(ValueError):
        layers_from(changed({"rest": picture}))


def test_a_file_that_is_too_large_is_not_even_read(monkeypatch):
    monkeypatch.setattr(layer_file, "LARGEST", 100)
    with pytest.raises(ValueError, match="too large"):
        layers_from(DATA)


def test_changed_bytes_give_a_surface_or_a_value_error():
    dice = random.Random(5)
    for _ in range(60):
        data = bytearray(DATA)
        for _ in range(dice.choice((1, 3, 30))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            found = layers_from(bytes(data))
        except ValueError:
            continue
        assert 0 <= found.faces.min() and found.faces.max() < len(found.vertices)
        assert found.vertices.isfinite().all() and texture(found).isfinite().all()

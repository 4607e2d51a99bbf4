"""ZIPs for the restore box: one that is sound, and what becomes of it in the wrong hands."""

import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from io import BytesIO

import torch
from PIL import Image
from safetensors.torch import load, save

from spir.outputs.attention_maps import encode_attention
from spir.photo import read_photo
from spir.pipeline import preset
from spir.session import actions
from spir.session.archive.convert import to_archive
from spir.session.archive.writer import write_archive
from spir.session.record import run_record
from spir.session.session import Session
from spir.types import Segmentation
from tests.hostile.broken import CUTS, HTML
from tests.hostile.case import Case, after_header, chunk, saved
from tests.hostile.doors import engine
from tests.outputs.test_layer_file import DATA as LAYERS
from tests.outputs.test_layer_file import changed as layers
from tests.outputs.test_layer_file import webp
from tests.tiny import car_photo

MEGABYTE = 2**20
NAMES = (
    "../photo.png",
    "../../../../etc/cron.d/x",
    "/etc/passwd",
    "steps/../../x.png",
    "C:\\run.json",
    "\\\\server\\share\\x",
    "CON",
    "nul.png",
    "code.pkl",
    "photo.png/x",
    "ph\0oto.png",
    "\u202egnp.otohp",
    "x" * 60_000,
    "steps/1.png",
    "orbit/٠٠.webp",
    "",
)


@lru_cache
def sound_files() -> dict[str, bytes]:
    """Everything in the ZIP of a whole run of three steps."""
    pixels, mask = car_photo(64)
    photo = saved(Image.fromarray(pixels.numpy()))
    torch.manual_seed(0)
    found, decoded = Segmentation(mask, "by hand"), read_photo(photo)
    cut = engine().cut(decoded, mask, 0.1)
    session = Session("car", decoded, photo, found, mask, 0.1, cut, "by hand")
    *_, session = actions.run(engine(), session, replace(preset(3), crops=0, samples=4))
    views = (encode_attention(engine().turntable(session.fit, 2, 32)),)
    kept = replace(to_archive(session), views=views, view_size=32, layers=LAYERS)
    record = run_record(engine(), session)
    with zipfile.ZipFile(BytesIO(write_archive(kept, cut, engine().category, record))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(changes: dict[str, bytes | None] | None = None, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The sound ZIP with some of its files changed, added or, with none, left out."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in (sound_files() | (changes or {})).items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def told(**changes) -> bytes:
    """run.json with other words for the reader."""
    words = json.loads(sound_files()["run.json"])
    return json.dumps(words | {"restore": words["restore"] | changes}).encode()


def cases() -> Iterator[Case]:
    for case in (*broken(), *names(), *bombs(), *lies(), *photos()):
        yield Case(case.name, case.data, case.expect, "zip")


def broken() -> Iterator[Case]:
    """Cut off, of another kind, or packed in another way."""
    data = zipped()
    yield Case("sound.zip", data, "taken")
    for share in CUTS:
        yield Case(f"cut-at-{share:.0%}.zip", data[: round(len(data) * share)], "refused")
    for name, content in (
        ("empty", b""),
        ("no-files", b"PK\5\6" + bytes(18)),
        ("page", HTML),
        ("picture", saved(Image.new("RGB", (64, 64)))),
        ("pickle", pickle.dumps({"a": 1})),
        ("directories", b"PK\1\2" * 400_000),
        ("ends", b"PK\5\6" * 400_000),
        ("random-middle", data[:900] + bytes(range(256)) * 4 + data[1924:]),
    ):
        yield Case(f"{name}.zip", content, "either" if name == "random-middle" else "refused")
    yield Case("with-head.zip", HTML * 100 + data)
    yield Case("with-tail.zip", data + HTML * 10)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield Case(f"method-{method}.zip", zipped(method=method), "refused")
    locked = bytearray(data)
    locked[data.index(b"PK\1\2") + 8] |= 1
    yield Case("locked.zip", bytes(locked), "refused")
    for name in sound_files():
        if name not in ("crop.png", "nocs.png", "orbit/00.webp", "layers.safetensors"):
            yield Case(f"without-{name.replace('/', '-')}.zip", zipped({name: None}), "refused")
    yield Case("without-layers.zip", zipped({"layers.safetensors": None}), "taken")


def names() -> Iterator[Case]:
    """Tricks in the names of files, all of which are passed over."""
    for number, name in enumerate(NAMES):
        yield Case(f"name-{number}.zip", zipped({name: b"evil"}), "taken")
    yield Case("two-photos.zip", zipped({"photo.jpg": HTML}), "refused")
    link = BytesIO(zipped({"mask.png": None}))
    with zipfile.ZipFile(link, "a") as archive:
        entry = zipfile.ZipInfo("mask.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    yield Case("link.zip", link.getvalue(), "refused")
    yield Case("many-names.zip", zipped({f"x{number}": b"" for number in range(2000)}), "refused")


def bombs() -> Iterator[Case]:
    """A few kilobytes that unpack to gigabytes, or take minutes to read."""
    for name in sound_files():
        if name in ("crop.png", "nocs.png"):
            continue
        yield Case(f"bomb-{name.replace('/', '-')}.zip", zipped({name: bytes(60 * MEGABYTE)}), "refused")
    honest = zipped({"mask.png": bytes(60 * MEGABYTE)})
    lie = honest.replace(struct.pack("<I", 60 * MEGABYTE), struct.pack("<I", 10))
    yield Case("bomb-that-lies.zip", lie, "refused")
    views = {f"orbit/{number:02d}.webp": bytes(8 * MEGABYTE) for number in range(99)}
    yield Case("bomb-of-views.zip", zipped(views), "refused")
    yield Case("zip-in-zip.zip", zipped({"photo.png": zipped()}), "refused")
    header = json.dumps(
        {f"a{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(200_000)}
    )
    tensors = struct.pack("<Q", len(header)) + header.encode()
    yield Case("many-tensors.zip", zipped({"fit.safetensors": tensors}), "refused")
    large = saved(Image.new("RGB", (1024, 15_360)), "WEBP", lossless=True, method=0)
    pages = {f"orbit/{number:02d}.webp": large for number in range(6)} | {"run.json": told(view_size=256)}
    yield Case("large-views.zip", zipped(pages), "refused")
    many = saved(Image.new("RGB", (512, 12_800)), "WEBP", lossless=True, method=0)
    pages = {f"orbit/{number:02d}.webp": many for number in range(9)} | {"run.json": told(view_size=128)}
    yield Case("many-views.zip", zipped(pages), "refused")
    for name, extra in (
        ("texts", chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))) * 60),
        ("chunks", chunk(b"tEXt", b"") * 50_000),
    ):
        yield Case(f"steps-{name}.zip", zipped(long_run(extra)), "refused")
    yield Case("steps-many.zip", zipped(long_run(b"")), "taken")
    tiles = {
        "light": (1, 2048),
        "rest": (3, 2048),
        "weights": (10, 512),
        "generated": (10, 512),
        "seen": (2, 512),
    }
    largest = layers({name: webp(count * size, size) for name, (count, size) in tiles.items()})
    yield Case("layers-largest.zip", zipped({"layers.safetensors": largest}), "taken")


def long_run(extra: bytes) -> dict[str, bytes]:
    """The files of a run of 250 steps whose pictures have more chunks."""
    files, count = sound_files(), 250
    picture = after_header(files["steps/03.png"], extra)
    tensors = load(files["fit.safetensors"])
    last = {name: tensor for name, tensor in tensors.items() if name.startswith("step.03.")}
    for place in range(4, count):
        tensors |= {f"step.{place:02d}.{name[8:]}": tensor.clone() for name, tensor in last.items()}
    tensors |= {"steps.index": torch.arange(count), "steps.seconds": torch.arange(count).double()}
    pictures = {f"steps/{place:02d}.png": picture for place in range(count)}
    words = told(step_outcomes=[["ok"]] * count, metrics=[])
    return pictures | {"run.json": words, "fit.safetensors": save(tensors)}


def lies() -> Iterator[Case]:
    """JSON and tensors that make no sense."""
    for name, text in (
        ("deep", b"[" * 10**5),
        ("deep-objects", b'{"a":' * 10**5),
        ("number", b'{"restore": ' + b"9" * 10**6 + b"}"),
        ("nan", b'{"restore": NaN}'),
        ("wide", b'{"restore":[' + b"[]," * 150_000 + b"1]}"),
        ("utf-16", sound_files()["run.json"].decode().encode("utf-16")),
        ("not-text", bytes(range(256))),
    ):
        yield Case(
            f"json-{name}.zip", zipped({"run.json": text}), "either" if name == "utf-16" else "refused"
        )
    for number, change in enumerate(
        (
            {"margin": 1e300},
            {"margin": 2.0},
            {"margin": True},
            {"segmenter": "\n" * 5},
            {"segmenter": HTML.decode() * 9},
            {"view_size": 0},
            {"view_size": 33.5},
            {"metrics": [{"__class__": 1}] * 4},
            {"metrics": {"iou": [1]}},
            {"step_outcomes": [["ok"]] * 300},
            {"guess_outcome": None},
            {"category": "../../etc"},
            {"category": ["car"]},
            {"weights": "0" * 64},
            {"weights": None},
            {"format": "1"},
        )
    ):
        yield Case(f"words-{number}.zip", zipped({"run.json": told(**change)}), "refused")
    tensors = load(sound_files()["fit.safetensors"])
    for name in ("guess.nocs", "fit.code.w", "fit.pose.scale", "steps.index", "step.01.momentum.squares.1"):
        wrong = {"nan": tensors[name] * float("nan"), "huge": tensors[name].double(), "none": torch.zeros(0)}
        for how, tensor in wrong.items():
            content = save(tensors | {name: tensor})
            yield Case(f"{name}-{how}.zip", zipped({"fit.safetensors": content}), "refused")
    for name, content in (
        ("words", layers(told={"format": "1"})),
        ("detail", layers(told={"detail": 1e300})),
        ("missing", layers(leave="uv")),
        ("faces", layers({"faces": load(LAYERS)["faces"].long().numpy() + 2**40})),
        ("fit", sound_files()["fit.safetensors"]),
        ("bomb", layers({"rest": webp(16_383, 16_383)})),
        ("weights-bomb", layers({"weights": webp(16_380, 1638)})),
    ):
        yield Case(f"layers-{name}.zip", zipped({"layers.safetensors": content}), "refused")
    for size in (0, 2**21, 2**63, 2**64 - 1):
        content = struct.pack("<Q", size) + sound_files()["fit.safetensors"][8:]
        yield Case(f"header-{size}.zip", zipped({"fit.safetensors": content}), "refused")


def photos() -> Iterator[Case]:
    """A sound run whose photo is not."""
    from tests.hostile.broken import TEXTS

    for name in ("page.jpg", "script.eps", "empty.jpg"):
        yield Case(f"photo-{name}.zip", zipped({"photo.png": TEXTS[name]}), "refused")
    other = saved(Image.new("RGB", (200, 100)))
    yield Case("photo-of-another-size.zip", zipped({"photo.png": other}), "refused")
    whole = Image.new("L", (2048, 2048), 255)
    pair = {"photo.png": saved(whole), "mask.png": saved(whole), "run.json": told(margin=0.5)}
    yield Case("photo-all-object.zip", zipped(pair), "taken")

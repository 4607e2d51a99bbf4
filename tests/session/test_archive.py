"""A run goes into a ZIP and comes back as it was; a ZIP that was tampered with brings nothing back but words."""

import io
import json
import pickle
import random
import warnings
import zipfile
from dataclasses import asdict, fields, replace

import pytest
import torch
from PIL import Image
from safetensors.torch import load, save
from torch import Tensor

from spir.errors import ArchiveError
from spir.outputs.attention_maps import encode_attention
from spir.outputs.layer_file import layer_bytes
from spir.photo import read_photo
from spir.pipeline import preset
from spir.session import actions
from spir.session.archive import reader as unbundle
from spir.session.archive.convert import from_archive, to_archive
from spir.session.archive.pictures import mask_bytes, mask_from
from spir.session.archive.reader import read_archive
from spir.session.archive.writer import (
    SessionArchive,
    compacted,
    flattened,
    picture_ending,
    tensors_of,
    write_archive,
)
from spir.session.record import run_record
from spir.types import Step
from tests.outputs.test_layer_file import DATA as LAYERS
from tests.outputs.test_layer_file import SMALL
from tests.session.conftest import png


@pytest.fixture(scope="module")
def cut(fitted):
    return fitted.cutout


@pytest.fixture(scope="module")
def kept(engine, fitted):
    """A whole run of three steps, with a view from two sides and other colours."""
    views = (encode_attention(engine.turntable(fitted.fit, 2, 32)),)
    palette = torch.linspace(-1, 1, 30).reshape(10, 3)
    return replace(to_archive(fitted), views=views, view_size=32, palette=palette, layers=LAYERS)


@pytest.fixture(scope="module")
def record(engine, fitted):
    return run_record(engine, fitted, {"verdict": "good"})


@pytest.fixture(scope="module")
def data(engine, kept, cut, record):
    return write_archive(kept, cut, engine.category, record, {"mesh.glb": b"mesh", "turntable.mp4": b"film"})


@pytest.fixture(scope="module")
def files(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(files: dict[str, bytes], **changes: bytes | None) -> bytes:
    """The ZIP with some files changed or, with none, left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (files | changes).items():
            if content is not None:
                archive.writestr(name, content)
    return file.getvalue()


def back(engine, data: bytes) -> SessionArchive:
    return read_archive(data, engine.category, engine.generator, engine.weights_hash)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def words(files, **changes) -> bytes:
    """run.json with other words for the reader."""
    told = json.loads(files["run.json"])
    return json.dumps(told | {"restore": told["restore"] | changes}).encode()


def test_everything_comes_back_exactly(engine, data, kept):
    again = back(engine, data)
    assert same(tensors_of(again), tensors_of(kept))
    for field in fields(SessionArchive):
        if field.name not in ("mask", "guess", "fit", "palette"):
            assert getattr(again, field.name) == getattr(kept, field.name), field.name
    assert torch.equal(again.mask, kept.mask)
    assert again.guess.outcome == kept.guess.outcome
    for ours, theirs in zip(again.fit.trajectory, kept.fit.trajectory, strict=True):
        assert (ours.index, ours.seconds, ours.outcome) == (theirs.index, theirs.seconds, theirs.outcome)
        assert (ours.rgb - theirs.rgb.clamp(-1, 1)).abs().max() <= 1 / 255 + 1e-6
        assert (ours.alpha - theirs.alpha).abs().max() <= 0.5 / 255 + 1e-6


def test_a_run_goes_on_from_the_zip_as_if_it_had_never_ended(engine, data, kept, cut):
    from spir.inversion.invert import invert

    again = back(engine, data)
    recut = engine.cut(read_photo(again.photo), again.mask, again.margin)
    assert torch.equal(recut.rgb, cut.rgb) and torch.equal(recut.mask, cut.mask)

    def on(run: SessionArchive, cutout) -> list[Step]:
        after = run.fit.trajectory[2]
        parts = (engine.generator, engine.category, preset(4), engine.perceptual)
        return list(invert(cutout, run.guess, *parts, after=after))

    for ours, theirs in zip(on(again, recut), on(kept, cut), strict=True):
        assert same(flattened(ours, ""), flattened(theirs, ""))


def test_the_zip_is_for_people_too(files, data, engine, kept, cut, record):
    assert {"photo.png", "mask.png", "crop.png", "nocs.png", "run.json", "mesh.glb", "turntable.mp4"} <= set(
        files
    )
    told = json.loads(files["run.json"])
    assert told["repeat"] == "python -m spir photo.png --mask mask.png --margin 0.1 --category car --steps 3"
    assert told["notes"] == {"verdict": "good"}
    for name in files:
        if name.endswith(".png"):
            Image.open(io.BytesIO(files[name])).verify()
    more = {"mesh.glb": b"mesh", "turntable.mp4": b"film"}
    assert write_archive(kept, cut, engine.category, record, more) == data, (
        "the same run gives the same bytes"
    )


def test_a_lean_zip_keeps_what_is_in_use_exactly(engine, kept, cut, record, data):
    lean = write_archive(kept, cut, engine.category, record, lean=True)
    again = back(engine, lean)
    assert len(lean) < 0.8 * len(data)
    assert same(
        flattened(again.fit.code, "") | flattened(again.fit.pose, ""),
        flattened(kept.fit.code, "") | flattened(kept.fit.pose, ""),
    )
    assert torch.equal(again.fit.trajectory[-1].code.w, kept.fit.trajectory[-1].code.w)
    assert same(flattened(again.guess.code, ""), flattened(kept.guess.code, ""))
    assert all(step.momentum is None for step in again.fit.trajectory)
    close = zip(again.fit.trajectory, compacted(kept).fit.trajectory, strict=True)
    assert all(torch.equal(ours.code.w, theirs.code.w.float()) for ours, theirs in close)


def test_rounding_takes_no_pixel_of_the_mask_across_the_edge():
    half = torch.tensor(0.5)
    mask = torch.cat((torch.rand(500), torch.stack((half, torch.nextafter(half, half * 0)))))[None].repeat(
        20, 1
    )
    again = mask_from(mask_bytes(mask))
    assert torch.equal(again >= 0.5, mask >= 0.5)
    assert (again - mask).abs().max() <= 0.51 / 255


def test_photos_are_called_by_their_format():
    for form, ending in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"), ("TIFF", "tif")):
        file = io.BytesIO()
        Image.new("RGB", (16, 16)).save(file, form)
        assert picture_ending(file.getvalue()) == ending
    assert picture_ending(b"") == "picture"


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_zip_ends_in_words(engine, data, files, seed):
    """Cut off anywhere, or with bytes changed: it comes back, or is refused; nothing else ever happens."""
    draw = random.Random(seed)
    refused = 0
    for _ in range(40):
        damaged = bytearray(data[: draw.randrange(len(data))] if draw.random() < 0.3 else data)
        for _ in range(draw.choice((1, 3, 100)) if damaged else 0):
            # Half of the changes hit the directory at the end.
            low = max(0, len(damaged) - 2500) if draw.random() < 0.5 else 0
            damaged[draw.randrange(low, len(damaged))] = draw.randrange(256)
        refused += not survives(engine, bytes(damaged))
    assert refused > 20


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name",
    ["run.json", "fit.safetensors", "layers.safetensors", "mask.png", "steps/01.png", "orbit/00.webp"],
)
def test_a_damaged_file_in_a_sound_zip_ends_in_words(engine, files, name, seed):
    draw = random.Random(seed)
    for _ in range(6):
        damaged = bytearray(
            files[name][: draw.randrange(len(files[name]))] if draw.random() < 0.3 else files[name]
        )
        for _ in range(draw.choice((1, 20)) if damaged else 0):
            damaged[draw.randrange(min(len(damaged), draw.choice((200, 10**7))))] = draw.randrange(256)
        survives(engine, rezipped(files, **{name: bytes(damaged)}))


def survives(engine, data: bytes) -> bool:
    """Whether a ZIP comes back; whatever is not a ArchiveError fails the test."""
    try:
        kept = back(engine, data)
    except ArchiveError as problem:
        assert str(problem).endswith(".") and len(str(problem)) < 400
        return False
    assert all(
        tensor.isfinite().all() for name, tensor in tensors_of(kept).items() if "pnp_error" not in name
    )
    return True


@pytest.mark.parametrize(
    "rubbish", [b"", b"PK\x05\x06" + bytes(18), b"text", b"PK\x01\x02" * 2000, pickle.dumps({})]
)
def test_what_is_no_bundle_is_refused(engine, rubbish):
    assert not survives(engine, rubbish)


@pytest.mark.parametrize("name", ["photo.png", "mask.png", "run.json", "fit.safetensors", "steps/02.png"])
def test_nothing_may_be_missing(engine, files, name):
    assert not survives(engine, rezipped(files, **{name: None}))


def test_a_bomb_is_not_unpacked(engine, files, monkeypatch):
    bomb = rezipped(files, **{"mask.png": bytes(60 * 2**20)})
    assert len(bomb) < 2**20
    with pytest.raises(ArchiveError, match="too large"):
        back(engine, bomb)
    monkeypatch.setattr(unbundle, "MOST_BYTES", 1000)
    with pytest.raises(ArchiveError, match="too large"):
        back(engine, rezipped(files))


def test_a_lying_header_is_not_believed(engine, files):
    """The sizes in both headers say 10 bytes, the content is 60 MB."""
    honest = rezipped(files, **{"mask.png": bytes(60 * 2**20)})
    size, lie = (60 * 2**20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert honest.count(size) == 2
    assert not survives(engine, honest.replace(size, lie))


def test_too_large_and_too_many(engine, data, monkeypatch):
    monkeypatch.setattr(unbundle, "MOST_ENTRIES", 5)
    with pytest.raises(ArchiveError, match="too many"):
        back(engine, data)
    monkeypatch.setattr(unbundle, "LARGEST", 100)
    with pytest.raises(ArchiveError, match="too large"):
        back(engine, data)


def test_foreign_names_are_passed_over(engine, files, kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = (
        "../photo.png",
        "/mask.png",
        "steps/../../x.png",
        "C:\\run.json",
        "code.pkl",
        "photo.png/x",
        "ph\0oto",
    )
    again = back(engine, rezipped(files, **dict.fromkeys(names, b"evil")))
    assert again.photo == kept.photo
    assert not list(tmp_path.iterdir())


def test_two_files_of_one_name_are_refused(engine, files):
    file = io.BytesIO(rezipped(files))
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("run.json", files["run.json"])
    assert not survives(engine, file.getvalue())
    assert not survives(engine, rezipped(files, **{"photo.jpg": b"another"}))


def test_a_pickle_is_never_opened(engine, files):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was opened",)

    for name in ("fit.safetensors", "run.json", "mask.png"):
        assert not survives(engine, rezipped(files, **{name: pickle.dumps(Trap())}))
    file = io.BytesIO()
    torch.save({"fit.code.w": torch.zeros(1)}, file)
    assert not survives(engine, rezipped(files, **{"fit.safetensors": file.getvalue()}))


WRONG = {
    "nan": lambda t: torch.full_like(t, torch.nan),
    "infinite": lambda t: torch.full_like(t, -torch.inf),
    "huge": lambda t: torch.full_like(t, 1e30),
    "wrong shape": lambda t: torch.cat((t, t), -1),
    "wrong batch": lambda t: torch.cat((t, t)),
    "no axes": lambda t: t.flatten(),
    "whole numbers": lambda t: t.int(),
    "double": lambda t: t.double(),
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize(
    "name",
    [
        "guess.nocs",
        "fit.code.w",
        "fit.pose.quaternion",
        "step.01.pose.shift",
        "step.02.momentum.squares.1",
        "palette",
    ],
)
def test_wrong_tensors_are_refused(engine, files, name, how):
    tensors = load(files["fit.safetensors"])
    changed = WRONG[how](tensors[name])
    if changed.shape == tensors[name].shape and changed.dtype == tensors[name].dtype:
        assert not torch.equal(changed, tensors[name])
    refused = rezipped(files, **{"fit.safetensors": save(tensors | {name: changed})})
    if how == "no axes" and name == "fit.pose.scale":
        return
    assert not survives(engine, refused)


def test_poses_must_be_poses(engine, files):
    tensors = load(files["fit.safetensors"])
    for name, value in (
        ("quaternion", torch.zeros(1, 4)),
        ("scale", torch.zeros(1)),
        ("z0", torch.tensor([9.0])),
    ):
        wrong = save(tensors | {f"fit.pose.{name}": value})
        assert not survives(engine, rezipped(files, **{"fit.safetensors": wrong}))
    lost = {name: tensor for name, tensor in tensors.items() if not name.startswith("fit.pose.z0")}
    assert not survives(engine, rezipped(files, **{"fit.safetensors": save(lost)}))


def test_a_pose_that_pnp_did_not_find_is_no_damage(engine, files):
    tensors = load(files["fit.safetensors"]) | {"guess.pnp_error": torch.tensor([torch.inf])}
    again = back(engine, rezipped(files, **{"fit.safetensors": save(tensors)}))
    assert again.guess.pnp_error.isinf().all()


CONFIG = json.loads(json.dumps(asdict(preset(3))))
SEGMENT = {"first_step": 0, "first_seconds": 0.0, "config": CONFIG, "moved": False}
WRONG_CONFIGS = (
    {"steps": -1},
    {"size": 4096},
    {"crops": 10**6},
    {"rate": "fast"},
    {"renderer": "reference"},
    {"optimise_pose": 1},
    {"losses": [["magic", 1.0]]},
    {"losses": [["perceptual", 0.0]]},
    {"betas": [0.9]},
    {"gains": {"shape": 1e9, "rows": 1.0, "palette": 1.0}},
    {"unknown": 1},
)


@pytest.mark.parametrize(
    "change",
    [
        {"margin": "wide"},
        {"margin": 1e9},
        {"margin": True},
        {"margin": None},
        {"segmenter": 3},
        {"segmenter": "x" * 10**4},
        {"segmenter": "a\nb"},
        {"view_size": 10**6},
        {"metrics": [{"iou": "0.5"}] * 4},
        {"metrics": [{"<script>": 0.5}] * 4},
        {"metrics": [{"iou": 0.5}]},
        {"step_outcomes": []},
        {"step_outcomes": [[]] * 5},
        {"guess_outcome": []},
        {"guess_outcome": {"a": 1}},
        {"format": 99},
        {"segments": {}},
        {"segments": [{}]},
        {"segments": [SEGMENT, SEGMENT]},
        {"segments": [SEGMENT | {"moved": True}]},
        {"segments": [SEGMENT | {"config": {}}]},
        *({"segments": [SEGMENT | {"config": CONFIG | wrong}]} for wrong in WRONG_CONFIGS),
    ],
    ids=str,
)
def test_wrong_words_are_refused(engine, files, change):
    assert not survives(engine, rezipped(files, **{"run.json": words(files, **change)}))


@pytest.mark.parametrize("text", [b"[]", b"{}", b"[" * 10**5, b'{"restore": NaN}', b"\xff", b"9" * 10**4])
def test_wrong_json_is_refused(engine, files, text):
    assert not survives(engine, rezipped(files, **{"run.json": text}))


def test_other_weights_and_categories_are_named(engine, files):
    with pytest.raises(ArchiveError, match=f"other weights.*deadbeef.*{engine.weights_hash[:8]}"):
        back(engine, rezipped(files, **{"run.json": words(files, weights="deadbeef" * 8)}))
    with pytest.raises(ArchiveError, match="category boat.*car"):
        back(engine, rezipped(files, **{"run.json": words(files, category="boat")}))


def test_pictures_must_have_their_size(engine, files):
    large = png(torch.zeros(256, 256, 4, dtype=torch.uint8))
    assert not survives(engine, rezipped(files, **{"steps/00.png": large}))
    assert not survives(
        engine, rezipped(files, **{"mask.png": png(torch.zeros(64, 64, 3, dtype=torch.uint8))})
    )
    assert not survives(
        engine, rezipped(files, **{"mask.png": png(torch.zeros(3000, 16, dtype=torch.uint8))})
    )
    assert not survives(engine, rezipped(files, **{"run.json": words(files, view_size=64)}))


def test_steps_must_be_in_order(engine, files):
    tensors = load(files["fit.safetensors"])
    wrong = save(tensors | {"steps.index": torch.tensor([0, 2, 1, 3])})
    assert not survives(engine, rezipped(files, **{"fit.safetensors": wrong}))


def test_without_colours_views_or_layers_it_comes_back_too(engine, kept, cut, record):
    plain = replace(kept, palette=None, views=(), metrics=(), layers=None)
    again = back(engine, write_archive(plain, cut, engine.category, record))
    assert (again.palette, again.views, again.metrics, again.layers) == (None, (), (), None)


def test_an_archive_of_before_has_one_segment_with_the_usual_numbers(engine, kept, files, fitted):
    old = json.loads(files["run.json"])
    del old["restore"]["segments"], old["restore"]["mask_edited"]
    session = from_archive(engine, back(engine, rezipped(files, **{"run.json": json.dumps(old).encode()})))
    (segment,) = session.result.trajectory.segments
    assert segment.config == preset(3) and len(segment.steps) == 4 and segment.start is session.guess
    assert not session.mask_edited and torch.equal(session.fit.pose.shift, fitted.fit.pose.shift)


def test_a_session_comes_back_with_its_own_configuration(engine, fitted):
    config = replace(preset(2), optimise_pose=False, rate=1e-3)
    *_, session = actions.branch(engine, replace(fitted, mask_edited=True), 1, config)
    data = write_archive(to_archive(session), session.cutout, engine.category, run_record(engine, session))
    again = from_archive(engine, back(engine, data))
    assert again.mask_edited and [part.config for part in again.result.trajectory.segments] == [
        part.config for part in session.result.trajectory.segments
    ]
    for one, two in zip(actions.resume(engine, session, 4), actions.resume(engine, again, 4), strict=True):
        assert torch.equal(one.fit.code.w, two.fit.code.w) and one.result.selected == two.result.selected


def test_a_surface_that_is_none_is_refused(engine, files):
    fewer = {"palette": SMALL.palette[:9], "generated_palette": SMALL.generated_palette[:9]}
    fewer |= {"weights": SMALL.weights[..., :9], "generated": SMALL.generated[..., :9]}
    astray = replace(SMALL, faces=SMALL.faces + len(SMALL.vertices))
    for layers in (
        b"",
        b"no",
        files["fit.safetensors"],
        layer_bytes(replace(SMALL, **fewer)),
        layer_bytes(astray),
    ):
        assert not survives(engine, rezipped(files, **{"layers.safetensors": layers}))
    with pytest.raises(ArchiveError, match="too large"):
        back(engine, rezipped(files, **{"layers.safetensors": bytes(5 * 2**20)}))

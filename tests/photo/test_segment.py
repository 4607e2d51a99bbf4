"""Who is asked for the cut-out, and what the built-in one makes of drawn scenes."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from spir.categories import CATEGORIES
from spir.photo import segment
from spir.photo.decode import PhotoError
from spir.photo.grabcut import GrabCutSegmenter, without_frame
from spir.photo.segment import AlphaSegmenter, RembgSegmenter, choose_segmenter
from spir.types import Photo

CAR = next(iter(CATEGORIES.values()))


def drawn(height=180, width=270, seed=0):
    """A noisy red blob with dark windows on a grey road under a blue sky, and its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    picture = np.where((y < 0.45)[..., None], (120, 160, 220), (110, 110, 105)).astype(float)
    mask = ((np.abs(x - 0.5) / 0.36) ** 3 + (np.abs(y - 0.58) / 0.24) ** 3) < 1
    picture[mask] = (190, 40, 35)
    windows = (np.abs(x - 0.5) < 0.2) & (np.abs(y - 0.47) < 0.05)
    picture[windows] = (30, 30, 40)
    picture += rng.normal(0, 8, picture.shape)
    return Photo(torch.from_numpy(picture.clip(0, 255).astype(np.uint8))), mask


def iou(mask, truth) -> float:
    found = mask.numpy() >= 0.5
    return (found & truth).sum() / (found | truth).sum()


@pytest.fixture
def no_rembg(monkeypatch):
    monkeypatch.setattr(segment, "find_spec", lambda name: None)


@pytest.mark.parametrize("size", [(180, 270), (700, 1000), (40, 60)])
def test_built_in_finds_the_blob_at_any_size(size):
    photo, truth = drawn(*size)
    mask = GrabCutSegmenter()(photo, CAR)
    assert mask.shape == size
    assert mask.min() >= 0 and mask.max() <= 1
    assert iou(mask, truth) > 0.9


def test_built_in_is_deterministic_and_in_one_piece_without_holes():
    photo, _ = drawn(seed=3)
    first, second = GrabCutSegmenter()(photo, CAR), GrabCutSegmenter()(photo, CAR)
    assert torch.equal(first, second)
    assert torch.equal(segment.GrabCutSegmenter()(photo, CAR), first)
    assert (first[90:100, 100:170] == 1).all(), "the windows belong to the object"


def test_built_in_sees_through_black_bars():
    photo, truth = drawn(180, 200)
    framed = torch.zeros(180, 420, 3, dtype=torch.uint8)
    framed[:, 110:310] = photo.rgb
    wide = np.zeros((180, 420), bool)
    wide[:, 110:310] = truth
    mask = GrabCutSegmenter()(Photo(framed), CAR)
    assert iou(mask, wide) > 0.9
    assert mask[:, :110].sum() == 0


@pytest.mark.parametrize("size", [(16, 16), (16, 400), (300, 20)])
def test_built_in_survives_a_picture_of_one_colour_at_any_size(size):
    photo = Photo(torch.full((*size, 3), 128, dtype=torch.uint8))
    assert GrabCutSegmenter()(photo, CAR).sum() == 0


@pytest.mark.parametrize("size", [(16, 16), (16, 1500)])
def test_built_in_survives_noise(size):
    noise = torch.randint(0, 256, (*size, 3), generator=torch.Generator().manual_seed(0))
    mask = GrabCutSegmenter()(Photo(noise.to(torch.uint8)), CAR)
    assert mask.isfinite().all()


def test_frames_are_found_and_a_studio_backdrop_is_not_one():
    picture = np.random.default_rng(0).integers(60, 256, (50, 80, 3), np.uint8)
    picture[:, :9], picture[:, 70:] = 0, 20
    assert without_frame(picture) == (0, 50, 9, 70)
    assert without_frame(np.ascontiguousarray(picture.transpose(1, 0, 2))) == (9, 70, 0, 50)
    studio = np.full((50, 80, 3), 250, np.uint8)
    studio[10:40, 20:60] = picture[10:40, 20:60]
    assert without_frame(studio) == (0, 50, 0, 80)


def test_alpha_comes_first_where_it_says_something(no_rembg):
    photo, truth = drawn()
    alpha = torch.from_numpy(truth.astype(np.uint8) * 255)
    own = Photo(photo.rgb, alpha)
    chosen = choose_segmenter(own)
    assert isinstance(chosen, AlphaSegmenter)
    assert torch.equal(chosen(own, CAR), alpha / 255)
    assert isinstance(choose_segmenter(Photo(photo.rgb, torch.full_like(alpha, 250))), GrabCutSegmenter)
    assert isinstance(choose_segmenter(photo), GrabCutSegmenter)
    assert isinstance(choose_segmenter(own, "built-in"), GrabCutSegmenter)


def test_what_was_asked_for_and_cannot_run_is_said(no_rembg):
    photo, _ = drawn()
    with pytest.raises(PhotoError, match="no transparent background"):
        choose_segmenter(photo, "alpha")
    with pytest.raises(PhotoError, match="no transparent background"):
        AlphaSegmenter()(photo, CAR)
    with pytest.raises(PhotoError, match="not installed"):
        choose_segmenter(photo, "rembg")
    with pytest.raises(ValueError, match="'magic' is none of auto"):
        choose_segmenter(photo, "magic")


def test_rembg_needs_its_network_or_leave_to_fetch_it(monkeypatch, tmp_path):
    monkeypatch.setattr(segment, "find_spec", lambda name: object())
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD", raising=False)
    photo, _ = drawn()
    assert isinstance(choose_segmenter(photo, model="u2net"), GrabCutSegmenter)
    monkeypatch.setenv("SPIR_ALLOW_DOWNLOAD", "1")
    assert choose_segmenter(photo, model="u2net").name == "rembg (u2net)"
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD")
    (tmp_path / "u2net.onnx").write_bytes(b"a network")
    assert choose_segmenter(photo, model="u2net") == RembgSegmenter("u2net")
    assert isinstance(choose_segmenter(photo, model="isnet-general-use"), GrabCutSegmenter)


def test_rembg_is_asked_for_the_mask_alone_with_one_session(monkeypatch):
    photo, truth = drawn()
    made = []

    def remove(picture, session, only_mask):
        assert only_mask and session == "session of u2net"
        assert (np.asarray(picture) == photo.rgb.numpy()).all()
        return Image.fromarray(truth.astype(np.uint8) * 255)

    def new_session(model):
        made.append(model)
        return f"session of {model}"

    monkeypatch.setitem(sys.modules, "rembg", SimpleNamespace(remove=remove, new_session=new_session))
    segment.session.cache_clear()
    for _ in range(2):
        mask = RembgSegmenter("u2net")(photo, CAR)
    segment.session.cache_clear()
    assert (mask.numpy() == truth).all()
    assert made == ["u2net"]


def test_a_failing_rembg_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "rembg", None)
    with pytest.raises(PhotoError, match="built-in cut-out"):
        RembgSegmenter()(drawn()[0], CAR)


def test_every_segmenter_says_its_name():
    names = [segmenter.name for segmenter in (AlphaSegmenter(), RembgSegmenter(), GrabCutSegmenter())]
    assert len(set(names)) == 3
    assert all(names)

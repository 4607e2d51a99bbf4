"""Our own cut-out network: what surrounds it, with a graph that is a formula; and the shipped file where it is."""

import cv2
import numpy as np
import pytest
import torch

from spir.categories import CATEGORIES
from spir.errors import PhotoError
from spir.photo import largest_component
from spir.photo.segmentation import choose_segmenter
from spir.photo.segmenters import onnx as trained
from spir.photo.segmenters import rembg as salient
from spir.photo.segmenters.onnx import FILE, KINDS, SIDE, OnnxSegmenter, crop_box, squared
from spir.photo.segmenters.outline import refined
from spir.types import Photo, Segmentation

CAR = next(iter(CATEGORIES.values()))
shipped = pytest.mark.skipif(not FILE.is_file(), reason="weights/shared/segmenter.onnx is not here")


class RedNet:
    """Stands in for the network: what is red is the object, and it is a car."""

    def setInput(self, blob, name):
        assert blob.shape == (1, 3, SIDE, SIDE) and blob.dtype == np.float32 and name == "rgb"
        red, green, blue = blob[0] / 255
        self.mask = ((red > 0.6) & (green < 0.4) & (blue < 0.4)).astype(np.float32)

    def forward(self, names):
        assert names == ["masks", "kinds"]
        sure = 0.9 if self.mask.any() else 0.02
        rest = (1 - sure) / 4
        largest = largest_component(torch.from_numpy(self.mask)).numpy()
        return np.stack((largest, self.mask))[None], np.array(
            [[sure, rest, rest, rest, rest if sure > 0.5 else 0.9]]
        )


@pytest.fixture
def red(monkeypatch):
    monkeypatch.setattr(trained, "network", lambda file: RedNet())


def scene(height, width, top, left, tall, wide):
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[top : top + tall, left : left + wide] = (220, 30, 30)
    return Photo(torch.from_numpy(picture))


def overlap(mask, top, left, tall, wide) -> float:
    truth = torch.zeros(mask.shape, dtype=torch.bool)
    truth[top : top + tall, left : left + wide] = True
    solid = mask >= 0.5
    return float((solid & truth).sum() / (solid | truth).sum())


@pytest.mark.parametrize("size", [(300, 500), (64, 64), (1200, 1600), (16, 1500), (16, 16)])
def test_a_picture_becomes_a_square_of_the_same_colours(size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    square = squared(picture)
    assert square.shape == (SIDE, SIDE, 3) and square.dtype == np.uint8
    assert abs(square.mean() - picture.mean()) < 6


@pytest.mark.parametrize(
    "size, box",
    [
        ((400, 600), (120, 200, 150, 260)),
        ((600, 400), (300, 40, 120, 300)),
        ((900, 1400), (500, 900, 60, 110)),
        ((200, 200), (0, 0, 200, 200)),
        ((300, 300), (180, 200, 120, 100)),
    ],
)
def test_the_object_is_found_at_its_place_whatever_its_size(red, size, box):
    found = OnnxSegmenter().segment(scene(*size, *box))
    assert found.mask.shape == size
    assert found.mask.min() >= 0 and found.mask.max() <= 1
    assert overlap(found.mask, *box) > 0.9
    assert found.kind == "car"


def test_of_two_objects_the_larger_is_taken(red):
    photo = scene(300, 600, 80, 40, 120, 200)
    photo.rgb[120:170, 450:520] = torch.tensor((220, 30, 30), dtype=torch.uint8)
    found = OnnxSegmenter().segment(photo)
    assert overlap(found.mask, 80, 40, 120, 200) > 0.9
    assert found.mask[120:170, 450:520].max() < 0.5
    assert found.others == 0, "it is too small to be meant"
    photo.rgb[120:230, 420:540] = torch.tensor((220, 30, 30), dtype=torch.uint8)
    assert OnnxSegmenter().segment(photo).others == 1


def test_nothing_known_is_an_empty_mask_and_no_kind(red):
    found = OnnxSegmenter().segment(Photo(torch.full((120, 160, 3), 90, dtype=torch.uint8)))
    assert found.mask.shape == (120, 160) and found.mask.sum() == 0
    assert found.kind is None


def test_both_looks_say_what_it_is(monkeypatch):
    """The first takes the bird in the distance for a plane, but not as surely as the second knows it."""
    mask = np.zeros((200, 200), np.float32)
    mask[90:110, 90:110] = 1
    far, close = {"plane": 0.6, "bird": 0.2}, {"plane": 0.0, "bird": 0.9}

    def look(file, picture):
        whole = picture.shape[0] == 200
        seen = mask if whole else np.ones(picture.shape[:2], np.float32)
        return seen, seen, dict.fromkeys(KINDS, 0.0) | (far if whole else close)

    monkeypatch.setattr(trained, "run_network", look)
    found = OnnxSegmenter().segment(scene(200, 200, 90, 90, 20, 20))
    assert found.kind == "bird" and found.kinds["bird"] == pytest.approx(0.55)
    assert found.kinds["plane"] == pytest.approx(0.3)


def test_the_likeliest_kind_must_beat_nothing():
    mask = torch.ones(2, 2)
    told = lambda *values: Segmentation(mask, "x", dict(zip(KINDS, values, strict=True))).kind  # noqa: E731
    assert told(0.4, 0.1, 0.1, 0.1) == "car"
    assert told(0.1, 0.1, 0.5, 0.0) == "bird"
    assert told(0.2, 0.1, 0.1, 0.1) is None
    assert Segmentation(mask, "x").kind is None, "nobody can tell"


def test_specks_are_no_object():
    mask = np.zeros((500, 500), np.float32)
    mask[10:14, 10:14] = 1
    assert crop_box(mask) is None
    mask[100:200, 100:200] = 1
    top, bottom, left, right = crop_box(mask)
    assert top < 100 and left < 100 and bottom > 200 and right > 200
    assert bottom - top < 160


def test_a_file_that_is_no_network_names_the_way_out(tmp_path):
    broken = tmp_path / "segmenter.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(PhotoError, match="built-in cut-out"):
        OnnxSegmenter(broken).segment(scene(100, 100, 20, 20, 50, 50))
    assert not OnnxSegmenter(tmp_path / "none.onnx").available()


def test_the_cut_finds_the_rim_that_the_network_was_too_coarse_for():
    picture = np.random.default_rng(0).normal(0, 6, (200, 300, 3)) + (90, 130, 90)
    truth = np.zeros((200, 300), bool)
    truth[40:100, 60:220] = True
    truth[100:170, 80:88] = truth[100:170, 190:198] = True
    picture[truth] += (90, -60, -40)
    picture = picture.clip(0, 255).astype(np.uint8)
    coarse = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 8)
    before = coarse >= 0.5
    after = refined(picture, coarse, (0, 200, 0, 300)) >= 0.5
    iou = lambda mask: (mask & truth).sum() / (mask | truth).sum()  # noqa: E731
    assert iou(before) < 0.92 and iou(after) > 0.97


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (200, 150)])
def test_refining_keeps_sizes_and_range_and_touches_nothing_far_away(size):
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (*size, 3), np.uint8)
    for mask in (np.zeros(size), np.ones(size), random.random(size)):
        out = refined(picture, mask.astype(np.float32), (0, size[0], 0, size[1]))
        assert out.shape == size and out.dtype == np.float32
        assert out.min() >= 0 and out.max() <= 1
    half = np.zeros(size, np.float32)
    half[2:10, 2:10] = 1
    out = refined(picture, half, (0, 14, 0, 14))
    assert (out[14:] == 0).all() and (out[:, 14:] == 0).all()
    assert (refined(picture, half, (0, 14, 0, 14)) == out).all()


def test_what_ours_does_not_know_it_leaves_to_rembg_but_not_to_the_graph_cut(monkeypatch):
    monkeypatch.setattr(salient, "find_spec", lambda name: None)
    photo = scene(60, 60, 20, 20, 20, 20)
    monkeypatch.setattr(OnnxSegmenter, "available", lambda self: True)
    assert isinstance(choose_segmenter(photo, CAR), OnnxSegmenter)
    assert isinstance(choose_segmenter(photo, CAR, None, "trained"), OnnxSegmenter)
    monkeypatch.setattr(salient, "find_spec", lambda name: object())
    monkeypatch.setenv("SPIR_ALLOW_DOWNLOAD", "1")
    assert choose_segmenter(photo, CAR).name.startswith("rembg")
    monkeypatch.setattr(OnnxSegmenter, "available", lambda self: False)
    with pytest.raises(PhotoError, match="not here"):
        choose_segmenter(photo, CAR, None, "trained")


@shipped
def test_the_shipped_network_is_small_and_sees_no_object_in_one_colour():
    assert FILE.stat().st_size <= 5_000_000
    assert OnnxSegmenter().available()
    found = OnnxSegmenter().segment(Photo(torch.full((200, 300, 3), 120, dtype=torch.uint8)))
    assert found.kind is None
    assert set(found.kinds) == set(KINDS) and 0 <= sum(found.kinds.values()) <= 1 + 1e-5


@shipped
@pytest.mark.parametrize("size", [(16, 16), (16, 1500), (700, 500)])
def test_the_shipped_network_survives_noise_at_any_size(size):
    noise = torch.randint(0, 256, (*size, 3), generator=torch.Generator().manual_seed(0))
    mask = OnnxSegmenter()(Photo(noise.to(torch.uint8)), CAR)
    assert mask.shape == size and mask.isfinite().all()

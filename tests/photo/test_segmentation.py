"""Who is asked for the cut-out, and what the built-in one makes of drawn scenes."""

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from spir.categories import CAR, CATEGORIES
from spir.errors import PhotoError
from spir.photo import segmentation
from spir.photo.segmentation import AlphaSegmenter, available_segmenters, choose_segmenter, on_paper, segment
from spir.photo.segmenters import rembg as salient
from spir.photo.segmenters.grabcut import GrabCutSegmenter, without_frame
from spir.photo.segmenters.onnx import KINDS, OnnxSegmenter
from spir.photo.segmenters.rembg import REMBG_MODEL, RembgSegmenter
from spir.types import Photo, Segmentation

BIRD, CHAIR = CATEGORIES["cub"], CATEGORIES["shapenet_chairs"]


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
def no_rembg(monkeypatch, no_trained):
    salient.network.cache_clear()
    monkeypatch.setattr(salient, "find_spec", lambda name: None)


@pytest.fixture
def no_trained(monkeypatch):
    monkeypatch.setattr(segmentation.OnnxSegmenter, "available", lambda self: False)


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
    assert torch.equal(segmentation.GrabCutSegmenter()(photo, CAR), first)
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
    chosen = choose_segmenter(own, CAR)
    assert isinstance(chosen, AlphaSegmenter)
    assert torch.equal(chosen(own, CAR), alpha / 255)
    assert isinstance(choose_segmenter(Photo(photo.rgb, torch.full_like(alpha, 250)), CAR), GrabCutSegmenter)
    assert isinstance(choose_segmenter(photo, CAR), GrabCutSegmenter)
    assert isinstance(choose_segmenter(own, CAR, None, "built-in"), GrabCutSegmenter)


def test_what_was_asked_for_and_cannot_run_is_said(no_rembg):
    photo, _ = drawn()
    with pytest.raises(PhotoError, match="no transparent background"):
        choose_segmenter(photo, CAR, None, "alpha")
    with pytest.raises(PhotoError, match="no transparent background"):
        AlphaSegmenter()(photo, CAR)
    with pytest.raises(PhotoError, match="not installed"):
        choose_segmenter(photo, CAR, None, "rembg")
    with pytest.raises(ValueError, match="'magic' is none of auto"):
        choose_segmenter(photo, CAR, None, "magic")


def test_rembg_needs_its_network_or_leave_to_fetch_it(monkeypatch, tmp_path, no_trained):
    salient.network.cache_clear()
    monkeypatch.setattr(salient, "find_spec", lambda name: object())
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD", raising=False)
    photo, _ = drawn()
    assert isinstance(choose_segmenter(photo, CAR, model="u2net"), GrabCutSegmenter)
    monkeypatch.setenv("SPIR_ALLOW_DOWNLOAD", "1")
    assert choose_segmenter(photo, CAR, model="u2net").name == "rembg (u2net)"
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD")
    (tmp_path / "u2net.onnx").write_bytes(b"a network")
    assert choose_segmenter(photo, CAR, model="u2net") == RembgSegmenter("u2net")
    assert isinstance(choose_segmenter(photo, CAR, model="isnet-general-use"), GrabCutSegmenter)


@pytest.fixture
def fake_rembg(monkeypatch):
    """A rembg whose networks return a given mask; `made` lists those that were loaded."""
    made = []

    def new_session(model):
        made.append(model)
        if model == "broken":
            raise OSError("no network at /somewhere/secret")
        return SimpleNamespace(model=model, is_local=lambda: model != "afar")

    def remove(picture, session, only_mask):
        assert only_mask
        _, truth = drawn()
        return Image.fromarray(truth.astype(np.uint8) * 255)

    monkeypatch.setitem(
        sys.modules, "rembg", SimpleNamespace(remove=remove, new_session=new_session, made=made)
    )
    monkeypatch.setattr(salient, "find_spec", lambda name: object())
    monkeypatch.setenv("SPIR_ALLOW_DOWNLOAD", "1")
    salient.network.cache_clear()
    yield made
    salient.network.cache_clear()


def test_rembg_is_asked_for_the_mask_alone_and_loaded_once(fake_rembg):
    photo, truth = drawn()
    for _ in range(2):
        mask = RembgSegmenter("u2net")(photo, CAR)
    assert (mask.numpy() == truth).all()
    assert fake_rembg == ["u2net"]


def test_a_failing_rembg_names_the_cause_and_the_way_out_but_no_path(fake_rembg):
    with pytest.raises(PhotoError, match="OSError.*Use another cut-out") as told:
        RembgSegmenter("broken")(drawn()[0], CAR)
    assert "secret" not in str(told.value)
    assert not RembgSegmenter("broken").available(), "automatically it is not tried again"
    with pytest.raises(PhotoError):
        RembgSegmenter("broken")(drawn()[0], CAR)
    assert fake_rembg == ["broken", "broken"], "who asks for it by name gets another try"


def test_photos_go_to_no_other_server(fake_rembg):
    with pytest.raises(PhotoError, match="send photos to another server"):
        RembgSegmenter("afar")(drawn()[0], CAR)


def test_while_rembg_is_on_its_way_others_cut_out(fake_rembg, no_trained, monkeypatch, tmp_path):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    (tmp_path / "tmpabc").write_bytes(bytes(3_100_000))
    held = threading.Event()
    monkeypatch.setattr(salient, "local_session", lambda model: held.wait(20) and "there")
    photo, _ = drawn()
    network = salient.network("slow")
    network.begin()
    assert network.loading and "rembg" not in available_segmenters(photo, "slow")
    assert isinstance(choose_segmenter(photo, CAR, model="slow"), GrabCutSegmenter)
    with pytest.raises(PhotoError, match=r"on its way \(3 MB so far\)"):
        choose_segmenter(photo, CAR, None, "rembg", "slow")
    held.set()
    assert network.ready() == "there" and not network.loading
    assert choose_segmenter(photo, CAR, model="slow") == RembgSegmenter("slow")


def test_ours_says_what_the_photo_shows_whoever_cuts_it_out(monkeypatch):
    photo, truth = drawn()
    kinds = dict(zip(KINDS, (0.1, 0.7, 0.1, 0.0), strict=True))
    told = Segmentation(torch.zeros(photo.rgb.shape[:2]), "ours", kinds, others=2)
    monkeypatch.setattr(segmentation.OnnxSegmenter, "available", lambda self: True)
    monkeypatch.setattr(segmentation.OnnxSegmenter, "segment", lambda self, photo: told)
    found = segment(photo, CAR, "built-in")
    assert (found.kind, found.others, found.segmenter) == ("chair", 2, GrabCutSegmenter.name)
    assert iou(found.mask, truth) > 0.9
    assert segment(photo, CAR, "trained") is told


@pytest.fixture
def ours(monkeypatch):
    """Our network says that it sees a kind; its mask is the object and, to the left, what is none of it."""
    wide = torch.from_numpy(drawn()[1]).float()
    wide[:, :40] = 1

    def sees(kind, mask=wide):
        kinds = {each: 0.9 * (each == kind) for each in KINDS}
        told = Segmentation(mask, OnnxSegmenter.name, kinds)
        monkeypatch.setattr(segmentation.OnnxSegmenter, "available", lambda self: True)
        monkeypatch.setattr(segmentation.OnnxSegmenter, "segment", lambda self, photo: told)
        return told

    return sees


@pytest.fixture
def rembg_on_disk(fake_rembg, monkeypatch, tmp_path):
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD")
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    (tmp_path / f"{REMBG_MODEL}.onnx").write_bytes(b"a network")
    return fake_rembg


def test_what_ours_recognises_as_a_car_it_cuts_out_itself(ours, rembg_on_disk):
    told = ours("car")
    assert segment(drawn()[0], CAR) is told
    assert rembg_on_disk == [], "rembg need not even be loaded"


@pytest.mark.parametrize(
    "category, seen", [(CAR, "none of them"), (CAR, "bird"), (CHAIR, "chair"), (CHAIR, "car")]
)
def test_rembg_cuts_out_what_ours_does_not_know_well(ours, rembg_on_disk, category, seen):
    told = ours(seen)
    found = segment(drawn()[0], category)
    assert found.segmenter == RembgSegmenter().name and iou(found.mask, drawn()[1]) == 1
    assert (found.kinds, found.others) == (told.kinds, told.others)


@pytest.mark.parametrize("seen", ["bird", "chair", "none of them"])
def test_of_a_bird_there_is_what_both_see_and_both_are_named(ours, rembg_on_disk, seen):
    told = ours(seen, torch.full(drawn()[0].rgb.shape[:2], 0.64))
    found = segment(drawn()[0], BIRD)
    assert torch.allclose(found.mask, 0.8 * torch.from_numpy(drawn()[1]).float())
    assert told.segmenter in found.segmenter and RembgSegmenter().name in found.segmenter
    assert found.kinds == told.kinds
    assert segment(drawn()[0], BIRD, "rembg").segmenter == RembgSegmenter().name
    assert segment(drawn()[0], BIRD, "trained") is told


def test_where_both_see_another_bird_rembg_is_believed(ours, rembg_on_disk):
    ours("bird", 1 - torch.from_numpy(drawn()[1]).float())
    found = segment(drawn()[0], BIRD)
    assert found.segmenter == RembgSegmenter().name and iou(found.mask, drawn()[1]) == 1


def test_no_bird_waits_for_a_download(ours, fake_rembg, monkeypatch, tmp_path):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    told = ours("bird")
    assert segment(drawn()[0], BIRD) is told and fake_rembg == []
    held = threading.Event()
    monkeypatch.setattr(salient, "local_session", lambda model: held.wait(20) and "there")
    salient.network(REMBG_MODEL).begin()
    assert segment(drawn()[0], BIRD) is told
    held.set()


def test_the_photos_own_alpha_is_no_matter_of_kinds(ours, rembg_on_disk):
    ours("car")
    photo, truth = drawn()
    own = Photo(photo.rgb, torch.from_numpy(truth.astype(np.uint8) * 255))
    for category in (CAR, BIRD):
        assert segment(own, category).segmenter == AlphaSegmenter.name


def test_without_ours_nobody_tells_what_it_shows(no_trained):
    found = segment(drawn()[0], CAR, "built-in")
    assert found.kinds is None and found.kind is None and found.others == 0


def test_every_segmenter_says_its_name():
    names = [segmenter.name for segmenter in (AlphaSegmenter(), RembgSegmenter(), GrabCutSegmenter())]
    assert len(set(names)) == 3
    assert all(names)


def test_what_is_transparent_is_white_to_who_says_what_it_shows():
    photo, truth = drawn()
    assert on_paper(photo) is photo
    alpha = torch.from_numpy(truth.astype(np.uint8) * 255)
    seen = on_paper(Photo(photo.rgb, alpha))
    assert seen.alpha is None and (seen.rgb[~truth] == 255).all()
    assert torch.equal(seen.rgb[truth], photo.rgb[truth])

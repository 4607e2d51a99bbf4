"""Composites that are true to their masks, photo augmentation, and what is held out."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spir.data.photo_augment import degrade_photo
from spir.data.segmentation import composites
from spir.data.segmentation.source_images import CAR, NOTHING, SourceImages, read_animals
from spir.data.segmentation.split import SCENES_HELD, photo_names, scene_names
from spir.photo.segmenters.onnx import KINDS
from tests.data.pictures import ColourTeacher, disc, plain_sources


@pytest.fixture
def sources():
    return plain_sources()


def test_a_seed_repeats_a_sample(sources):
    first, second = (composites.sample_composite(sources, np.random.default_rng(4)) for _ in range(2))
    assert (first.rgb == second.rgb).all() and (first.mask == second.mask).all()
    assert first.kind == second.kind


def test_samples_are_what_the_network_wants(sources):
    kinds = set()
    for seed in range(60):
        sample = composites.sample_composite(sources, np.random.default_rng(seed), 128)
        kinds.add(sample.kind)
        assert sample.rgb.shape == (128, 128, 3) and sample.rgb.dtype == np.uint8
        assert sample.mask.shape == (128, 128) and 0 <= sample.mask.min() <= sample.mask.max() <= 1
        assert sample.mask.max() > 0.5 or sample.kind == NOTHING, seed
        assert (sample.objects >= sample.mask - 0.02).all(), "the largest object is one of all"
    assert {CAR, NOTHING, KINDS.index("chair"), KINDS.index("bird")} == kinds


def test_the_target_is_the_largest_and_what_hides_it_is_not():
    random = np.random.default_rng(0)
    sources = SourceImages([disc((230, 20, 20))], [np.full((99, 99, 3), 90, np.uint8)])
    for _ in range(40):
        sample = composites.compose(sources, random, (120, 120))
        if sample.kind != CAR:
            continue
        solid, objects = sample.mask > 0.5, sample.objects > 0.5
        assert objects[solid].all(), "the target is an object"
        assert solid.sum() >= 0.5 * objects.sum()


def test_an_object_lies_inside_its_own_alpha():
    placed = composites.place_object(disc((255, 0, 0)), np.random.default_rng(3), (100, 150), 0.6)
    assert placed.shape == (100, 150, 4)
    assert (placed[..., :3].max(-1) <= placed[..., 3] + 1e-5).all(), "colours are premultiplied"


@pytest.mark.parametrize("size", [(257, 257), (60, 99), (16, 16)])
def test_photo_augmentation_keeps_size_and_bytes(size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    worse = [degrade_photo(picture, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in worse)
    assert sum((one != picture).any() for one in worse) > 20


def archive(path, names):
    with tarfile.open(path, "w") as tar:
        for name in names:
            data = io.BytesIO()
            Image.new("RGB", (20, 20), (128, 128, 128)).save(data, "JPEG")
            info = tarfile.TarInfo(name)
            info.size = len(data.getvalue())
            tar.addfile(info, io.BytesIO(data.getvalue()))
    return path


def test_what_is_held_out_is_never_learnt(tmp_path):
    scenes = archive(tmp_path / "scenes.tar", [f"n{i:04d}.jpg" for i in range(856)])
    learnt, held = scene_names(scenes)
    assert len(held) == SCENES_HELD and len(learnt) == 796
    assert not set(learnt) & set(held)
    photos = archive(tmp_path / "photos.tar", [f"{i:05d}.jpg" for i in range(1010)])
    learnt, held = photo_names(photos)
    assert len(learnt) == 10 and max(learnt) < min(held)


@pytest.mark.parametrize("seed", range(8))
def test_something_of_no_kind_has_a_solid_outline(sources, seed):
    blob = composites.blob(sources, np.random.default_rng(seed))
    alpha = blob[..., 3] > 128
    assert blob.shape == (128, 128, 4) and blob.dtype == np.uint8
    assert 0.02 < alpha.mean() < 0.9


def test_dressed_it_has_the_same_outline_and_other_colours(sources):
    rendering = disc((200, 30, 30))
    found = composites.retexture(rendering, sources, np.random.default_rng(0))
    assert (found[..., 3] == rendering[..., 3]).all() and found.dtype == np.uint8
    assert (found[..., :3] != rendering[..., :3]).any()


def test_animals_come_with_their_masks_and_scenes_with_our_kinds_go():
    plain = np.full((60, 60, 3), 90, np.uint8)
    dog, car = plain.copy(), plain.copy()
    dog[20:40, 10:50, 0] = car[20:40, 10:50, 2] = 255
    clean, animals = read_animals([plain, dog, car], ColourTeacher(Path()))
    assert [scene.max() for scene in clean] == [90, 255] and len(animals) == 1
    assert (animals[0][..., 3] == 255).sum() == 20 * 40

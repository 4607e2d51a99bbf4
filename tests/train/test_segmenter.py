"""What the small segmenter learns from and by: composites that are true to their masks, losses, the graph."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from spir.data.photo_augment import developed
from spir.data.segmentation import composites
from spir.data.segmentation.composites import Sample
from spir.data.segmentation.deeplab import NAMES, VOC, DeepLab
from spir.data.segmentation.material import CAR, NOTHING, Material, read_animals
from spir.data.segmentation.split import SCENES_HELD, photo_names, scene_names
from spir.photo.finding import KINDS
from spir.photo.segmenters.onnx import SIDE, squared
from spir.train.segmenter.network import Answer, SegmenterNetwork, Shipped, for_kinds
from spir.train.segmenter.teacher_labels import CELLS, Lessons
from spir.train.segmenter.train import (
    Batches,
    SegmenterTraining,
    collate,
    kind_loss,
    losses,
    names_loss,
)


def disc(colour, size=80):
    """A round object of one colour on black."""
    rgba = np.zeros((size, size, 4), np.uint8)
    cv2.circle(rgba, (size // 2, size // 2), size // 3, (*colour, 255), -1)
    return rgba


@pytest.fixture
def material():
    random = np.random.default_rng(0)
    scenes = [np.full((90, 140, 3), random.integers(60, 120, 3), np.uint8) for _ in range(5)]
    others = {KINDS.index("chair"): [disc((30, 220, 30))], KINDS.index("bird"): [disc((30, 30, 220))]}
    return Material([disc((230, 20, 20))], scenes, others, [disc((90, 60, 20))])


def test_a_seed_repeats_a_sample(material):
    first, second = (composites.draw(material, np.random.default_rng(4)) for _ in range(2))
    assert (first.rgb == second.rgb).all() and (first.mask == second.mask).all()
    assert first.kind == second.kind


def test_samples_are_what_the_network_wants(material):
    kinds = set()
    for seed in range(60):
        sample = composites.draw(material, np.random.default_rng(seed), 128)
        kinds.add(sample.kind)
        assert sample.rgb.shape == (128, 128, 3) and sample.rgb.dtype == np.uint8
        assert sample.mask.shape == (128, 128) and 0 <= sample.mask.min() <= sample.mask.max() <= 1
        assert sample.mask.max() > 0.5 or sample.kind == NOTHING, seed
        assert (sample.objects >= sample.mask - 0.02).all(), "the largest object is one of all"
    assert {CAR, NOTHING, KINDS.index("chair"), KINDS.index("bird")} == kinds


def test_the_target_is_the_largest_and_what_hides_it_is_not():
    random = np.random.default_rng(0)
    material = Material([disc((230, 20, 20))], [np.full((99, 99, 3), 90, np.uint8)])
    for _ in range(40):
        sample = composites.composite(material, random, (120, 120))
        if sample.kind != CAR:
            continue
        solid, objects = sample.mask > 0.5, sample.objects > 0.5
        assert objects[solid].all(), "the target is an object"
        assert solid.sum() >= 0.5 * objects.sum()


def test_an_object_lies_inside_its_own_alpha():
    placed = composites.placed(disc((255, 0, 0)), np.random.default_rng(3), (100, 150), 0.6)
    assert placed.shape == (100, 150, 4)
    assert (placed[..., :3].max(-1) <= placed[..., 3] + 1e-5).all(), "colours are premultiplied"


@pytest.mark.parametrize("size", [(257, 257), (60, 99), (16, 16)])
def test_the_darkroom_keeps_size_and_bytes(size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    worse = [developed(picture, np.random.default_rng(seed)) for seed in range(40)]
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
def test_something_of_no_kind_has_a_solid_outline(material, seed):
    blob = composites.blob(material, np.random.default_rng(seed))
    alpha = blob[..., 3] > 128
    assert blob.shape == (128, 128, 4) and blob.dtype == np.uint8
    assert 0.02 < alpha.mean() < 0.9


def test_dressed_it_has_the_same_outline_and_other_colours(material):
    toy = disc((200, 30, 30))
    found = composites.dressed(toy, material, np.random.default_rng(0))
    assert (found[..., 3] == toy[..., 3]).all() and found.dtype == np.uint8
    assert (found[..., :3] != toy[..., :3]).any()


class Teacher(DeepLab):
    """Calls red a dog and blue a car."""

    def names(self, picture):
        red, blue = picture[..., 0] > 200, picture[..., 2] > 200
        return np.where(red, 12, np.where(blue, VOC["car"][0], 0))

    def logits(self, picture):
        """The redder, the more of a dog."""
        return np.eye(NAMES, dtype=np.float32)[12] * picture[..., :1] / 16


def test_animals_come_with_their_masks_and_scenes_with_our_kinds_go():
    plain = np.full((60, 60, 3), 90, np.uint8)
    dog, car = plain.copy(), plain.copy()
    dog[20:40, 10:50, 0] = car[20:40, 10:50, 2] = 255
    clean, animals = read_animals([plain, dog, car], Teacher(Path()))
    assert [scene.max() for scene in clean] == [90, 255] and len(animals) == 1
    assert (animals[0][..., 3] == 255).sum() == 20 * 40


def square_car(known=True, kind=CAR):
    mask = np.zeros((128, 128), np.float32)
    mask[30:100, 20:110] = kind != NOTHING
    return Sample(np.zeros((128, 128, 3), np.uint8), mask, kind, mask, known)


def test_the_rest_of_a_photo_does_not_count():
    whole, photo, empty = collate(
        [square_car(), square_car(known=False), square_car(known=False, kind=NOTHING)]
    ).counts[:, 0]
    assert whole.min() == 1
    assert photo[15:50, 10:55].min() == 1, "the object of a photo counts, and what is next to it"
    assert photo[:5].max() == 0, "the rest of the photo may show other cars"
    assert empty.max() == 0, "where nobody knows a mask there is nothing to learn"


def answers(batch, right: bool):
    """Logits of the masks, of the kinds and of the teacher's names."""
    masks = 20 * (batch.masks - 0.5)
    kind = torch.full((len(batch.kind), 5), -4.0)
    kind[torch.arange(len(kind)), batch.kind if right else 1] = 4
    return Answer(*((masks, kind, batch.names) if right else (-masks, kind, -batch.names)))


def test_losses_fall_when_the_answer_is_right():
    told = replace(square_car(), names=np.random.default_rng(0).normal(0, 4, (NAMES, CELLS, CELLS)))
    batch = collate([told, square_car(known=False), square_car(kind=NOTHING)])
    right, wrong = (losses(answers(batch, which), batch, SegmenterTraining()) for which in (True, False))
    assert all(wrong[name] > 4 * right[name] for name in right)


def test_the_teacher_is_followed_where_it_was_asked_up_to_a_constant():
    told = torch.randn(2, NAMES, 3, 3)
    mine = torch.cat((told + 5, torch.randn(1, NAMES, 3, 3)))
    assert names_loss(mine, told, 3.0).item() == pytest.approx(0, abs=1e-5)
    assert names_loss(mine, told.flip(1), 3.0) > 0.1
    assert names_loss(mine, told[:0], 3.0) == 0


def test_a_photo_as_it_was_taken_may_show_a_bird_but_no_car():
    batch = collate([square_car(known=False, kind=NOTHING)])
    assert (
        batch.natural.all() and not collate([square_car(kind=NOTHING), square_car(known=False)]).natural.any()
    )
    told = lambda kind: kind_loss(torch.eye(5)[[kind]] * 9, batch, 0.05).item()  # noqa: E731
    assert told(KINDS.index("bird")) == pytest.approx(told(NOTHING)) and told(NOTHING) < 0.01
    assert told(CAR) > 5


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SegmenterNetwork().eval()


@pytest.mark.parametrize("side", [64, 160, 256])
def test_the_network_takes_any_side_that_32_divides(network, side):
    with torch.no_grad():
        masks, kinds, names = network(torch.rand(2, 3, side, side))
    assert masks.shape == (2, 2, side // 2, side // 2) and kinds.shape == (2, 5)
    assert names.shape == (2, NAMES, side // 16, side // 16)
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_260_000


def test_the_shipped_graph_takes_bytes_and_gives_probabilities(network):
    picture = torch.randint(0, 256, (1, 3, SIDE, SIDE)).float()
    with torch.no_grad():
        masks, kinds = Shipped(network)(picture)
    assert masks.shape == (1, 2, SIDE, SIDE) and 0 <= masks.min() <= masks.max() <= 1
    assert kinds.sum().item() == pytest.approx(1, abs=1e-5)


def test_a_few_steps_learn_a_disc(material):
    """The network, its losses and its samples belong together: a dozen steps lower the loss of what they saw."""
    torch.manual_seed(0)
    network, config = SegmenterNetwork(), SegmenterTraining(batch=4, sides=(64,))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    batch = Batches(material, config, 1, 0)[0]
    found = []
    for _ in range(12):
        loss = sum(losses(network(batch.rgb), batch, config).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.7 * found[0]


def test_batches_are_the_same_whoever_makes_them(material):
    config = SegmenterTraining(batch=2)
    first, second = (Batches(material, config, 5, seed=1)[3] for _ in range(2))
    assert torch.equal(first.rgb, second.rgb) and torch.equal(first.masks, second.masks)


def test_the_answers_belong_to_the_pictures_mirrored_or_not(material, tmp_path):
    """The teacher, asked again about what a batch shows, says what the batch holds of its answers."""
    teacher = Teacher(Path())
    lessons = Lessons(material, teacher, 12).held(tmp_path / "lessons.npz")
    config = SegmenterTraining(batch=8, taught=0.75, sides=(SIDE,))
    batch = Batches(material, config, 1, 0, lessons)[0]
    assert batch.names.shape == (6, NAMES, CELLS, CELLS)
    shown = ((batch.rgb[:6].permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()
    again = torch.from_numpy(np.stack([teacher.logits(each) for each in shown])).permute(0, 3, 1, 2)
    assert torch.allclose(F.avg_pool2d(again, 16), batch.names, atol=0.01)
    mirrored = torch.allclose(F.avg_pool2d(again, 16).flip(3), batch.names, atol=0.01)
    assert not mirrored, "the two sides differ, or this would show nothing"
    # A second call asks nobody.
    kept = Lessons(material, DeepLab(Path("nowhere")), 12).held(tmp_path / "lessons.npz")
    assert (kept.answers == lessons.answers).all()


def test_few_scenes_are_called_a_car_and_half_of_them_something():
    torch.manual_seed(0)
    network = SegmenterNetwork().eval()
    with torch.no_grad():
        network.kinds.bias[CAR] = 9.0
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(10)]
    pictures = [torch.from_numpy(squared(scene)).permute(2, 0, 1)[None].float() for scene in scenes]
    shipped = Shipped(network)
    with torch.no_grad():
        shipped.calibrate(scenes, objects=0.5, cars=0.2)
        told = torch.cat([shipped(each)[1] for each in pictures]).argmax(1)
    assert (told == CAR).sum() <= 2 and (told == NOTHING).sum() >= 5


def answer(kinds, names, mask):
    """Logits: of kinds, of one name all over, of a mask that is everywhere the same."""
    named = torch.full((1, NAMES, 2, 2), -4.0)
    named[:, names] = 4.0
    return Answer(torch.full((1, 2, 16, 16), mask), torch.tensor([kinds]), named)


def test_a_kind_is_told_by_choice_names_and_mask():
    bird, plane = KINDS.index("bird"), KINDS.index("plane")
    undecided = [0.0, 0.0, 0.0, 0.0, 6.0]
    assert for_kinds(answer(undecided, VOC["bird"][0], 3.0)).argmax() == bird
    assert for_kinds(answer([0.0, 0.0, 0.0, 5.0, 6.0], 0, 3.0)).argmax() == plane
    sure, unsure = (for_kinds(answer(undecided, VOC["bird"][0], each)).max() for each in (3.0, -3.0))
    assert sure > unsure + 2, "a mask that is a guess speaks for nothing"
    assert torch.isfinite(for_kinds(answer(undecided, 0, -99.0))).all(), "an empty mask as well"


def test_only_names_inside_the_mask_count():
    out = answer([0.0] * 5, 0, -9.0)
    out.masks[..., :8] = 9.0
    out.names[:, VOC["chair"][0], :, 0] = 9.0
    out.names[:, VOC["bird"][0], :, 1] = 9.0
    assert for_kinds(out).argmax() == KINDS.index("chair")

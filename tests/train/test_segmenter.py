"""Training of the small segmenter: losses, labels of the teacher, the exported graph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spir.data.segmentation.composites import Composite
from spir.data.segmentation.deeplab import NAMES, VOC, DeepLab
from spir.data.segmentation.source_images import CAR, NOTHING
from spir.photo.segmenters.onnx import KINDS, SIDE, OnnxSegmenter, squared
from spir.train.provenance import read_provenance
from spir.train.segmenter import train
from spir.train.segmenter.config import SegmenterTrainingConfig
from spir.train.segmenter.dataset import SegmenterDataset, collate
from spir.train.segmenter.losses import kind_loss, losses, names_loss
from spir.train.segmenter.network import ExportedSegmenter, SegmenterNetwork, SegmenterOutput, kind_scores
from spir.train.segmenter.teacher_labels import CELLS, TeacherLabels
from spir.types import Photo
from tests.data.pictures import ColourTeacher, plain_sources


@pytest.fixture
def sources():
    return plain_sources()


def square_car(known=True, kind=CAR):
    mask = np.zeros((128, 128), np.float32)
    mask[30:100, 20:110] = kind != NOTHING
    return Composite(np.zeros((128, 128, 3), np.uint8), mask, kind, mask, known)


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
    return SegmenterOutput(*((masks, kind, batch.names) if right else (-masks, kind, -batch.names)))


def test_losses_fall_when_the_answer_is_right():
    labelled = replace(square_car(), names=np.random.default_rng(0).normal(0, 4, (NAMES, CELLS, CELLS)))
    batch = collate([labelled, square_car(known=False), square_car(kind=NOTHING)])
    right, wrong = (
        losses(answers(batch, which), batch, SegmenterTrainingConfig()) for which in (True, False)
    )
    assert all(wrong[name] > 4 * right[name] for name in right)


def test_the_teacher_is_followed_where_it_was_asked_up_to_a_constant():
    teacher = torch.randn(2, NAMES, 3, 3)
    ours = torch.cat((teacher + 5, torch.randn(1, NAMES, 3, 3)))
    assert names_loss(ours, teacher, 3.0).item() == pytest.approx(0, abs=1e-5)
    assert names_loss(ours, teacher.flip(1), 3.0) > 0.1
    assert names_loss(ours, teacher[:0], 3.0) == 0


def test_a_photo_as_it_was_taken_may_show_a_bird_but_no_car():
    batch = collate([square_car(known=False, kind=NOTHING)])
    assert (
        batch.natural.all() and not collate([square_car(kind=NOTHING), square_car(known=False)]).natural.any()
    )
    loss = lambda kind: kind_loss(torch.eye(5)[[kind]] * 9, batch, 0.05).item()  # noqa: E731
    assert loss(KINDS.index("bird")) == pytest.approx(loss(NOTHING)) and loss(NOTHING) < 0.01
    assert loss(CAR) > 5


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
        masks, kinds = ExportedSegmenter(network)(picture)
    assert masks.shape == (1, 2, SIDE, SIDE) and 0 <= masks.min() <= masks.max() <= 1
    assert kinds.sum().item() == pytest.approx(1, abs=1e-5)


def test_a_few_steps_learn_a_disc(sources):
    """The network, its losses and its samples belong together: a dozen steps lower the loss of what they
    saw."""
    torch.manual_seed(0)
    network, config = SegmenterNetwork(), SegmenterTrainingConfig(batch=4, sides=(64,))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    batch = SegmenterDataset(sources, config, 1, 0)[0]
    found = []
    for _ in range(12):
        loss = sum(losses(network(batch.rgb), batch, config).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.7 * found[0]


@pytest.mark.filterwarnings("default")
def test_the_command_exports_a_file_that_says_how_it_was_made(sources, tmp_path, monkeypatch):
    small = lambda **given: SegmenterTrainingConfig(sides=(64,), held=1, **given)  # noqa: E731
    monkeypatch.setattr(train, "load_sources", lambda options: (sources, sources))
    monkeypatch.setattr(train, "SegmenterTrainingConfig", small)
    inputs = [
        "--photos",
        "p.tar",
        "--backgrounds",
        "b.tar",
        "--objects",
        "o.npz",
        "--steps",
        "1",
        "--batch",
        "2",
    ]
    train.main([*inputs, "--out", str(tmp_path / "run"), "--export", str(tmp_path / "s.onnx")])
    record = read_provenance(tmp_path / "s.onnx")
    assert record["command"].startswith("python -m spir.train.segmenter --photos p.tar")
    assert record["config"]["batch"] == 2 and record["config"]["sides"] == [64]
    found = OnnxSegmenter(tmp_path / "s.onnx").segment(Photo(torch.zeros(40, 60, 3, dtype=torch.uint8), None))
    assert found.mask.shape == (40, 60)


def test_batches_are_the_same_whoever_makes_them(sources):
    config = SegmenterTrainingConfig(batch=2)
    first, second = (SegmenterDataset(sources, config, 5, seed=1)[3] for _ in range(2))
    assert torch.equal(first.rgb, second.rgb) and torch.equal(first.masks, second.masks)


def test_the_answers_belong_to_the_pictures_mirrored_or_not(sources, tmp_path):
    """The teacher, asked again about what a batch shows, says what the batch holds of its answers."""
    teacher = ColourTeacher(Path())
    labels = TeacherLabels(sources, teacher, 12).cached(tmp_path / "labels.npz")
    config = SegmenterTrainingConfig(batch=8, teacher_share=0.75, sides=(SIDE,))
    batch = SegmenterDataset(sources, config, 1, 0, labels)[0]
    assert batch.names.shape == (6, NAMES, CELLS, CELLS)
    shown = ((batch.rgb[:6].permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()
    again = torch.from_numpy(np.stack([teacher.logits(each) for each in shown])).permute(0, 3, 1, 2)
    assert torch.allclose(F.avg_pool2d(again, 16), batch.names, atol=0.01)
    mirrored = torch.allclose(F.avg_pool2d(again, 16).flip(3), batch.names, atol=0.01)
    assert not mirrored, "the two sides differ, or this would show nothing"
    # A second call asks nobody.
    kept = TeacherLabels(sources, DeepLab(Path("nowhere")), 12).cached(tmp_path / "labels.npz")
    assert (kept.logits == labels.logits).all()


def test_few_scenes_are_called_a_car_and_half_of_them_something():
    torch.manual_seed(0)
    network = SegmenterNetwork().eval()
    with torch.no_grad():
        network.kinds.bias[CAR] = 9.0
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(10)]
    pictures = [torch.from_numpy(squared(scene)).permute(2, 0, 1)[None].float() for scene in scenes]
    exported = ExportedSegmenter(network)
    with torch.no_grad():
        exported.calibrate(scenes, objects=0.5, cars=0.2)
        kinds = torch.cat([exported(each)[1] for each in pictures]).argmax(1)
    assert (kinds == CAR).sum() <= 2 and (kinds == NOTHING).sum() >= 5


def answer(kinds, names, mask):
    """Logits: of kinds, of one name all over, of a mask that is everywhere the same."""
    named = torch.full((1, NAMES, 2, 2), -4.0)
    named[:, names] = 4.0
    return SegmenterOutput(torch.full((1, 2, 16, 16), mask), torch.tensor([kinds]), named)


def test_a_kind_is_scored_by_choice_names_and_mask():
    bird, plane = KINDS.index("bird"), KINDS.index("plane")
    undecided = [0.0, 0.0, 0.0, 0.0, 6.0]
    assert kind_scores(answer(undecided, VOC["bird"][0], 3.0)).argmax() == bird
    assert kind_scores(answer([0.0, 0.0, 0.0, 5.0, 6.0], 0, 3.0)).argmax() == plane
    sure, unsure = (kind_scores(answer(undecided, VOC["bird"][0], each)).max() for each in (3.0, -3.0))
    assert sure > unsure + 2, "a mask that is a guess speaks for nothing"
    assert torch.isfinite(kind_scores(answer(undecided, 0, -99.0))).all(), "an empty mask as well"


def test_only_names_inside_the_mask_count():
    out = answer([0.0] * 5, 0, -9.0)
    out.masks[..., :8] = 9.0
    out.names[:, VOC["chair"][0], :, 0] = 9.0
    out.names[:, VOC["bird"][0], :, 1] = 9.0
    assert kind_scores(out).argmax() == KINDS.index("chair")

"""From collections to what the discriminator sees: framing, mirroring, and errors that say the way out."""

import pytest
import torch

from spir.categories import CATEGORIES
from spir.data.collection import Picture
from spir.data.poses.table import PoseTable
from spir.data.training_set import from_collection
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose, mirrored
from spir.types import Photo

CAR = CATEGORIES["car"]


class Few:
    """Pictures in a list."""

    name = "few"

    def __init__(self, *pictures: Picture):
        self.pictures, self.names = pictures, tuple(picture.name for picture in pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Picture:
        return self.pictures[index]


def poses(count):
    like = torch.ones(count)
    return look_at_pose(40 * torch.arange(count) + 10.0, 10 * like, focal=2 * like, scale=0.5 * like)


def picture(name, masked=True, camera=None, size=(40, 40)) -> Picture:
    rgb = torch.full((*size, 3), 255, dtype=torch.uint8)
    rgb[10:20, 5:35] = torch.tensor((200, 0, 0), dtype=torch.uint8)
    alpha = torch.zeros(size, dtype=torch.uint8)
    alpha[10:20, 5:35] = 255
    return Picture(name, Photo(rgb, alpha if masked else None), camera)


def table(names, kept) -> PoseTable:
    count, zero = len(names), torch.zeros(len(names))
    none = torch.zeros(count, dtype=torch.bool)
    return PoseTable(
        names, poses(count), torch.zeros(count, 1, 4), zero, zero, zero, zero, none, torch.tensor(kept)
    )


def test_kept_photos_are_cut_out_around_their_masks():
    few = Few(picture("a"), picture("b"), picture("c"))
    found = from_collection(few, CAR, 64, table(("c", "a", "b"), [True, False, True]))
    assert found.names == ("b", "c") and found.rgb.shape == (2, 64, 64, 3)
    # In the collection's order: b is row 2 of the table, c row 0.
    assert torch.equal(found.pose.quaternion, poses(3).quaternion[[2, 0]])
    inside = found.mask[0] > 250
    columns = inside.any(0).nonzero()
    assert 2 <= columns.min() <= 4 and 59 <= columns.max() <= 61
    colour = found.rgb[0][inside].float().mean(0)
    assert torch.allclose(colour, torch.tensor([200.0, 0, 0]), atol=2)


def test_whole_pictures_keep_their_own_cameras():
    camera = camera_from_pose(poses(1))
    found = from_collection(Few(picture("a", False, camera)), CAR, 20)
    assert found.mask is None and found.rgb.shape == (1, 20, 20, 3)
    rgb, pose = found.draw(torch.tensor([0]), torch.tensor([False]), 1.0)
    assert rgb.shape == (1, 3, 20, 20) and torch.allclose(pose.scale, poses(1).scale, atol=1e-5)
    (shown, mask), *_ = found.batches(32, 0.0, "cpu")
    assert shown.shape == (1, 32, 32, 3) and mask.min() == 1


def test_a_mirrored_draw_is_the_mirrored_object():
    found = from_collection(Few(picture("a"), picture("b")), CAR, 32, table(("a", "b"), [True, True]))
    index = torch.tensor([0, 0])
    rgb, pose = found.draw(index, torch.tensor([False, True]), 0.0)
    assert torch.equal(rgb[1], rgb[0].flip(2)) and rgb.shape[1] == 4
    points = torch.randn(1, 9, 3)
    there, back = project(camera_from_pose(pose), torch.cat((points, points * torch.tensor([-1.0, 1, 1]))))[0]
    assert torch.allclose(there * torch.tensor([-1.0, 1]), back, atol=1e-5)
    twice = mirrored(mirrored(pose))
    assert all(torch.equal(a, b) for a, b in zip(vars(pose).values(), vars(twice).values(), strict=True))


@pytest.mark.parametrize(
    "few, given, reason",
    (
        (Few(picture("a")), None, "without a camera.*--poses"),
        (Few(picture("a")), table(("a",), [False]), "kept none"),
        (Few(picture("a", masked=False)), table(("a",), [True]), "has no mask"),
        (Few(picture("a", camera=camera_from_pose(poses(1)), size=(40, 50))), None, "must be square"),
    ),
)
def test_what_cannot_be_learnt_from_is_named(few, given, reason):
    with pytest.raises(ValueError, match=reason):
        from_collection(few, CAR, 16, given)


def test_a_limit_takes_the_first():
    few = Few(*(picture(name) for name in "abc"))
    assert len(from_collection(few, CAR, 16, table(tuple("abc"), [True] * 3), limit=2)) == 2

"""Mirror images, masks of reduced photos, and the frame's own axes."""

import numpy as np
import pytest
import torch

from spir.data.collection import Picture, mirrored
from spir.data.sources.frame import Frame
from spir.data.sources.picture import masked
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.photo import PhotoError
from spir.types import Photo

MIRROR = torch.tensor((-1.0, 1.0, 1.0))


def picture(focal):
    angles = (torch.tensor([37.0]), torch.tensor([21.0]), torch.tensor([-8.0]))
    pose = look_at_pose(*angles, focal=focal, scale=torch.tensor([0.6]), shift=torch.tensor([[0.2, -0.1]]))
    rgb = torch.randint(0, 256, (12, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Picture("a", Photo(rgb, rgb[..., 0]), camera_from_pose(pose))


@pytest.mark.parametrize("focal", [torch.tensor([1.4]), None])
def test_the_mirrored_camera_sees_mirrored_points_mirrored(focal):
    given = picture(focal)
    other = mirrored(given)
    points = torch.rand(1, 50, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    before, depth = project(given.camera, points)
    after, other_depth = project(other.camera, points * MIRROR)
    assert torch.allclose(after, before * torch.tensor((-1.0, 1.0)), atol=1e-6)
    assert torch.allclose(depth, other_depth, atol=1e-6)
    assert torch.linalg.det(other.camera.cam2world[0, :3, :3]) > 0
    assert not torch.allclose(other.camera.cam2world, given.camera.cam2world)


def test_mirroring_flips_the_photo_and_twice_is_nothing():
    given = picture(torch.tensor([1.4]))
    other = mirrored(given)
    assert torch.equal(other.photo.rgb[:, 0], given.photo.rgb[:, -1])
    assert torch.equal(other.photo.alpha[:, 3], given.photo.alpha[:, -4])
    assert other.name != given.name
    twice = mirrored(other)
    assert torch.equal(twice.photo.rgb, given.photo.rgb)
    assert torch.allclose(twice.camera.cam2world, given.camera.cam2world)
    bare = mirrored(Picture("b", Photo(given.photo.rgb), None))
    assert bare.camera is None and bare.photo.alpha is None


def test_a_mask_of_the_full_size_fits_the_reduced_photo():
    photo = Photo(torch.zeros(20, 30, 3, dtype=torch.uint8))
    mask = np.zeros((100, 150), bool)
    mask[:50, 75:] = True
    alpha = masked(photo, mask).alpha
    assert (alpha[:10, 15:] == 255).all() and alpha.sum() == 255 * 10 * 15
    with pytest.raises(PhotoError, match="does not fit"):
        masked(photo, mask.T.copy())


def test_the_axes_of_a_frame_are_a_rotation_onto_ours():
    for up, front in (((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)), ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))):
        axes = Frame(up, front, 2.0).axes
        assert np.allclose(axes @ up, (0, 1, 0)) and np.allclose(axes @ front, (0, 0, 1))
        assert np.isclose(np.linalg.det(axes), 1)

"""CARLA: known points of its world land on the dots that its own convention draws."""

import numpy as np
import pytest

from spir.data.sources.carla import CARLAPictures
from tests.data.sources.lookalike import assert_dots, dotted, landing, look_at_vision, save, seen

SIZE = (64, 64)
# Half the picture is the tangent of half the 30 degrees.
FOCAL_PX = 32 / 0.2679491924311227
# A car in CARLA's world: front +x, top +z, hence its left +y.
POINTS = {"front": (2.1, 0, 0), "top": (0, 0, 1.2), "left": (0, 1.2, 0)}


def write(folder, images="images", poses="poses"):
    pose = look_at_vision(np.array((7.0, 5.5, 4.0)), np.array((0, 0, 1.0)))
    dots = {name: seen(pose, FOCAL_PX, SIZE, point) for name, point in POINTS.items()}
    save(folder / images / "000004.png", dotted(SIZE, dots))
    save(folder / images / "000005.png", dotted(SIZE, dots))
    (folder / poses).mkdir()
    # The data's cameras look along -z, y up.
    np.save(folder / poses / "000004_extrinsics.npy", (pose @ np.diag((1.0, -1, -1, 1)))[:3])
    return dots


@pytest.mark.parametrize(("images", "poses"), [("images", "poses"), (".", "carla_poses")])
def test_known_points_land_on_their_dots(tmp_path, images, poses):
    dots = write(tmp_path, images, poses)
    assert CARLAPictures.recognises(tmp_path)
    pictures = CARLAPictures(tmp_path)
    assert pictures.names == ("000004",), "a picture without a pose is none of this collection"
    distances = {"front": 0.7, "top": 0.4, "left": 0.4}
    assert_dots(pictures[0], distances)
    for name, distance in distances.items():
        assert np.allclose(landing(pictures[0], name, distance), dots[name], atol=1e-3)
    assert pictures[0].photo.alpha is None


def test_poses_are_data_and_never_code(tmp_path):
    write(tmp_path)
    np.save(tmp_path / "poses" / "000004_extrinsics.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="000004.*allow_pickle=False"):
        CARLAPictures(tmp_path)[0]


def test_what_it_refuses(tmp_path):
    assert not CARLAPictures.recognises(tmp_path)
    with pytest.raises(ValueError, match="no picture in"):
        CARLAPictures(tmp_path)
    with pytest.raises(ValueError, match="ask for 'train'"):
        CARLAPictures(tmp_path, "test")

"""Lists of photos: masks of both kinds, poses in the authors' convention, errors with line numbers."""

import json
from math import exp

import numpy as np
import pytest
from PIL import Image

from spir.data.sources.imagenet import ListedPictures
from tests.data.sources.lookalike import assert_dots, dotted, landing, save

POSE = {"z0": 0.4, "shift": [0.12, -0.08], "scale": 0.45, "quaternion": [0.82, 0.5, -0.2, 0.19]}
# An object in the authors' frame: front -y, top +z, hence its left +x.
POINTS = {"front": (0, -0.98, 0), "top": (0, 0, 0.7), "left": (0.7, 0, 0)}


def rotated(quaternion, point) -> np.ndarray:
    w, *rest = np.array(quaternion) / np.linalg.norm(quaternion)
    axis, point = np.array(rest), np.asarray(point, float)
    return point + 2 * np.cross(axis, np.cross(axis, point) + w * point)


def authors_pixel(point, size) -> np.ndarray:
    """x_cam = R x + (t / s, f / s), f = 1 + exp(z0), in [-1, 1] of the photo padded to a square; y down."""
    f, s = 1 + exp(POSE["z0"]), POSE["scale"]
    x, y, z = rotated(POSE["quaternion"], point) + np.array((*(np.array(POSE["shift"]) / s), f / s))
    height, width = size
    return np.array((width / 2, height / 2)) + max(size) / 2 * f * np.array((x, y)) / z


def write(folder, size=(90, 120), **keys):
    dots = {name: authors_pixel(point, size) for name, point in POINTS.items()}
    save(folder / "images" / "n02958343" / "7.jpg", dotted(size, dots, 128))
    entry = {"file": "images/n02958343/7.jpg", "box": [1, 2, 3, 4], **keys}
    (folder / "train.jsonl").write_text("\n" + json.dumps(entry) + "\n")
    return dots


@pytest.mark.parametrize("size", [(90, 120), (120, 90), (96, 96)])
def test_known_points_land_on_their_dots(tmp_path, size):
    dots = write(tmp_path, size, pose=POSE)
    (picture,) = ListedPictures(tmp_path)
    distances = {"front": 0.7, "top": 0.5, "left": 0.5}
    assert_dots(picture, distances)
    for name, distance in distances.items():
        assert np.allclose(landing(picture, name, distance), dots[name], atol=1e-3)
    assert picture.name == "00000-7" and picture.photo.alpha is None


def test_masks_from_files_and_from_runs(tmp_path):
    write(tmp_path, mask="masks/7.png")
    mask = np.zeros((90, 120), np.uint8)
    mask[:, :30] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "7.png")
    from_file = ListedPictures(tmp_path / "train.jsonl")[0]
    assert from_file.camera is None and np.array_equal(from_file.photo.alpha.numpy(), mask)
    runs = {"size": [90, 120], "counts": [0, 90 * 30, 90 * 90]}
    write(tmp_path, mask=runs)
    assert ListedPictures(tmp_path)[0].photo.alpha.equal(from_file.photo.alpha)


def test_what_it_refuses(tmp_path):
    write(tmp_path, pose={"z0": 0.4})
    with pytest.raises(ValueError, match="line 2: the pose lacks shift, scale, quaternion"):
        ListedPictures(tmp_path)
    for text, words in (
        ('{"photo": 1}', 'line 1 names no photo: it needs a "file"'),
        ("{", "line 1 is no JSON"),
    ):
        (tmp_path / "train.jsonl").write_text(text)
        with pytest.raises(ValueError, match=words):
            ListedPictures(tmp_path)
    with pytest.raises(ValueError, match="no list for 'test'"):
        ListedPictures(tmp_path, "test")
    with pytest.raises(ValueError, match="no list for 'test'"):
        ListedPictures(tmp_path / "train.jsonl", "test")

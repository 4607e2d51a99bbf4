"""Pascal3D+ and CUB as CMR annotates them: known points land on the dots, masks survive, splits are named."""

import numpy as np
import pytest
import torch
from scipy.io import savemat

from spir.data.sources.cub import CUBPictures
from spir.data.sources.p3d import P3DPictures
from tests.data.sources.lookalike import assert_dots, dotted, landing, look_at_vision, save

SIZE = (70, 110)
SCALE_PX, TRANS_PX = 24.0, np.array((58.5, 31.0))
# An object in CMR's frame: front -y, top +z, hence its left +x.
POINTS = {"front": (0, -1.0, 0), "top": (0, 0, 0.8), "left": (0.8, 0, 0)}
ROTATION = look_at_vision(np.array((3.0, -4.0, 2.0)), np.array((0, 0, 1.0)))[:3, :3].T
MASK = np.zeros(SIZE, np.uint8)
MASK[10:50, 20:91] = 1

LAYOUTS = {
    "p3d": (P3DPictures, "PASCAL3D+_release1.1/Images", "data/car_{}.mat", "sfm/car_{}.mat"),
    "p3d-cache": (
        P3DPictures,
        "PASCAL3D+_release1.1/Images",
        "p3d_sfm_image/img_anno/car_{}.mat",
        "p3d_sfm_image/sfm_anno/car_{}.mat",
    ),
    "cub": (CUBPictures, "CUB_200_2011/images", "data/{}_cub_cleaned.mat", "sfm/anno_{}.mat"),
}


def one_based(point) -> np.ndarray:
    """Matlab's pixel of a point: the upper left pixel's middle is (1, 1)."""
    return SCALE_PX * (ROTATION @ np.asarray(point, float))[:2] + TRANS_PX


def write(folder, layout, count=1, split="train", poses=True):
    reader, images, annotations, sfm = LAYOUTS[layout]
    corner = {name: one_based(point) - 0.5 for name, point in POINTS.items()}
    save(folder / images / "kind" / "a.jpg", dotted(SIZE, corner, 128))
    box = {"x1": 21, "y1": 11, "x2": 91, "y2": 50}
    image = {"rel_path": "kind\\a.jpg", "bbox": box, "mask": MASK}
    pose = {"scale": SCALE_PX, "trans": TRANS_PX, "rot": ROTATION}
    files = [(annotations, "images", image)] + [(sfm, "sfm_anno", pose)] * poses
    for file, key, entry in files:
        path = folder / file.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {key: np.array([entry] * count)})
    return reader, corner


@pytest.mark.parametrize("layout", LAYOUTS)
def test_known_points_land_on_their_dots(tmp_path, layout):
    reader, corner = write(tmp_path, layout)
    assert reader.recognises(tmp_path)
    (picture,) = reader(tmp_path)
    assert picture.name == "00000-a" and picture.camera.focal is None
    half_side = reader(tmp_path).frame.half_side
    distances = {name: np.linalg.norm(point) / half_side for name, point in POINTS.items()}
    assert_dots(picture, distances)
    for name, distance in distances.items():
        assert np.allclose(landing(picture, name, distance), corner[name], atol=1e-3)
    assert torch.equal(picture.photo.alpha, torch.from_numpy(MASK * 255))


@pytest.mark.parametrize("layout", ["p3d", "cub"])
def test_without_sfm_the_cameras_are_unknown(tmp_path, layout):
    reader, _ = write(tmp_path, layout, count=3, split="val", poses=False)
    pictures = reader(tmp_path, "val")
    assert pictures.names == ("00000-a", "00001-a", "00002-a") and pictures[2].camera is None
    with pytest.raises(ValueError, match="only the splits: val"):
        reader(tmp_path, "train")


def test_annotations_and_poses_must_match(tmp_path):
    reader, _ = write(tmp_path, "cub", count=2)
    savemat(tmp_path / "sfm" / "anno_train.mat", {"sfm_anno": np.array([{"scale": 1.0}])})
    with pytest.raises(ValueError, match="2 objects but .* 1 poses"):
        reader(tmp_path)
    savemat(tmp_path / "data" / "train_cub_cleaned.mat", {"other": 1})
    with pytest.raises(ValueError, match="no 'images'"):
        reader(tmp_path)


def test_a_sheared_camera_is_refused_by_name(tmp_path):
    reader, _ = write(tmp_path, "cub")
    sheared = {"scale": SCALE_PX, "trans": TRANS_PX, "rot": ROTATION + 0.1}
    savemat(tmp_path / "sfm" / "anno_train.mat", {"sfm_anno": np.array([sheared])})
    with pytest.raises(ValueError, match="00000-a.*no rotation"):
        reader(tmp_path)[0]

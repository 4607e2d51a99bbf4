"""Which reader opens what, and what is said where none does."""

import json
import tarfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from spir.data.collection import LAYOUTS, Collection, open_collection


def photo(path, size=(32, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 40, 40)).save(path)


def make(layout, root):
    """The smallest thing of a layout that can be opened."""
    if layout == "srn":
        photo(root / "cars_train" / "x" / "rgb" / "000000.png")
        (root / "cars_train" / "x" / "intrinsics.txt").write_text("40. 16. 16. 0.\n0. 0. 0.\n1.\n32 32\n")
    elif layout == "carla":
        photo(root / "000000.png")
        (root / "carla_poses").mkdir()
        np.save(root / "carla_poses" / "000000_extrinsics.npy", np.eye(4)[:3])
    elif layout in ("cub", "p3d"):
        file = root / "data" / {"cub": "train_cub_cleaned.mat", "p3d": "car_train.mat"}[layout]
        photo(root / "PASCAL3D+_release1.1" / "Images" / "a.jpg")
        file.parent.mkdir()
        savemat(file, {"images": np.array([{"rel_path": "a.jpg", "mask": np.ones((32, 32))}])})
    elif layout == "imagenet":
        (root / "train.jsonl").write_text(json.dumps({"file": "a.jpg"}))
    elif layout == "tar":
        photo(root / "a.jpg")
        with tarfile.open(root / "cars.tar", "w") as tar:
            tar.add(root / "a.jpg", "a.jpg")
        return root / "cars.tar"
    else:
        photo(root / "a.jpg")
    return root


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_recognised_as_what_it_is(layout, tmp_path):
    path = make(layout, tmp_path)
    for asked in ("auto", layout):
        collection = open_collection(path, asked)
        assert isinstance(collection, LAYOUTS[layout]) and isinstance(collection, Collection)
        assert len(collection) == len(collection.names) == 1


def test_an_unknown_place_names_what_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no"):
        open_collection(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not laid out as any of these") as problem:
        open_collection(tmp_path)
    for layout, reader in LAYOUTS.items():
        assert f"{layout}: {reader.looks_for}" in str(problem.value)


def test_the_layout_asked_for_must_be_there(tmp_path):
    photo(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="no layout 'zip': choose auto, srn"):
        open_collection(tmp_path, "zip")
    with pytest.raises(ValueError, match="carla: images") as problem:
        open_collection(tmp_path, "carla")
    assert "layouts: srn" in str(problem.value)


def test_the_split_is_passed_on(tmp_path):
    photo(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="ask for 'train'"):
        open_collection(tmp_path, split="test")

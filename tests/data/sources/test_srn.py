"""ShapeNet-SRN: known points of its world land on the dots that its own convention draws."""

import numpy as np
import pytest

from spir.data.sources.srn import SRNPictures
from tests.data.sources.lookalike import assert_dots, dotted, landing, look_at_vision, save, seen

FOCAL_PX, SIZE = 105.0, (80, 80)
# A car in SRN's world: front +y, top +z, hence its left -x.
POINTS = {"front": (0, 0.44, 0), "top": (0, 0, 0.22), "left": (-0.22, 0, 0)}
EYE = np.array((-0.7, 0.9, 0.6))


def write_object(folder, views=1, intrinsics="105. 40. 40. 0.\n0. 0. 0.\n1.\n80 80\n"):
    pose = look_at_vision(EYE, np.array((0, 0, 1.0)))
    dots = {name: seen(pose, FOCAL_PX, SIZE, point) for name, point in POINTS.items()}
    for view in range(views):
        save(folder / "rgb" / f"{view:06d}.png", dotted(SIZE, dots))
        (folder / "pose").mkdir(exist_ok=True)
        (folder / "pose" / f"{view:06d}.txt").write_text(
            " ".join(str(number) for number in pose.ravel()) + "\n"
        )
    (folder / "intrinsics.txt").write_text(intrinsics)
    return dots


def test_known_points_land_on_their_dots(tmp_path):
    dots = write_object(tmp_path / "0a1b")
    (picture,) = SRNPictures(tmp_path)
    assert picture.name == "0a1b/000000" and picture.photo.alpha is None
    distances = {"front": 0.8, "top": 0.4, "left": 0.4}
    assert_dots(picture, distances)
    for name, distance in distances.items():
        assert np.allclose(landing(picture, name, distance), dots[name], atol=1e-3)
    assert picture.camera.focal.item() == pytest.approx(105 / 80)
    # At 0.55 to the unit, and seeing the car's front from its left and above.
    assert np.allclose(picture.camera.cam2world[0, :3, 3], np.array((0.7, 0.6, 0.9)) / 0.55, atol=1e-5)


def test_splits_are_never_mixed(tmp_path):
    write_object(tmp_path / "cars_train" / "one", views=2)
    write_object(tmp_path / "cars_test" / "two")
    write_object(tmp_path / "cars_val" / "cars_val" / "three")
    assert SRNPictures.recognises(tmp_path)
    assert SRNPictures(tmp_path).names == ("one/000000", "one/000001")
    assert SRNPictures(tmp_path, "test").names == ("two/000000",)
    assert SRNPictures(tmp_path, "val").names == ("three/000000",)
    assert SRNPictures(tmp_path / "cars_test", "test").names == ("two/000000",)
    for folder, split in (("cars_test", "train"), ("cars_train", "test")):
        with pytest.raises(ValueError, match=f"one folder of '{split}' objects, but has none"):
            SRNPictures(tmp_path / folder, split)
    write_object(tmp_path / "chairs_train" / "four")
    with pytest.raises(ValueError, match="several: cars_train, chairs_train"):
        SRNPictures(tmp_path)


def test_damaged_cameras_are_refused_by_name(tmp_path):
    write_object(tmp_path / "x", intrinsics="105. 50. 40. 0.\n0. 0. 0.\n1.\n80 80\n")
    with pytest.raises(ValueError, match="x/000000.*not the middle"):
        SRNPictures(tmp_path)[0]
    write_object(tmp_path / "x")
    mirror = np.diag((1.0, 1.0, -1.0, 1.0))
    (tmp_path / "x" / "pose" / "000000.txt").write_text(" ".join(str(number) for number in mirror.ravel()))
    with pytest.raises(ValueError, match="x/000000.*no rotation"):
        SRNPictures(tmp_path)[0]
    (tmp_path / "x" / "pose" / "000000.txt").unlink()
    with pytest.raises(ValueError, match="x/000000"):
        SRNPictures(tmp_path)[0]

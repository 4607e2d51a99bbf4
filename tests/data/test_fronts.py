"""Where fronts point, by eye: poses that say otherwise are turned, and only those."""

import pytest
import torch

from spir.data.poses.fronts import agrees, read_fronts, turn_to_agree
from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import view_from_rotation


def views(*azimuth_deg):
    azimuth = torch.tensor(azimuth_deg)
    return look_at_pose(azimuth, torch.full_like(azimuth, 8.0), focal=torch.full_like(azimuth, 2.0))


def test_a_camera_to_the_left_front_sees_the_front_point_left():
    # At 40 degrees the camera stands towards +X, the object's left side, and the front (+Z) points left.
    pose = views(40.0, -40.0, 0.0, 180.0, 90.0, -90.0)
    assert agrees(pose, ["left", "right", "near", "far", "left", "right"]).all()
    assert not agrees(pose, ["right", "left", "far", "near", "right", "left"]).any()
    assert agrees(pose, [None] * 6).all()


def test_wrong_ends_get_half_a_turn():
    pose = views(140.0, 40.0, 90.0, 180.0, 30.0)
    found = turn_to_agree(pose, ["right", "right", "right", "near", None])
    azimuth = view_from_rotation(found.quaternion)[0]
    expected = torch.tensor([-40.0, -140.0, -90.0, 0.0, 30.0])
    assert torch.allclose(torch.cos(torch.deg2rad(azimuth - expected)), torch.ones(5), atol=1e-4)
    assert agrees(found, ["right", "right", "right", "near", None]).all()


def test_the_table_is_read_and_its_faults_are_named(tmp_path):
    good = tmp_path / "fronts.csv"
    good.write_text("name,side\n00001,left\n00002,far\n")
    assert read_fronts(good) == {"00001": "left", "00002": "far"}
    good.write_text("name,side\n00001,up\n")
    with pytest.raises(ValueError, match="line 2.*left, right, near, far"):
        read_fronts(good)

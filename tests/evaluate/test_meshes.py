"""Novel views of meshes: the same photos always, the whole car in them, targets all around."""

import json
from dataclasses import replace

import pytest
import torch

from spir.categories import CATEGORIES
from spir.data.meshes.read import MeshFile, box_corners
from spir.evaluate.__main__ import main
from spir.evaluate.benchmarks import meshes
from spir.evaluate.benchmarks.meshes import MeshSubject, eye_level_pose, per_mesh, scene, target_cameras
from spir.geometry.camera import project
from spir.geometry.rotation import view_from_rotation
from tests.data.shapes import box

CAR = CATEGORIES["car"]
FILE = MeshFile("boxes/car.obj", up="+z", front="-y")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A box, 4 long in y, 2 wide and 1.5 high."""
    folder = tmp_path_factory.mktemp("meshes")
    mesh = box((1.0, 2.0, 0.75))
    lines = [f"v {x} {y} {z}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in mesh.faces.tolist()]
    (folder / "boxes").mkdir()
    (folder / "boxes/car.obj").write_text("\n".join(lines))
    return folder


@pytest.fixture(autouse=True)
def fewer_targets(request, monkeypatch):
    """Four azimuths instead of twelve wherever pictures are made."""
    if "root" in request.fixturenames:
        monkeypatch.setattr(meshes, "AZIMUTHS", 4)


@pytest.fixture
def true(root):
    return scene(root, MeshSubject(FILE, 0), CAR)


def test_a_photo_is_always_the_same_and_unlike_the_next(root, true):
    state = torch.random.get_rng_state()
    again, other = scene(root, MeshSubject(FILE, 0), CAR), scene(root, MeshSubject(FILE, 1), CAR)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(again.photo.rgb, true.photo.rgb) and torch.equal(again.targets.rgb, true.targets.rgb)
    assert not torch.equal(other.photo.rgb, true.photo.rgb)


def test_the_photo_holds_the_whole_car_at_eye_level(true):
    alpha = true.photo.alpha
    assert true.photo.rgb.shape == (192, 192, 3)
    edge = torch.cat((alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    assert edge.max() == 0 and (alpha > 128).float().mean() > 0.05
    assert (true.photo.rgb[alpha == 0].float() - 127.5).abs().max() <= 0.5
    assert view_from_rotation(true.pose.quaternion)[1].item() < 25


def test_targets_are_the_car_all_around(true):
    assert true.targets.rgb.shape == (8, 128, 128, 3)
    # From the front the box is 2 by 1.5, from the side 4 by 1.5.
    area = (true.targets.alpha > 0.5).float().mean((1, 2))
    assert 1.5 < area[1] / area[0] < 2.1
    assert (true.targets.rgb[true.targets.alpha == 0] == CAR.background).all()


def test_two_rings_of_twelve_cameras_that_hold_any_car():
    cameras = target_cameras()
    eyes = cameras.cam2world[:, :3, 3]
    azimuth = torch.atan2(eyes[:, 0], eyes[:, 2]).rad2deg().round().remainder(360)
    assert sorted(azimuth.tolist()) == sorted(2 * [30.0 * turn for turn in range(12)])
    assert torch.allclose(eyes.norm(dim=1), eyes[:1].norm())
    height = (eyes[:, 1] / eyes.norm(dim=1)).asin().rad2deg()
    assert torch.allclose(height, torch.tensor([10.0] * 12 + [30.0] * 12), atol=1e-3)
    corners = box_corners(box((0.55, 0.5, 0.9))).expand(24, -1, -1)
    assert project(cameras, corners)[0].abs().max() < 0.5


def test_cameras_from_high_above_are_passed_over():
    corners = box_corners(box())
    torch.manual_seed(0)
    heights = torch.stack([view_from_rotation(eye_level_pose(corners).quaternion)[1] for _ in range(12)])
    assert heights.max() < 25 and heights.std() > 3


def test_every_test_car_is_photographed_four_times():
    subjects = meshes.subjects(meshes.TEST_CARS)
    assert len(subjects) == 48 == len({subject.name for subject in subjects})
    assert len({subject.seed for subject in subjects}) == 48


def test_a_row_per_mesh():
    row = {"psnr": 10.0, "ssim": 0.5, "judge": 0.7, "novel_iou": 0.5, "rotation_deg": 1.0, "azimuth_deg": 1.0,
           "iou": 0.5, "seconds": 1.0, "views": {"judge": [0.6, 0.8], "psnr": [12.0, 8.0]}}  # fmt: skip
    near, far = {"angle_deg": [0.0, 60.0]}, {"angle_deg": [0.0, 150.0]}
    records = [
        {"name": "a-0", "mesh": "a", **near, "0": row},
        {
            "name": "a-1",
            "mesh": "a",
            **far,
            "0": {**row, "psnr": 20.0, "novel_iou": 0.9, "azimuth_deg": 170.0},
        },
        {"name": "b-0", "mesh": "b", **near, "0": row},
        {"name": "b-1", "error": "E: no"},
    ]
    table = per_mesh(records, (0,))
    assert list(table) == ["a", "b"] and table["b"]["0"]["flips"] == 0
    assert (table["a"]["0"]["psnr"], table["a"]["0"]["flips"]) == (15, 0.5)
    assert table["a"]["0"]["novel_iou"] == pytest.approx(0.7)
    bands = {"all": 0.7, "0-30": 0.6, "30-90": 0.8, "90-180": 0.8}
    assert table["a"]["0"]["by_angle"]["judge"] == pytest.approx(bands)
    assert table["b"]["0"]["by_angle"]["psnr"] == {"all": 10, "0-30": 12, "30-90": 8, "90-180": None}


def test_the_command_reports_meshes_and_names_those_that_lack(root, weights_root, tmp_path, monkeypatch):
    monkeypatch.setattr(meshes, "TEST_CARS", (FILE, replace(FILE, path="boxes/lost.obj")))
    monkeypatch.setattr(meshes, "PHOTOS", 1)
    monkeypatch.setattr(meshes, "AZIMUTHS", 1)
    main(
        f"car --device cpu --weights {weights_root} --meshes {root} --steps 0,1 "
        f"--json {tmp_path}/r.json --markdown {tmp_path}/r.md".split()
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert list(report["meshes"]) == ["0", "1"] and list(report["per_mesh"]) == ["car"]
    row = report["meshes"]["1"]
    assert set(row["by_angle"]) == {"judge", "psnr"}
    for bands in row["by_angle"].values():
        assert set(bands) == {"all", "0-30", "30-90", "90-180"}
    assert row["by_angle"]["psnr"]["all"] == pytest.approx(row["psnr"], rel=1e-5)
    item = report["items"]["meshes"][0]
    assert len(item["angle_deg"]) == len(item["1"]["views"]["judge"]) == len(item["1"]["views"]["psnr"]) == 2
    assert 0 < row["psnr"] < 60 and 0 <= row["novel_iou"] <= 1 and 0 <= row["median_deg"] <= 180
    assert (
        list(report["failures"]["meshes"]) == ["lost-0"]
        and "no mesh" in report["failures"]["meshes"]["lost-0"]
    )
    text = (tmp_path / "r.md").read_text()
    assert "## Unseen shapes" in text and "| car |" in text and "mesh, N = 1" in text

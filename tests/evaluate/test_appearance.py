"""Textured objects from end to end with a surface made by hand: the interface that programs read, tables, pages."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spir.categories import CAR_PALETTE, CATEGORIES
from spir.data.meshes.read import MeshFile
from spir.evaluate.__main__ import main, options
from spir.evaluate.appearance import eth80, meshes, photos, recolour, scores, sheet, textured
from spir.evaluate.appearance.paints import BLUE, RED, SILVER, other_paint, reddish
from spir.evaluate.benchmarks import meshes as evaluated_meshes
from spir.evaluate.benchmarks import procedural
from spir.evaluate.runs import view
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.pipeline import Reconstructor
from spir.types import Code, Rendering
from tests.data.shapes import box, joined
from tests.evaluate.stand_in import box_appearance, stand_in

DISTANCES = {"all", "0-30", "30-90", "90-180"}


@pytest.fixture(scope="module")
def mesh_root(tmp_path_factory):
    """One box as an OBJ."""
    folder, shape = tmp_path_factory.mktemp("shapes"), box()
    lines = [f"v {x} {y} {z}" for x, y, z in shape.vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in shape.faces.tolist()]
    (folder / "car.obj").write_text("\n".join(lines))
    return folder


def small(patch):
    """Small pictures, few views and a single step."""
    for module, name, value in (
        (textured, "RENDERED_SIZE", 32),
        (textured, "STEPS", 1),
        (meshes, "EVERY", 6),
        (meshes, "PHOTO_SIZE", 128),
        (meshes, "TARGET_SIZE", 64),
        (recolour, "PHOTO_SIZE", 128),
        (recolour, "SIZE", 64),
        (photos, "SIZE", 64),
        (eth80, "SIZE", 64),
        (procedural, "SAMPLES", 4),
        (procedural, "GRID", 24),
    ):
        patch.setattr(module, name, value)


@pytest.fixture(scope="module")
def run(judge_network, weights_root, judge, photo_folder, eth80_folder, mesh_root, tmp_path_factory):
    """One run of every part; the folder it wrote into, and the command line."""
    out = tmp_path_factory.mktemp("textured")
    line = (
        f"car --device cpu --weights {weights_root} --judge {judge} --appearance-only --photos {photo_folder} "
        f"--eth80 {eth80_folder} --meshes {mesh_root} --recolour 1 --appearance-sheet {out}/sheet.png "
        f"--json {out}/report.json --markdown {out}/report.md"
    ).split()
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        patch.setattr(Reconstructor, "appearance", stand_in)
        main(line)
    return out, line


@pytest.fixture(scope="module")
def report(run):
    return json.loads((run[0] / "report.json").read_text())


def test_the_stable_interface(report):
    found = report["appearance"]
    assert set(found["photos"]) == {"psnr", "sharpness", "rendering_psnr", "rendering_sharpness"}
    looks = ("psnr", "ssim", "sharpness", "distance")
    assert set(found["meshes"]) == {*looks, *(f"rendering_{name}" for name in looks)}
    assert set(found["meshes"]["distance"]) == set(found["meshes"]["rendering_distance"]) == DISTANCES
    assert set(found["eth80"]) == {"distance", "rendering_distance", "sharpness", "rendering_sharpness"}
    assert set(found["recolour"]) == {"meshes", "procedural"}
    assert all(set(shares) == {"paint", "others"} for shares in found["recolour"].values())
    assert report["photos"] == report["meshes"] == report["procedural"] == {}


def test_items_are_beside_and_failures_named(report):
    assert list(report["failures"]["appearance_photos"]) == ["broken"]
    (mesh,) = report["items"]["appearance_meshes"]
    assert mesh["name"] == "car-0" and len(mesh["angle_deg"]) == len(mesh["textured"]["psnr"]) == 4
    assert all(0 < value < 60 for value in mesh["textured"]["psnr"] + mesh["rendering"]["psnr"])
    assert all(0 < value < 4 for value in mesh["textured"]["distance"])
    assert [toy["car"] for toy in report["items"]["appearance_eth80"]] == ["1", "4"]


def test_the_tables_are_whole(run):
    text = (run[0] / "report.md").read_text()
    for title in ("own photos", "Unseen shapes", "ETH-80, other photos", "Recolouring with detail"):
        assert f"### {title}" in text or f"### In their {title}" in text
    lines = text.splitlines()
    for above, line in zip(lines, lines[1:], strict=False):
        if above.startswith("|") and line.startswith("|"):
            assert line.count("|") - line.count("\\|") == above.count("|") - above.count("\\|")


def test_the_pages_have_two_rows_a_photo(run):
    with Image.open(run[0] / "sheet-1.png") as page:
        assert page.width == pytest.approx(5 * 220, abs=8) and page.height == pytest.approx(4 * 220, abs=8)
    assert not (run[0] / "sheet-2.png").exists()


def flat(value):
    """All numbers of nested dictionaries, in order."""
    return (
        [number for entry in value.values() for number in flat(entry)] if isinstance(value, dict) else [value]
    )


def test_a_run_that_goes_on_takes_what_is_there(run, report, monkeypatch):
    """All but the photos, whose pictures are asked for: those are measured again, and nothing works any more."""

    def broken(*_):
        raise RuntimeError("asked again")

    small(monkeypatch)
    monkeypatch.setattr(Reconstructor, "appearance", broken, raising=False)
    out, line = run
    main([*line, "--resume"])
    again = json.loads((out / "report.json").read_text())
    for part in ("meshes", "eth80", "recolour"):
        before, after = (flat(one["appearance"][part]) for one in (report, again))
        assert [value is None for value in before] == [value is None for value in after]
        assert [v for v in after if v is not None] == pytest.approx(
            [v for v in before if v is not None], 1e-4
        )
    assert again["items"]["appearance_meshes"] == report["items"]["appearance_meshes"]
    assert set(again["failures"]["appearance_photos"]) == {"a", "b", "broken"}


@pytest.mark.parametrize(
    "line",
    [
        "--appearance",
        "--appearance-only",
        "--appearance-sheet a.png",
        "--resume",
        "--appearance --procedural 3",
    ],
)
def test_wishes_that_make_no_sense_are_refused(line, capsys):
    with pytest.raises(SystemExit) as stop:
        options(["car", *line.split()])
    assert stop.value.code == 2 and "error" in capsys.readouterr().err


def test_the_truth_itself_is_perfect(judge_network):
    like = torch.ones(1)
    camera = camera_from_pose(look_at_pose(30 * like, 10 * like, focal=2 * like, scale=0.7 * like))
    seen = textured.surface_views(box_appearance(), camera, 64, 0.0)
    perfect = scores.view_scores(seen, seen)
    assert perfect["psnr"] == [60] and perfect["distance"] == [0]
    assert perfect["ssim"] == pytest.approx([1]) and perfect["sharpness"] == pytest.approx([1])
    blurred = replace(seen, rgb=torch.nn.functional.avg_pool2d(seen.rgb.mT, (1, 5), 1, (0, 2)).mT)
    assert scores.view_scores(blurred, seen)["sharpness"][0] < 0.9


def test_one_photo_a_toy_and_others_from_low_enough(eth80_folder):
    toys = eth80.toys(eth80_folder)
    assert [toy.name for toy in toys] == ["car1-066-297", "car11-066-297"]
    assert [[seen.name for seen in toy.others] for toy in toys] == [["car1-090-045"], ["car11-090-045"]]


def test_other_paints_are_clearly_other():
    signed = lambda colour: 2 * torch.tensor(colour) - 1  # noqa: E731
    assert other_paint(signed(RED)) == SILVER and reddish(signed(RED))
    assert other_paint(signed(SILVER)) == RED and other_paint(signed(BLUE)) == RED
    assert other_paint(signed((0.93, 0.93, 0.92))) == BLUE and not reddish(signed((0.4, 0.32, 0.25)))
    assert not reddish(torch.tensor((-1.0, -1.0, -1.0)))


@pytest.mark.parametrize("rows, columns", [((10, 30), (20, 80)), ((0, 96), (90, 96))])
def test_seen_from_elsewhere_the_object_fills_the_tile(rows, columns):
    alpha = torch.zeros(1, 96, 96)
    alpha[:, slice(*rows), slice(*columns)] = 1
    rgb = torch.where(alpha[..., None] > 0, 1.0, -0.5).expand(-1, -1, -1, 3)
    tile = sheet.filled(Rendering(rgb, alpha, alpha), -0.5)[..., 0]
    seen = np.argwhere(tile > 160)
    extent, middle = np.ptp(seen, axis=0) + 1, seen.mean(0) + 0.5
    assert extent.max() == pytest.approx(sheet.FILLED * sheet.TILE, abs=4)
    assert middle == pytest.approx([sheet.TILE / 2] * 2, abs=4)
    assert abs(int(tile[2, 2]) - 64) <= 1
    assert sheet.filled(Rendering(rgb, 0 * alpha, alpha), 0.0).shape == (sheet.TILE, sheet.TILE, 3)


def test_the_truth_of_a_painted_mesh():
    """Paint to the left, glass to the right of the middle, second paint below: neither."""
    glass, second = CAR_PALETTE.index("glass"), CAR_PALETTE.index("second paint")
    halves = [
        box((0.2, 0.2, 0.9), part, (x, y, 0.0))
        for part, x, y in ((0, -0.2, 0.2), (glass, 0.2, 0.2), (second, 0.0, -0.2))
    ]
    like = torch.ones(1)
    camera = camera_from_pose(look_at_pose(0 * like, 0 * like, focal=8 * like, scale=like))
    paint, others = recolour.mesh_truth(joined(*halves), camera, 64)
    assert paint[27, 22] and not others[27, 22] and others[27, 42] and not paint[27, 42]
    assert not (paint | others)[40:].any() and not (paint & others).any()


def test_the_truth_of_attention():
    # Paint, glass and rims of each pixel.
    shares = ((0.9, 0.1, 0.0), (0.05, 0.9, 0.05), (0.3, 0.7, 0.0), (0.05, 0.05, 0.9), (0.0, 0.0, 0.0))
    attention = torch.zeros(1, len(shares), 10)
    attention[0][:, [0, 2, 4]] = torch.tensor(shares)
    paint, others = recolour.attention_truth(attention, attention.sum(-1))
    assert paint.tolist() == [[True, False, False, False, False]]
    assert others.tolist() == [[False, True, False, False, False]]


def test_enlarged_views_are_the_rendering_of_today(reconstructor):
    torch.manual_seed(0)
    code = Code(torch.randn(1, 1, 16))
    like = torch.ones(2)
    cameras = camera_from_pose(
        look_at_pose(torch.tensor([30.0, 90.0]), 10 * like, focal=2 * like, scale=0.7 * like)
    )
    seen = textured.enlarged_views(reconstructor, code, cameras, 256)
    plain = view(reconstructor, code, cameras[1:], textured.RENDERED_SIZE)
    assert seen.rgb.shape == (2, 256, 256, 3)
    smaller = torch.nn.functional.avg_pool2d(seen.rgb[1:].permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    assert (smaller - plain.rgb).abs().mean() < 0.01 and not torch.equal(seen.rgb[0], seen.rgb[1])


def test_shapes_that_are_no_cars_keep_their_colours_and_are_whole_in_the_targets(mesh_root):
    (file,) = evaluated_meshes.files_of(mesh_root, "chair")
    assert not file.car
    subject = evaluated_meshes.MeshSubject(file, 0)
    taken = evaluated_meshes.shot(mesh_root, subject, CATEGORIES["car"], 32)
    assert (taken.mesh.colours == taken.mesh.colours[0, 0, 0]).all()
    wide = evaluated_meshes.target_cameras(1.6)
    corners = torch.cartesian_prod(*[torch.tensor([-0.92, 0.92])] * 3)[None].expand(24, -1, -1)
    assert project(wide, corners)[0].abs().max() < 0.5


def test_test_cars_are_asked_for_by_the_folder_that_has_them(tmp_path, monkeypatch):
    cars = (MeshFile("a/car.obj"), MeshFile("a/lost.obj"))
    monkeypatch.setattr(evaluated_meshes, "TEST_CARS", cars)
    (tmp_path / "a").mkdir()
    for name in ("car", "other"):
        (tmp_path / f"a/{name}.obj").write_text("v 0 0 0\n")
    assert evaluated_meshes.files_of(tmp_path, "car") == list(cars)
    assert [file.name for file in evaluated_meshes.files_of(tmp_path, "chair")] == ["car", "other"]
    assert np.all([subject.number == 0 for subject in meshes.subjects(cars)])

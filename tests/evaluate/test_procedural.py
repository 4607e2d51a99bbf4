"""Novel views of procedural objects, and recolouring them."""

from copy import deepcopy

import pytest
import torch

from spir.categories import CATEGORIES
from spir.evaluate.benchmarks import novel_views, procedural, recolour
from spir.evaluate.benchmarks.procedural import ProceduralSubject, scene
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose
from spir.metrics.images import psnr
from spir.pipeline import Reconstructor
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Guess, Outcome, Pose, Step

CAR = CATEGORIES["car"]


@pytest.fixture(scope="module")
def true():
    return scene(ProceduralSubject("car", 0), CAR)


@pytest.fixture(scope="module", autouse=True)
def coarse_truth():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(procedural, "SAMPLES", 16)
        patch.setattr(procedural, "GRID", 48)
        yield


def test_a_subject_is_always_the_same_and_unlike_the_next(true):
    state = torch.random.get_rng_state()
    again = scene(ProceduralSubject("car", 0), CAR)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(again.photo.rgb, true.photo.rgb) and torch.equal(again.target.rgb, true.target.rgb)
    assert not torch.equal(scene(ProceduralSubject("car", 1), CAR).field.palette, true.field.palette)


def test_the_photo_is_larger_than_the_crop_and_holds_the_whole_object(true):
    assert true.photo.rgb.shape == (192, 192, 3) and true.target.rgb.shape == (1, 128, 128, 3)
    alpha = true.photo.alpha
    edge = torch.cat((alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    assert edge.max() == 0 and (alpha > 128).float().mean() > 0.05
    assert (true.photo.rgb[alpha == 0].float() - 127.5).abs().max() <= 0.5


def test_the_target_is_the_object_from_the_target_camera(true):
    with torch.no_grad():
        direct = render(true.field, true.target_camera, RenderConfig(size=128, samples=32, grid=96))
        other = render(true.field, camera_from_pose(true.pose), RenderConfig(size=128))
    assert psnr(direct.rgb, true.target.rgb).item() > 30
    assert psnr(other.rgb, true.target.rgb).item() < 25


def test_the_box_holds_the_surface(true):
    corners = procedural.bounding_corners(true.field)
    grid = true.field.sdf_grid(48)[0] < 0
    axis = torch.linspace(-1, 1, 48)
    points = axis[grid.nonzero()]
    assert torch.allclose(corners[0].amin(0), points.amin(0))
    assert torch.allclose(corners[0].amax(0), points.amax(0))
    assert project(camera_from_pose(true.pose), corners)[0].abs().max() < 0.5


class PerfectMethod(Reconstructor):
    """Knows the object, its colours and its camera; cuts out as the app does."""

    def __init__(self, true, generator):
        self.true, self.device, self.category, self.segmenter = true, "cpu", CAR, "auto"
        self.as_published = False
        self.generator = deepcopy(generator)
        self.generator.palette = self.palette

    def initialise(self, cutout):
        x0, y0, x1, y1 = cutout.box_px[0].tolist()
        zoom = 192 / (x1 - x0)
        centre = torch.tensor([[(x0 + x1) / 192 - 1, 1 - (y0 + y1) / 192]])
        pose = self.true.pose
        focal = (1 + pose.z0.exp()) / 2 * zoom
        pose = Pose(
            torch.log(2 * focal - 1), (pose.shift - centre) * zoom, pose.scale * zoom, pose.quaternion
        )
        code, nothing = Code(torch.zeros(1, 1, 1)), torch.zeros(1, 128, 128)
        return Guess(torch.zeros(1, 128, 128, 3), nothing, code, pose, torch.zeros(1), (Outcome.SOLVED,))

    def invert(self, cutout, guess, config):
        nothing = torch.zeros(1, 128, 128)
        for index in range(config.steps + 1):
            rgb = nothing[..., None].expand(-1, -1, -1, 3)
            yield Step(index, guess.code, guess.pose, rgb, nothing, torch.zeros(1), 0.0, ("",))

    def palette(self, code):
        return self.true.field.palette if code.palette is None else code.palette

    def field(self, code):
        code = getattr(code, "code", code)
        painted = object.__new__(type(self.true.field))
        painted.__dict__.update(self.true.field.__dict__, palette=self.palette(code))
        return painted


@pytest.fixture
def known(true, monkeypatch):
    """The subject is not made anew."""
    for module in (procedural, recolour):
        monkeypatch.setattr(module, "scene", lambda subject, category: true)


def test_a_perfect_method_gets_perfect_numbers(true, known, reconstructor):
    row = procedural.score_subject(
        PerfectMethod(true, reconstructor.generator), ProceduralSubject("car", 0), (0, 2)
    )["2"]
    assert row["psnr"] > 30 and row["ssim"] > 0.97 and row["rotation_deg"] < 0.1 and row["iou"] > 0.97


def test_a_perfect_method_recolours_the_paint_alone(true, known, reconstructor):
    shares = recolour.score_recolour(
        PerfectMethod(true, reconstructor.generator), ProceduralSubject("car", 0), 0
    )
    assert shares["paint"] > 0.98 and shares["others"] < 0.05
    # Mixtures of paint and light do change, and the record says how many must.
    assert shares["rest_true"] > 0.05 and abs(shares["rest"] - shares["rest_true"]) < 0.05


def test_means_and_medians():
    row = {"judge": 0.5, "ssim": 0.5, "novel_iou": 0.5, "rotation_deg": 1.0, "azimuth_deg": 1.0, "iou": 0.5,
           "seconds": 1.0, "views": {"judge": [0.5], "psnr": [10.0]}}  # fmt: skip
    where = {"angle_deg": [20.0]}
    records = [
        {"name": "a", **where, "10": {**row, "psnr": 10.0}},
        {"name": "b", **where, "10": {**row, "psnr": 20.0, "rotation_deg": 170.0, "azimuth_deg": 170.0}},
        {"name": "c", **where, "10": {**row, "psnr": 30.0, "rotation_deg": 4.0}},
        {"name": "d", "error": "RuntimeError: no"},
    ]
    table = novel_views.summary(records, (10,))["10"]
    assert (table["psnr"], table["median_deg"]) == (20, 4) and table["flips"] == pytest.approx(1 / 3)


def test_crops_by_nearest_pixel():
    maps = torch.arange(48.0).view(6, 8)
    cut = recolour.crop_nearest(maps, torch.tensor([[2.0, -1.0, 6.0, 3.0]]), 4)
    assert torch.equal(cut[1:], maps[:3, 2:6]) and (cut[0] == 0).all()
    doubled = recolour.crop_nearest(maps[..., None], torch.tensor([[2.0, 1.0, 4.0, 3.0]]), 4)[..., 0]
    assert torch.equal(doubled, maps[1:3, 2:4].repeat_interleave(2, 0).repeat_interleave(2, 1))


def test_the_contrast_is_strong_in_every_channel():
    colour = torch.tensor([-0.9, 0.1, 0.8])
    assert torch.equal(recolour.contrasting(colour), torch.tensor([1.0, -1.0, -1.0]))


def test_what_counts_as_changed():
    before = torch.zeros(1, 3, 3)
    after = torch.tensor([[[0.0, 0.0, 0.0], [0.0, -0.3, 0.0], [0.19, 0.19, 0.19]]])
    assert recolour.changed(before, after).tolist() == [[False, True, False]]


def test_shares_of_too_few_pixels_are_none():
    among = torch.ones(5, 5, dtype=torch.bool)
    hit = torch.zeros_like(among)
    hit[0] = True
    assert recolour.share(hit, among) == 0.2
    assert recolour.share(hit, hit) is None


def test_means_of_the_shares_that_there_are():
    record = {"name": "a", "paint": 1.0, "others": 0.0, "rest": 0.2, "rest_true": None}
    result = recolour.summary([record, {"name": "x", "error": "no"}, {**record, "paint": None, "rest": 0.4}])
    assert result["objects"] == 2 and result["paint"] == 1 and result["others"] == 0
    assert result["rest"] == pytest.approx(0.3) and result["rest_true"] is None

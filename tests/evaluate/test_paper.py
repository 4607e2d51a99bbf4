"""The evaluation of the paper: who goes in and out, the SRN layout and back, batches that resume and add up."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from spir.categories import CATEGORIES
from spir.data import srn_views
from spir.data.collection import open_collection
from spir.evaluate.paper import inverted
from spir.evaluate.paper import run as paper
from spir.evaluate.paper.inverted import mask_of, network_input, uncropped_input
from spir.evaluate.paper.protocols import shots
from spir.evaluate.paper.run import main
from spir.evaluate.paper.tables import markdown, summary
from spir.formulas import FORMULAS
from spir.metrics.fid import EncoderFeatures
from spir.metrics.images import iou, psnr
from spir.pipeline import Reconstructor
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Photo, Step

NAMES = [f"object{i}/{view:03d}" for i in range(3) for view in range(70)]


@pytest.fixture(scope="module")
def srn(tmp_path_factory):
    """Two procedural cars, two views each."""
    folder = tmp_path_factory.mktemp("srn")
    srn_views.main(f"car --objects 2 --views 2 --out {folder}".split())
    return folder


def test_one_random_other_view_of_the_same_object():
    found = shots(NAMES, "srn", most=100)
    assert found == shots(NAMES, "srn", most=100) and len(found) == 100
    assert len({shot.picture for shot in found}) == 100
    for shot in found:
        (other,) = shot.others
        assert other != shot.picture and NAMES[other].split("/")[0] == shot.name.split("/")[0]


def test_one_view_in_and_all_others_out():
    found = shots(NAMES, "pixelnerf")
    assert [shot.name for shot in found] == [f"object{i}/064" for i in range(3)]
    assert all(len(shot.others) == 69 and shot.picture not in shot.others for shot in found)


def test_single_pictures_have_no_others():
    assert all(shot.others == () for shot in shots(["a", "b"], "srn"))
    with pytest.raises(ValueError, match="protocol"):
        shots(NAMES, "mine")


def test_written_as_srn_and_read_again_it_is_the_same_view(srn):
    """A picture rendered from the camera that the reader gives is the picture in the file."""
    collection = open_collection(srn, "srn", "test")
    assert collection.names == tuple(f"car-0000{i}/00000{j}" for i in range(2) for j in range(2))
    recipe = FORMULAS["car"]
    draws = torch.Generator().manual_seed(srn_views.FIRST_SEED + 1)
    field = recipe.field(torch.randn(1, recipe.z_dim, generator=draws))
    picture = collection[3]
    with torch.no_grad():
        seen = render(field, picture.camera, RenderConfig(size=128, samples=24, grid=64, background=1.0))
    written = picture.photo.rgb.float() / 127.5 - 1
    assert psnr(seen.rgb, written[None]).item() > 40
    assert iou(seen.alpha, mask_of(picture.photo)[None]).item() > 0.97


def test_what_is_whole_is_not_cropped(srn, reconstructor):
    picture = open_collection(srn, "srn", "test")[0]
    cut = uncropped_input(picture.photo, mask_of(picture.photo), 1.0)
    assert cut.box_px.tolist() == [[0, 0, 128, 128]]
    torch.testing.assert_close(cut.rgb[0], picture.photo.rgb.float() / 127.5 - 1, atol=0.05, rtol=0)
    cropped = network_input(reconstructor, picture.photo)
    assert cropped.mask.mean() > cut.mask.mean(), "networks of ours see the object alone"
    grey = uncropped_input(picture.photo, mask_of(picture.photo), 0.0)
    assert (grey.rgb[0, 0, 0] == 0).all()


def test_a_given_mask_counts_before_white(srn):
    photo = open_collection(srn, "srn", "test")[0].photo
    given = Photo(photo.rgb, torch.full(photo.rgb.shape[:2], 255, dtype=torch.uint8))
    assert mask_of(given).min() == 1 and mask_of(photo).min() == 0
    dark = Photo(photo.rgb // 2, None)
    assert mask_of(dark) is None


class Oracle(Reconstructor):
    """One that knows every object: codes are their places in a list of fields."""

    def __init__(self, fields):
        self.category = replace(CATEGORIES["shapenet_cars"], pixel_centre=0.5)
        self.device, self.fields, self.as_published = "cpu", fields, False

    def view(self, size, **extras):
        return RenderConfig(size=size, samples=24, grid=64, background=1.0, **extras)

    def field(self, code):
        return self.fields[int(code.w[0, 0, 0])]


def test_a_perfect_object_gets_perfect_other_views(srn, reconstructor, judge):
    collection = open_collection(srn, "srn", "test")
    recipe = FORMULAS["car"]
    draws = torch.Generator().manual_seed(srn_views.FIRST_SEED)
    oracle = Oracle([recipe.field(torch.randn(1, recipe.z_dim, generator=draws))])
    shot = shots(collection.names[:2], "pixelnerf")[0]
    pose = inverted.pose_from_camera(collection[shot.picture].camera)
    empty = torch.zeros(1, 2, 2)
    step = Step(
        0,
        Code(torch.zeros(1, 1, 1)),
        pose,
        empty[..., None].expand(-1, -1, -1, 3),
        empty,
        empty[:, 0, 0],
        0.0,
    )
    look = inverted.MetricNetworks(judge, EncoderFeatures(reconstructor.encoder))
    found = inverted.novel_view_metrics(oracle, collection, step, 0, shot, look)
    assert found["novel_psnr"] > 40 and found["novel_ssim"] > 0.99
    assert inverted.rotation_error_deg(step, 0, collection[shot.picture]) < 0.1
    random = inverted.sample_other_cameras(oracle, collection, step, np.random.default_rng(0))
    assert len(random.cam2world) == 1


def line(srn, out, weights_root, judge, *more):
    options = f"car {srn} --out {out} --weights {weights_root} --judge {judge} --steps 0,1 --device cpu"
    return [*options.split(), *more]


@pytest.fixture(scope="module")
def report(srn, weights_root, judge, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    main(line(srn, out, weights_root, judge, "--batch", "3"))
    return out


def numbers(folder):
    """What does not depend on the clock."""
    report = json.loads((folder / "report.json").read_text())
    for row in report["steps"].values():
        row.pop("seconds")
    return report


def test_the_tables_have_every_number(report):
    found = numbers(report)
    assert (found["pictures"], found["finished"]) == (4, 4)
    wanted = {"psnr", "ssim", "distance", "iou", "novel_psnr", "novel_ssim", "novel_distance", "rotation_deg"}
    for row in found["steps"].values():
        assert wanted | {"fid_front", "fid_random"} == set(row)
        assert 0 <= row["rotation_deg"] <= 180 and row["fid_front"] >= 0
    text = (report / "report.md").read_text()
    assert "N = 0" in text and "the paper" in text and "novel PSNR" in text


def test_stopped_and_started_again_nothing_is_done_twice(
    report, srn, weights_root, judge, tmp_path, monkeypatch
):
    asked = []
    original = paper.score_batch

    def once(reconstructor, collection, batch, *rest):
        asked.append([shot.name for shot in batch])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return original(reconstructor, collection, batch, *rest)

    monkeypatch.setattr(paper, "score_batch", once)
    command = line(srn, tmp_path / "out", weights_root, judge, "--batch", "3")
    with pytest.raises(KeyboardInterrupt):
        main(command)
    assert not (tmp_path / "out" / "report.md").exists()
    main(command)
    assert len(asked) == 3 and asked[1] == asked[2]
    assert numbers(tmp_path / "out") == numbers(report)


def test_two_processes_share_the_work(report, srn, weights_root, judge, tmp_path, monkeypatch, capsys):
    command = line(srn, tmp_path, weights_root, judge, "--batch", "3")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        main(command)
        assert ("novel PSNR" in capsys.readouterr().out) == (rank == "0"), "the last one has the report"
    assert numbers(tmp_path) == numbers(report)


def test_batches_with_other_settings_are_not_mixed(report, srn, weights_root, judge):
    with pytest.raises(SystemExit, match="other settings.*batch"):
        main(line(srn, report, weights_root, judge, "--batch", "2"))


def test_a_bad_picture_costs_itself_alone(srn, weights_root, judge, tmp_path, monkeypatch):
    original = inverted.network_input
    calls = []

    def blind(reconstructor, photo):
        calls.append(photo)
        # The first picture of each attempt at a batch, and then alone.
        if torch.equal(photo.rgb, calls[0].rgb):
            raise inverted_error()
        return original(reconstructor, photo)

    def inverted_error():
        from spir.photo import PhotoError

        return PhotoError("there is no object")

    monkeypatch.setattr(inverted, "network_input", blind)
    main(line(srn, tmp_path, weights_root, judge, "--batch", "2"))
    found = numbers(tmp_path)
    assert (found["pictures"], found["finished"]) == (4, 3) and len(found["failures"]) == 1
    assert "there is no object" in (tmp_path / "report.md").read_text()


def test_the_paper_s_own_numbers_stand_beside_ours():
    settings = {"category": "shapenet_chairs", "data": "chairs", "split": "test", "protocol": "srn"}
    settings |= {"as_published": False, "distance": "LPIPS", "features": "FID", "weights": "0" * 20}
    record = {"name": "a", "10": {"novel_psnr": 18.0, "rotation_deg": 8.0, "psnr": 20.0, "seconds": 1.0}}
    report = {"settings": settings, **summary([record], {}, [10])}
    text = markdown(report)
    assert "| the paper | 19.36 | 7.29 |" in text and "| N = 10 | 18.00 | 8.00 |" in text

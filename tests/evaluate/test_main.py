"""The command from end to end on tiny networks: the interface that other programs read, and its tables."""

import json

import pytest
from PIL import Image

from spir.data.poses.table import save_table
from spir.evaluate import suite
from spir.evaluate.__main__ import main, options, step_list
from spir.evaluate.benchmarks import procedural, realism
from spir.evaluate.judge import HOW_TO_GET_IT
from spir.evaluate.reports import sheet
from spir.evaluate.reports.report import markdown, plain, to_json
from tests.tiny import set_defaults, tiny_table

SAMPLES_SHOWN = 4


@pytest.fixture(scope="module")
def run(weights_root, judge, photo_folder, eth80_folder, drawn_cars, tmp_path_factory):
    """One run of everything quick; the folder it wrote into."""
    out = tmp_path_factory.mktemp("out") / "new"
    save_table(out.parent / "poses.safetensors", tiny_table(("car0", "car1")))
    line = (
        f"car --device cpu --weights {weights_root} --judge {judge} --steps 1,0 --procedural 1 --recolour 1 "
        f"--photos {photo_folder} --eth80 {eth80_folder} --eth80-novel --eth80-kept "
        f"--collection {drawn_cars} --realism --samples 3 "
        f"--poses {out.parent}/poses.safetensors --sample-sheet {out}/samples.png --sheet {out}/sheet.png "
        f"--fronts {drawn_cars}/fronts.csv --json {out}/report.json --markdown {out}/report.md"
    )
    with pytest.MonkeyPatch.context() as patch:
        set_defaults(patch, realism.sample_sheet, SAMPLES_SHOWN)
        patch.setattr(sheet, "MESH_RESOLUTION", 24)
        patch.setattr(suite, "RECOLOUR_STEPS", 1)
        patch.setattr(procedural, "SAMPLES", 4)
        patch.setattr(procedural, "GRID", 24)
        main(line.split())
    return out


@pytest.fixture(scope="module")
def report(run):
    return json.loads((run / "report.json").read_text())


def test_the_stable_interface(report):
    assert list(report["photos"]) == ["0", "1"]
    for row in report["photos"].values():
        assert {"iou", "judge", "sharpness", "psnr", "ssim", "feature_distance", "seconds"} <= set(row)
    assert {"median_deg", "under_30", "flips"} <= set(report["eth80"])
    assert {"judge", "psnr", "ssim", "median_deg"} <= set(report["procedural"]["1"])
    assert report["peak_rss_mb"] > 100


def test_untrained_networks_get_numbers_within_their_ranges(report):
    item = report["items"]["procedural"][0]
    for row in (item["0"], item["1"]):
        assert 0 < row["psnr"] < 60 and -1 <= row["ssim"] <= 1 and 0 <= row["rotation_deg"] <= 180
    assert item["0"]["seconds"] < item["1"]["seconds"] and item["outcome"]
    shares = [report["recolour"][name] for name in ("paint", "others", "rest", "rest_true")]
    assert all(share is None or 0 <= share <= 1 for share in shares)


def test_the_judge_sees_photos_novel_views_and_samples(judge_network, report):
    assert report["meta"]["judge_network"]
    for row in (*report["photos"].values(), *report["procedural"].values()):
        assert 0 < row["judge"] < 4
    assert report["realism"]["judge_fid"] > 0


def test_without_a_judge_the_other_numbers_are_there(
    no_judge, weights_root, judge, photo_folder, tmp_path, capsys
):
    out = tmp_path / "report.json"
    main(
        f"car --device cpu --weights {weights_root} --judge {judge} --steps 0 --photos {photo_folder} "
        f"--json {out}".split()
    )
    report = json.loads(out.read_text())
    assert report["photos"]["0"]["judge"] is None and report["photos"]["0"]["sharpness"] is not None
    assert report["meta"]["judge_network"] == "" and list(report["failures"]["photos"]) == ["broken"]
    shown = capsys.readouterr()
    assert HOW_TO_GET_IT in shown.err and HOW_TO_GET_IT in shown.out


def test_the_broken_photo_is_named_and_the_others_finish(report):
    assert list(report["failures"]["photos"]) == ["broken"]
    assert "PhotoError" in report["failures"]["photos"]["broken"]
    counts = report["photo_counts"]
    assert (counts["photos"], counts["finished"], counts["loss_fell_between"]) == (3, 2, [0, 1])
    assert [record["cutout"] for record in report["items"]["photos"][:2]][0] == "mask of the folder"


def test_what_the_numbers_were_made_with(report):
    meta = report["meta"]
    assert len(meta["weights"]) == 64 and meta["feature_distance"] and meta["device"] == "cpu"


def test_the_tables_are_whole(run):
    text = (run / "report.md").read_text()
    for title in (
        "Photos",
        "ETH-80",
        "ETH-80, other views of the toy",
        "ETH-80, bootstrapped poses",
        "Fronts",
        "Random samples",
        "Procedural",
        "Recolouring",
        "Failures",
        "About this run",
    ):
        assert f"## {title}" in text
    lines = text.splitlines()
    for above, line in zip(lines, lines[1:], strict=False):
        if above.startswith("|") and line.startswith("|"):
            assert line.count("|") - line.count("\\|") == above.count("|") - above.count("\\|")


def test_the_sheet_has_a_row_per_finished_photo(run):
    with Image.open(run / "sheet.png") as page:
        width, height = page.size
    assert width > 8 * 128 and 2 * 128 < height < 3 * 128


def test_samples_are_compared_with_photos_and_shown(run, report):
    found = report["realism"]
    assert found["distance"] > 0 and (found["samples"], found["photos"], found["poses"]) == (3, 5, 2)
    assert found["name"].startswith("feature-FID")
    with Image.open(run / "samples.png") as page:
        assert page.width > 8 * 96 and page.height > SAMPLES_SHOWN // 2 * 96


def test_fronts_are_counted(report):
    found = report["fronts"]
    assert found["photos"] == 2 and set(found["per_side"]) == {"left", "right"}
    assert found["right"] == sum(record["right"] for record in report["items"]["fronts"]) / 2


def test_kept_poses_of_the_toys(report):
    found = report["eth80_kept"]
    assert set(found) == {"all", "car 1", "car 4"} and 0 <= found["all"]["kept"] <= 1


def test_outlines_of_the_other_photos(report):
    found = report["eth80_novel"]
    assert found["inputs"] == 2 and set(found["iou"]) == {"0", "1"} and set(found["per_car"]) == {"1", "4"}
    assert all(0 <= value <= 1 for value in found["iou"].values())


def test_steps_are_sorted_and_checked():
    assert step_list("30,0,10,0") == (0, 10, 30)
    for bad in ("", "a", "-1", "1,,2"):
        with pytest.raises(ValueError):
            step_list(bad)


def test_without_a_wish_the_evaluation_that_needs_no_data(tmp_path):
    assert options(["car"])[0].procedural == 128
    assert options(["car", "--eth80", str(tmp_path)])[0].procedural == 0


@pytest.mark.parametrize(
    "line",
    [
        "spoon",
        "car --photos /no/such/folder",
        "car --bench",
        "car --sheet a.png",
        "car --verdict",
        "car --realism",
        "car --fronts a.csv",
        "car --eth80-novel",
    ],
)
def test_wishes_that_make_no_sense_are_refused(line, capsys):
    with pytest.raises(SystemExit) as stop:
        options(line.split())
    assert stop.value.code == 2 and "error" in capsys.readouterr().err


def test_missing_weights_end_in_a_sentence(tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["car", "--weights", str(tmp_path), "--procedural", "1"])
    assert "No weights at" in str(stop.value.code)


def test_json_has_no_infinities_and_no_pictures():
    assert plain({1: float("nan"), "pictures": [1], "a": (float("inf"), 0.123456789)}) == {
        "1": None,
        "a": [None, 0.123457],
    }
    assert json.loads(to_json({"a": float("-inf")})) == {"a": None}


def test_a_report_of_nothing_still_reads():
    meta = {
        "category": "car", "weights": "0" * 64, "device": "cpu", "threads": 1, "workers": 1, "machine": "m",
        "versions": {"torch": "2"}, "feature_distance": "f", "own_cutout": False, "judge": "",
        "judge_network": "",
    }  # fmt: skip
    empty = {"photos": {}, "eth80": {}, "procedural": {}, "failures": {}, "peak_rss_mb": 1.0, "meta": meta}
    assert markdown(empty).startswith("## About this run")
    failed = {**empty, "photo_counts": {"photos": 1, "finished": 0, "pose_solved": 0, "loss_fell": 0,
              "loss_fell_between": [0, 10]}, "failures": {"photos": {"a": "E: x|y"}}}  # fmt: skip
    assert "0 of 1 finished" in markdown(failed) and "x\\|y" in markdown(failed)

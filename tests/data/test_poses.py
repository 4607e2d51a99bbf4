"""Bootstrapping poses as a command, on a folder of drawn cars: table, report, resuming, and errors with a way
out."""

from dataclasses import replace

import pytest
import torch

from spir.data.poses import bootstrap as poses
from spir.data.poses.table import load_table, save_table
from tests.tiny import tiny_table, tiny_weights


def test_the_command_writes_a_table_and_a_report(drawn_cars, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(poses, "QUICK", replace(poses.QUICK, steps=1, size=32))
    root, out = tiny_weights(tmp_path / "weights"), tmp_path / "poses.safetensors"
    call = [
        "car",
        str(drawn_cars),
        "--weights",
        str(root),
        "--out",
        str(out),
        "--device",
        "cpu",
        "--batch",
        "2",
    ]
    poses.main([*call, "--limit", "2"])
    assert load_table(out).names == ("car0", "car1")
    fronts = ["--fronts", str(drawn_cars / "fronts.csv")]
    poses.main([*call, "--resume", *fronts, "--report", str(tmp_path / "report")])
    found = load_table(out)
    assert found.names == ("car0", "car1", "car2", "car3", "car4") and len(found.pose.scale) == 5
    assert found.w.shape[0] == 5 and found.loss.isfinite().all()
    assert "kept" in capsys.readouterr().out
    report = (tmp_path / "report" / "README.md").read_text()
    assert "of 5 photos kept" in report and f"| loss | {poses.PoseFilter().loss} |" in report
    assert list((tmp_path / "report").glob("*.png"))
    other = tmp_path / "told.safetensors"
    poses.main([*call[:4], "--out", str(other), "--device", "cpu", "--told", "--first", "1", *fronts])
    assert load_table(other).names == ("car1",)


def test_each_limit_alone_drops_a_photo():
    poses_filter, good = poses.PoseFilter(), tiny_table()
    assert poses_filter(good).all()
    for name, bad in (("reprojection", 1.0), ("iou", 0.1), ("loss", 9.0), ("spread", 9.0)):
        values = getattr(good, name).clone()
        values[1] = bad
        worse = replace(good, **{name: values})
        assert poses_filter(worse).tolist() == [True, False, True]
        # Whoever knows the front needs no sure encoder; a bad fit stays one.
        known = poses_filter(replace(worse, front_known=torch.ones(3, dtype=torch.bool)))
        assert bool(known[1]) == (name in ("reprojection", "spread"))


def test_a_table_comes_back_and_others_are_refused(tmp_path):
    path = tmp_path / "table.safetensors"
    save_table(path, tiny_table())
    found = load_table(path)
    assert found.names == ("a", "b", "c") and found.row("b") == 1 and found.row("z") is None
    assert torch.equal(found.pose.quaternion, tiny_table().pose.quaternion) and found.kept.all()
    path.write_bytes(b"no table")
    with pytest.raises(ValueError, match="spir.data.poses"):
        load_table(path)


def test_what_cannot_be_read_is_said(tmp_path):
    root = tiny_weights(tmp_path / "weights")
    with pytest.raises(SystemExit, match="No poses were found"):
        poses.main(["car", str(tmp_path / "none"), "--weights", str(root), "--out", str(tmp_path / "x")])

"""Focal lengths for PnP, of a data set's cameras."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from spir.data import srn_views
from spir.data.poses import focals
from spir.data.poses.focals import focal_guesses
from spir.types import Camera


def collection(values):
    cameras = [None if v is None else Camera(torch.eye(4)[None], torch.tensor([v])) for v in values]
    return Listed([SimpleNamespace(camera=camera) for camera in cameras])


class Listed(list):
    """A collection that knows nothing but cameras."""

    name, names = "listed", ()


def test_percentiles_ascending_and_each_once():
    many = np.linspace(1, 3, 101, dtype=np.float32)
    found = focal_guesses(collection([*map(float, many), None]))
    assert found == pytest.approx([1.02, *np.arange(1.2, 2.9, 0.2), 2.98], abs=1e-4)
    assert focal_guesses(collection([1.5] * 7)) == [1.5]


def test_without_cameras_it_says_so():
    with pytest.raises(ValueError, match="no cameras"):
        focal_guesses(collection([None, None]))


def test_the_command_prints_what_import_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(srn_views, "SAMPLES", 4)
    monkeypatch.setattr(srn_views, "GRID", 24)
    srn_views.main(f"car --objects 1 --views 2 --out {tmp_path}".split())
    focals.main([str(tmp_path), "--split", "test"])
    assert float(capsys.readouterr().out) == pytest.approx(131.25 / 128, abs=1e-4)
    with pytest.raises(SystemExit, match="Nothing was read"):
        focals.main([str(tmp_path / "none")])

"""Photos as teachers: the command makes views of the kept ones, in their own colours, with coordinates
inside."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from spir.data.poses.table import PoseTable, save_table
from spir.geometry.pose import look_at_pose
from spir.train.encoder import views
from spir.train.encoder.photo_views import balance_directions
from spir.train.encoder.render_dataset import RenderDataset
from spir.train.encoder.shards import Views
from tests.tiny import tiny_weights


@pytest.fixture(scope="module")
def views_folder(drawn_cars, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    root = tiny_weights(folder / "weights")
    torch.manual_seed(0)
    like = torch.ones(3)
    pose = look_at_pose(80 * like, 5 * like, focal=2 * like, scale=0.7 * like)
    scores = (like.clone() for _ in range(4))
    kept = torch.tensor([True, False, True])
    table = PoseTable(("car3", "car0", "car1"), pose, torch.randn(3, 5, 16), *scores, like > 0, kept)
    save_table(folder / "poses.safetensors", table)
    call = ["car", "--teacher", "photos", "--photos", str(drawn_cars), "--device", "cpu"]
    call += ["--generator", str(root / "car" / "generator.safetensors")]
    with pytest.raises(SystemExit):
        views.main(call)
    views.main([*call, "--poses", str(folder / "poses.safetensors"), "--out", str(folder / "photos")])
    return folder / "photos"


def test_kept_photos_become_views(views_folder):
    (path,) = views_folder.glob("*.npz")
    with np.load(path) as shard:
        assert set(shard) == {"z", "nocs", "alpha", "known", "rgb", "w"}
        assert shard["w"].shape == (2, 16)
        assert shard["rgb"].shape == (2, 128, 128, 3) and not shard["known"].any()
        inside = shard["alpha"] > 250
        assert np.abs(shard["rgb"][inside].astype(int).mean(0) - (200, 30, 30)).max() < 3
        assert not shard["rgb"][shard["alpha"] == 0].any() and np.isfinite(shard["nocs"]).all()
        assert np.abs(shard["nocs"]).max() < 2


def test_rare_directions_come_repeatedly():
    azimuth = torch.tensor([40.0] * 60 + [-170.0] * 2 + [100.0] * 20 + [170.0] * 5)
    like = torch.ones(len(azimuth))
    pose = look_at_pose(azimuth, 5 * like, focal=2 * like, scale=0.7 * like)
    kept = torch.arange(len(azimuth)) < 82
    names = tuple(map(str, range(len(azimuth))))
    table = PoseTable(names, pose, torch.zeros(len(azimuth), 1, 4), *(like for _ in range(4)), like > 0, kept)
    times = torch.bincount(balance_directions(table), minlength=len(azimuth))
    # 82 photos and nine empty sectors are 7.6 a sector.
    assert (times[:60] == 1).all() and (times[60:62] == 4).all() and (times[62:82] == 1).all()
    assert not times[82:].any()


def test_repeated_views_keep_their_rows_together():
    views = Views(
        np.eye(2, 3, dtype=np.float32),
        None,
        np.ones((2, 4, 4, 3), np.float16),
        np.arange(32, dtype=np.uint8).reshape(2, 4, 4),
        np.array([True, False]),
    )
    again = views.repeated(np.array([1, 3]))
    rows = [0, 1, 1, 1]
    assert np.array_equal(again.z, views.z[rows]) and np.array_equal(again.alpha, views.alpha[rows])
    assert np.array_equal(again.known, views.known[rows]) and again.attention is None and again.w is None


def test_photos_are_compared_by_the_codes_of_their_fits(views_folder):
    paintless = SimpleNamespace(repaint=lambda z: z, palette=lambda z: torch.zeros(len(z), 10, 3))
    dataset = RenderDataset({views_folder: 1.0}, paintless, lambda z: torch.zeros(len(z), 16))
    drawn = dataset.sample(6, 0.8, 0.4)
    (path,) = views_folder.glob("*.npz")
    with np.load(path) as shard:
        codes = torch.from_numpy(shard["w"])
    assert drawn.own.all() and all((code == codes).all(1).any() for code in drawn.w)
    assert drawn.rgb.shape == (6, 3, 128, 128)
    assert float(drawn.rgb.max()) == pytest.approx(200 / 255, abs=0.02)

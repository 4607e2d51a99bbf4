"""The head for the front: ridge regression against its definition, and the command on drawn photos."""

import csv

import pytest
import torch

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.train.encoder import front
from tests.tiny import tiny_weights


def test_ridge_regression_finds_a_linear_map_and_shrinks_without_one():
    torch.manual_seed(0)
    x = 3 + 2 * torch.randn(400, 6)
    truth = torch.randn(6, 2)
    y = x @ truth + 1.5
    weight, bias = front.ridge_regression(x, y, 1e-6)
    assert torch.allclose(weight.T, truth, atol=1e-3) and torch.allclose(
        bias, torch.full((2,), 1.5), atol=1e-2
    )
    noise = torch.randn(400, 2)
    loose, tight = (front.ridge_regression(x, noise, ridge)[0].norm() for ridge in (1.0, 1e5))
    assert tight < 0.05 * loose


def test_the_command_adds_a_head_and_changes_nothing_else(drawn_cars, tmp_path):
    start = tiny_weights(tmp_path / "weights") / "car" / "encoder.safetensors"
    with (tmp_path / "fronts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "side"), ("car0", "left"), ("car1", "right"), ("car2", "near")])
    call = ["car", "--photos", str(drawn_cars), "--start", str(start), "--device", "cpu"]
    made = tmp_path / "encoder.safetensors"
    front.main([*call, "--fronts", str(tmp_path / "fronts.csv"), "--export", str(made)])
    before, after = (weights.load(path, Encoder, EncoderConfig) for path in (start, made))
    assert after[0].config.front and not before[0].config.front and after[1]["focal_guesses"]
    for name, tensor in before[0].state_dict().items():
        assert torch.equal(tensor, after[0].state_dict()[name])
    picture, mask = 2 * torch.rand(2, 64, 64, 3) - 1, torch.ones(2, 64, 64)
    with torch.no_grad():
        plain, headed = before[0](picture, mask), after[0](picture, mask)
    assert plain.front is None and torch.equal(plain.nocs, headed.nocs) and headed.front.shape == (2, 2)
    with pytest.raises(SystemExit, match="none of the photos"):
        (tmp_path / "none.csv").write_text("name,side\nsomebody,left\n")
        front.main([*call, "--fronts", str(tmp_path / "none.csv"), "--export", str(made)])

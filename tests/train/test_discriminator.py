"""StyleGAN2's residual discriminator: the authors' tensor names, camera conditioning, and the spread of a
batch."""

import math

import pytest
import torch
from torch.nn import functional as F

from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import matrix_from_quaternion
from spir.train.gan.discriminator import (
    Convolution,
    Discriminator,
    DiscriminatorConfig,
    condition,
    minibatch_deviation,
)

TINY = DiscriminatorConfig(16, 4, 128, 16, group=2)


def test_the_papers_size_has_the_authors_names_and_parameters():
    with torch.device("meta"):
        network = Discriminator(DiscriminatorConfig())
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert sum(p.numel() for p in network.parameters()) == 28_921_344
    assert shapes["backbone.b128.fromrgb.weight"] == (256, 4, 1, 1)
    assert shapes["backbone.b64.skip.weight"] == (512, 512, 1, 1)
    assert shapes["backbone.b4.conv.weight"] == (512, 513, 3, 3)
    assert shapes["backbone.b4.fc.weight"] == (512, 8192)
    assert shapes["backbone.mapping.fc0.weight"] == (512, 13)
    assert "backbone.b64.skip.bias" not in shapes and "backbone.b64.fromrgb.weight" not in shapes


@pytest.mark.parametrize("kernel", (1, 3))
def test_halving_is_smoothing_and_then_a_strided_convolution(kernel):
    torch.manual_seed(0)
    layer, x = Convolution(3, 5, kernel, down=True, active=False), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        layer.bias.normal_()
    found = layer(x)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    padded = F.pad(x, (2, 2, 2, 2) if kernel == 3 else (1, 1, 1, 1))
    side = padded.shape[-1] - 3
    smooth = torch.zeros(2, 3, side, side)
    for i in range(4):
        for j in range(4):
            smooth += taps[i] * taps[j] * padded[:, :, i : i + side, j : j + side]
    weight = layer.weight / (3 * kernel**2) ** 0.5
    expected = torch.zeros(2, 5, 4, 4)
    for row in range(4):
        for column in range(4):
            patch = smooth[:, :, 2 * row : 2 * row + kernel, 2 * column : 2 * column + kernel]
            expected[:, :, row, column] = torch.einsum("bcij,ocij->bo", patch, weight) + layer.bias
    assert torch.allclose(found, expected, atol=1e-5)


def test_minibatch_deviation_is_the_mean_deviation_within_a_group():
    torch.manual_seed(1)
    x = torch.randn(6, 3, 4, 4)
    found = minibatch_deviation(x, 2)
    for item in range(3):
        pair = torch.stack((x[item], x[item + 3]))
        expected = pair.std(dim=0, correction=0).mean()
        assert torch.allclose(found[[item, item + 3]], expected, atol=1e-4)
    assert minibatch_deviation(x[:1].expand(4, -1, -1, -1), 4).max() < 1e-3
    with pytest.raises(ValueError, match="groups of 4"):
        minibatch_deviation(x, 4)


def test_the_camera_is_heard():
    torch.manual_seed(2)
    network, picture = Discriminator(TINY), torch.randn(4, 4, 16, 16)
    one = condition(look_at_pose(torch.zeros(4), torch.zeros(4), focal=torch.full((4,), 2.0)))
    other = condition(look_at_pose(torch.full((4,), 90.0), torch.zeros(4), focal=torch.full((4,), 2.0)))
    assert not torch.allclose(network(picture, one), network(picture, other))


def test_condition_lists_focal_shift_scale_and_rotation():
    pose = look_at_pose(
        torch.tensor([30.0]),
        torch.tensor([10.0]),
        focal=torch.tensor([2.5]),
        scale=torch.tensor([0.7]),
        shift=torch.tensor([[0.1, -0.2]]),
    )
    (row,) = condition(pose)
    assert torch.allclose(row[:4], torch.tensor([math.log(2.5), 0.1, -0.2, 0.7]))
    assert torch.allclose(row[4:], matrix_from_quaternion(pose.quaternion)[0].flatten())
    orthographic = look_at_pose(torch.tensor([30.0]), torch.tensor([10.0]))
    assert condition(orthographic)[0, 0] == 0


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="power of two"):
        DiscriminatorConfig(size=96)

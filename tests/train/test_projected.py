"""The discriminator on frozen ImageNet features: it learns at once, and only its heads learn."""

import torch
from torch.nn import functional as F

from spir.geometry.pose import look_at_pose
from spir.train.gan.discriminator import condition
from spir.train.gan.losses import discriminator_loss
from spir.train.gan.projected import ProjectedDiscriminator


def pictures(count: int, seed: int) -> torch.Tensor:
    """Random blocks of colour with sharp borders, and a mask."""
    draws = torch.Generator().manual_seed(seed)
    coarse = 2 * torch.rand(count, 3, 8, 8, generator=draws) - 1
    colours = F.interpolate(coarse, size=(64, 64), mode="nearest")
    return torch.cat((colours, torch.ones(count, 1, 64, 64)), 1)


def blurred(picture: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(picture, 5, 1, 2)


def cameras(count: int) -> torch.Tensor:
    like = torch.ones(count)
    return condition(look_at_pose(30 * like, 10 * like, focal=2 * like, scale=0.8 * like))


def test_it_tells_a_blur_after_a_few_steps():
    torch.manual_seed(0)
    network = ProjectedDiscriminator(64, width=16)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.0, 0.99))
    for step in range(25):
        real = pictures(8, step)
        logits = (network(shown, cameras(8)) for shown in (real, blurred(real)))
        optimiser.zero_grad()
        discriminator_loss(*logits).backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        real = pictures(16, 1000)
        right = (network(real, cameras(16)) > 0).float().mean()
        wrong = (network(blurred(real), cameras(16)) > 0).float().mean()
    assert right > 0.9 and wrong < 0.1


def test_only_heads_belong_to_it_and_pictures_get_gradients():
    network = ProjectedDiscriminator(64)
    assert all(name.startswith(("camera", "heads")) for name in network.state_dict())
    picture = pictures(2, 0).requires_grad_()
    network(picture, cameras(2)).sum().backward()
    assert picture.grad is not None and picture.grad[:, :3].abs().sum() > 0
    assert not picture.grad[:, 3].any()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_camera_counts():
    network = ProjectedDiscriminator(64).eval()
    like = torch.ones(2)
    pose = look_at_pose(torch.tensor([30.0, 210.0]), 10 * like, focal=2 * like, scale=0.8 * like)
    with torch.no_grad():
        first, second = network(pictures(1, 0).expand(2, -1, -1, -1), condition(pose))
    assert (first - second).abs() > 1e-4

"""One w instead of many: the palette of the last row, the shape of the others."""

from types import SimpleNamespace

import torch
from torch import nn

from spir.generator.generator import Generator
from spir.train.autodecoder.distill_reg import NEAR
from spir.train.autodecoder.project_to_w import project_to_w, shape_metric
from spir.types import Code
from tests.tiny import GENERATOR

WIDTH, USED = GENERATOR.w_dim, GENERATOR.w_dim // 2


class Colours(nn.Module):
    """A palette that depends on four combinations of all of w."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mixing", torch.randn(WIDTH, 4) @ torch.randn(4, 3 * GENERATOR.values) / WIDTH)

    def forward(self, w):
        return (w @ self.mixing).unflatten(1, (GENERATOR.values, 3))


class Balls(Generator):
    """Balls whose radius depends on the first half of w."""

    def __init__(self):
        super().__init__(GENERATOR)
        self.texture_mapper = Colours()
        self.register_buffer("used", torch.cat((torch.rand(USED) * 0.05, torch.zeros(WIDTH - USED))))

    def radius(self, w):
        return 0.5 + w @ self.used

    def field(self, code: Code):
        radius = self.radius(self.w_plus(code)[:, 0])
        return SimpleNamespace(sdf=lambda points: points.norm(dim=-1) - radius[:, None], scene_range=1.0)


def test_the_metric_is_the_squared_change_of_distance():
    torch.manual_seed(0)
    balls = Balls().requires_grad_(False)
    metric = shape_metric(balls, 0.3 * torch.randn(64, WIDTH))
    move = 0.1 * torch.randn(WIDTH)
    change = float(move @ balls.used)
    assert abs(float(move @ metric @ move) / (change / NEAR) ** 2 - 1) < 0.2
    assert not metric[USED:].any() and torch.allclose(metric, metric.T)


def test_the_palette_follows_and_the_shape_stays():
    torch.manual_seed(0)
    balls = Balls().requires_grad_(False)
    rows = 0.3 * torch.randn(20, 1, WIDTH).repeat(1, balls.num_ws, 1)
    rows[:, -1] += 0.5 * torch.randn(20, WIDTH)
    found = project_to_w(balls, rows)
    assert found.shape == (20, 1, WIDTH) and not found.requires_grad
    goal, before, after = (balls.texture_mapper(w) for w in (rows[:, -1], rows[:, 0], found[:, 0]))
    assert (after - goal).abs().mean() < 0.05 * (before - goal).abs().mean()
    moved = (balls.radius(found[:, 0]) - balls.radius(rows[:, 0])).abs().mean()
    assert moved < 0.05 * (balls.radius(rows[:, -1]) - balls.radius(rows[:, 0])).abs().mean()


def test_one_row_stays_as_it_is():
    w = torch.randn(3, 1, WIDTH)
    assert project_to_w(Balls().requires_grad_(False), w) is w

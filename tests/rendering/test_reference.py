"""The two-pass renderer against the same recipe written as loops over one ray."""

import math

import torch

from spir.rendering.config import RenderConfig
from spir.rendering.reference import render_rays, two_pass_positions
from tests.rendering.fields import two_spheres


def slow_weights(density: list[float], t: list[float]) -> list[float]:
    weights, light = [], 1.0
    for i in range(len(t)):
        step = t[i + 1] - t[i] if i + 1 < len(t) else 0.0
        alpha = 1 - math.exp(-density[i] * step)
        weights.append(light * alpha)
        light *= 1 - alpha
    return weights


def slow_positions(field, origin, direction, near: float, far: float, coarse: int, fine: int) -> list[float]:
    t = [near + (far - near) * (i + 0.5) / coarse for i in range(coarse)]
    density = [field((origin + x * direction)[None, None]).density.item() for x in t]
    w = slow_weights(density, t)
    peak = [max(w[max(i - 1, 0)], w[min(i, coarse - 1)]) for i in range(coarse + 1)]
    blurred = [(peak[i] + peak[i + 1]) / 2 + 0.01 for i in range(coarse)][1:-1]
    middles = [(t[i] + t[i + 1]) / 2 for i in range(coarse - 1)]
    extra = []
    for j in range(fine):
        target, passed = (j + 0.5) / fine * sum(blurred), 0.0
        for i, weight in enumerate(blurred):
            if target <= passed + weight:
                extra.append(middles[i] + (middles[i + 1] - middles[i]) * (target - passed) / weight)
                break
            passed += weight
    return sorted(t + extra)


def test_one_ray_as_a_loop():
    field = two_spheres(beta=0.05)
    config = RenderConfig("reference", coarse=12, fine=9, nocs=True)
    origin = torch.tensor((-0.5, 0.1, 3.0))
    direction = torch.nn.functional.normalize(torch.tensor((0.15, -0.03, -1.0)), dim=0)
    # The ray enters and leaves the cube through the faces z = 1 and z = -1.
    near, far = (1 - 3) / direction[2].item(), (-1 - 3) / direction[2].item()
    expected_t = slow_positions(field, origin, direction, near, far, 12, 9)
    found_t = two_pass_positions(field, origin[None, None], direction[None, None], config)
    torch.testing.assert_close(found_t[0, 0], torch.tensor(expected_t), atol=1e-5, rtol=0)
    samples = [field((origin + x * direction)[None, None]) for x in expected_t]
    weights = slow_weights([s.density.item() for s in samples], expected_t)
    assert 0.05 < sum(weights) <= 1
    rgb = sum(w * s.rgb[0, 0] for w, s in zip(weights, samples, strict=True))
    nocs = sum(w * (origin + x * direction) for w, x in zip(weights, expected_t, strict=True))
    depth = sum(w * x for w, x in zip(weights, expected_t, strict=True))
    expected = torch.cat((rgb, torch.tensor((sum(weights), depth)), nocs))
    found = render_rays(field, origin[None, None], direction[None, None], config)
    torch.testing.assert_close(found[0, 0], expected, atol=1e-4, rtol=1e-4)

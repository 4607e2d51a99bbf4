"""Stage 3b: from clean renderings to what a cut-out photo really looks like (§3.2, hardened).

Everything that separates a rendering from a photo is drawn at random: framing, tilt, cut-off objects, light,
reflections, blur, noise, JPEG, and cut-outs that lose a rim of the object or keep one of the background.
Tensors are channel-first here, pictures in [0, 1], because every step is a convolution or a warp; the last
step returns cut-outs as the encoder takes them. Random numbers are drawn on the current default device: wrap
calls in `torch.device` to augment on a GPU.
"""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from spir.types import Movable


@dataclass(frozen=True)
class AugmentedView(Movable):
    """Cut-outs as a photo would give them, and the ground truth."""

    rgb: Float[Tensor, "batch size size 3"]
    """Colours in [-1, 1], 0 on the background."""
    mask: Float[Tensor, "batch size size"]
    """The imperfect mask that the encoder sees."""
    nocs: Float[Tensor, "batch size size 3"]
    truth: Float[Tensor, "batch size size"]
    """The true alpha of the object."""


def load_backgrounds(tar: Path, size: int = 128) -> Float[Tensor, "count 3 size size"]:
    """Every picture of a tar, resized to a square, in [0, 1]. Raises ValueError where it holds none."""
    pictures = []
    with tarfile.open(tar) as archive:
        for member in archive:
            if member.isfile() and member.name.lower().endswith((".jpg", ".png")):
                file = archive.extractfile(member)
                assert file is not None
                image = Image.open(io.BytesIO(file.read())).convert("RGB")
                pictures.append(np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)))
    if not pictures:
        raise ValueError(f"{tar} holds no .jpg or .png")
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def smooth_noise(
    batch: int, channels: int, size: int, coarse: int
) -> Float[Tensor, "batch channels size size"]:
    """Smooth noise of about standard normal values, interpolated from `coarse` x `coarse` random numbers."""
    return F.interpolate(torch.randn(batch, channels, coarse, coarse), size=(size, size), mode="bicubic")


def bernoulli(batch: int, share: float) -> Float[Tensor, "batch 1 1 1"]:
    """1 with the probability `share` for each picture of the batch, else 0."""
    return (torch.rand(batch, 1, 1, 1) < share).float()


def uniform(low: float, high: float, batch: int, channels: int = 1) -> Float[Tensor, "batch channels 1 1"]:
    """Uniform random numbers between `low` and `high`, one for each channel of each picture."""
    return low + (high - low) * torch.rand(batch, channels, 1, 1)


def cut_off(alpha: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch 1 size size"]:
    """A mask that is 0 where the object is cut off: an eighth of the batch loses up to a quarter at one
    side."""
    batch, _, size, _ = alpha.shape
    ramp = torch.linspace(0, 1, size)
    extent = torch.where(torch.rand(batch, 1) < 0.7, ramp[None], 1 - ramp[None])
    across = extent[:, None, None, :].expand(-1, -1, size, -1)
    down = extent[:, None, :, None].expand(-1, -1, -1, size)
    side = torch.where(bernoulli(batch, 0.7) > 0, across, down)
    border = 1 - bernoulli(batch, 0.125) * uniform(0.08, 0.30, batch)
    return (side <= border).float()


def crop_grid(
    alpha: Float[Tensor, "batch 1 size size"], mirror: Tensor
) -> Float[Tensor, "batch size size 2"]:
    """Sampling grid of a random crop around the object: its box with the usual margin, shaken and tilted.

    `mirror` (batch) is -1 for pictures that are mirrored, else 1."""
    batch, _, size, _ = alpha.shape
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    hit = alpha[:, 0] > 0.5

    def span(seen: Tensor) -> tuple[Tensor, Tensor]:
        low = torch.where(seen, axis, torch.tensor(2.0)).amin(dim=1)
        high = torch.where(seen, axis, torch.tensor(-2.0)).amax(dim=1)
        empty = high < low
        return low.masked_fill(empty, -1), high.masked_fill(empty, 1)

    left, right = span(hit.any(dim=1))
    top, bottom = span(hit.any(dim=2))
    half = 0.5 * torch.maximum(right - left, bottom - top) * 1.1 * torch.exp(0.05 * torch.randn(batch))
    centre = torch.stack([left + right, top + bottom], dim=1) / 2 + 0.03 * torch.randn(batch, 2)
    tilt = torch.deg2rad(5 * torch.randn(batch))
    cos, sin = half * tilt.cos(), half * tilt.sin()
    rows = [
        torch.stack([cos * mirror, -sin, centre[:, 0]], 1),
        torch.stack([sin * mirror, cos, centre[:, 1]], 1),
    ]
    return F.affine_grid(torch.stack(rows, dim=1), [batch, 1, size, size], align_corners=False)


def relight(rgb: Float[Tensor, "batch 3 size size"], scenes: Tensor) -> Float[Tensor, "batch 3 size size"]:
    """Pictures under uneven light, with reflections of `scenes`, glare, and random exposure, contrast and
    tint."""
    batch, _, size, _ = rgb.shape
    rgb = rgb * torch.exp(0.30 * bernoulli(batch, 0.7) * smooth_noise(batch, 1, size, 4))
    where = (
        torch.sigmoid(3 * smooth_noise(batch, 1, size, 5)) * uniform(0.0, 0.5, batch) * bernoulli(batch, 0.6)
    )
    rgb = torch.lerp(rgb, scenes.flip(2), where.expand_as(rgb))
    glare = (
        torch.sigmoid(8 * (smooth_noise(batch, 1, size, 9) - 1.6))
        * uniform(0.2, 0.9, batch)
        * bernoulli(batch, 0.4)
    )
    rgb = torch.lerp(rgb, torch.ones_like(rgb), glare.expand_as(rgb))
    grey = rgb.mean(dim=1, keepdim=True)
    rgb = grey + (rgb - grey) * uniform(0.5, 1.4, batch)
    middle = rgb.mean(dim=(1, 2, 3), keepdim=True)
    rgb = (rgb - middle) * uniform(0.7, 1.4, batch) + middle * uniform(0.7, 1.25, batch)
    rgb = rgb * (1 + 0.06 * torch.randn(batch, 3, 1, 1))
    return rgb.clamp(1e-3, 1) ** uniform(0.7, 1.4, batch)


def degrade(rgb: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch 3 size size"]:
    """Pictures with blur, lost resolution, sensor noise and JPEG artefacts, each by chance."""
    batch, _, size, _ = rgb.shape
    soft = F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    small = F.interpolate(
        F.interpolate(rgb, scale_factor=0.45, mode="area"), size=(size, size), mode="bilinear"
    )
    kind = torch.rand(batch, 1, 1, 1)
    rgb = torch.where(kind < 0.25, soft, torch.where(kind > 0.85, small, rgb))
    rgb = (rgb + 0.03 * torch.rand(batch, 1, 1, 1) * torch.randn_like(rgb)).clamp(0, 1)
    for index in (torch.rand(batch) < 0.3).nonzero().flatten().tolist():
        buffer = io.BytesIO()
        pixels = (rgb[index].permute(1, 2, 0) * 255).byte().cpu().numpy()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=int(torch.randint(25, 90, ())))
        rgb[index] = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).to(rgb.device) / 255
    return rgb


def imperfect_mask(alpha: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch 1 size size"]:
    """A mask as a segmenter would give it: its border is shifted and uneven; some hold the shadow, few lack a
    piece."""
    batch, _, size, _ = alpha.shape
    wide = F.avg_pool2d(F.pad(alpha, (3, 3, 3, 3)), 7, stride=1)
    threshold = 0.5 + bernoulli(batch, 0.6) * (
        0.16 * torch.randn(batch, 1, 1, 1) + 0.16 * smooth_noise(batch, 1, size, 12)
    )
    mask = (wide > threshold.clamp(0.08, 0.92)).float()
    mask = torch.where(bernoulli(batch, 0.25) > 0, (alpha > 0.5).float(), mask)
    depth = int(torch.randint(2, 9, ()))
    shadow = F.pad(alpha[:, :, :-depth], (0, 0, depth, 0)) * (smooth_noise(batch, 1, size, 6) > -0.5)
    mask = torch.maximum(mask, bernoulli(batch, 0.15) * (shadow > 0.5).float())
    bite = bernoulli(batch, 0.08) * (smooth_noise(batch, 1, size, 5) > 1.5).float()
    return mask * (1 - bite)


def augment(
    rgb: Float[Tensor, "batch 3 size size"],
    nocs: Float[Tensor, "batch 3 size size"],
    alpha: Float[Tensor, "batch 1 size size"],
    backgrounds: Float[Tensor, "count 3 size size"],
) -> AugmentedView:
    """Turn clean renderings (rgb in [0, 1] and nocs, both premultiplied by alpha) into cut-outs of photos."""
    batch = len(rgb)
    seen = cut_off(alpha)
    mirror = torch.where(torch.rand(batch) < 0.5, -1.0, 1.0)
    stack = torch.cat([rgb * seen, nocs * seen, alpha * seen], dim=1)
    stack = F.grid_sample(stack, crop_grid(alpha * seen, mirror), align_corners=False)
    alpha = stack[:, 6:].clamp(0, 1)
    safe = alpha.clamp(min=1e-3)
    nocs = stack[:, 3:6] / safe
    nocs = torch.cat([nocs[:, :1] * mirror[:, None, None, None], nocs[:, 1:]], dim=1)
    scenes = backgrounds[torch.randint(len(backgrounds), (batch,))]
    others = backgrounds[torch.randint(len(backgrounds), (batch,))]
    picture = torch.lerp(scenes, relight((stack[:, :3] / safe).clamp(0, 1), others), alpha.expand_as(scenes))
    mask = imperfect_mask(alpha)
    mask = F.avg_pool2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    cut = (degrade(picture) * 2 - 1) * mask
    last = lambda value: value.permute(0, 2, 3, 1)  # noqa: E731
    return AugmentedView(last(cut), mask[:, 0], last(nocs), alpha[:, 0])

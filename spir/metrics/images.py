"""§4 "Evaluation metrics": how close a picture, a silhouette and a rotation come to the truth.

Pictures are given in [-1, 1] and compared in [0, 1], both clamped; every metric is one number per item.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from skimage.metrics import structural_similarity
from torch import Tensor

from spir.geometry.rotation import view_from_rotation

PSNR_CAP = 60.0
"""The largest PSNR that is reported, in dB; equal pictures would have an infinite one."""
EPSILON = 1e-6
FLIP_DEG = 135.0
"""An azimuth error above this many degrees counts as confusing front and back."""
EDGE_PX = 3
"""Width of the band along the silhouette that `sharpness` ignores, in pixels: the silhouette is always sharp."""


def unit(rgb: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Convert [-1, 1] to [0, 1], clamped."""
    return ((rgb + 1) / 2).clamp(0, 1)


def psnr(
    rgb: Float[Tensor, "batch height width 3"],
    target: Float[Tensor, "batch height width 3"],
    where: Bool[Tensor, "batch height width"] | None = None,
) -> Float[Tensor, " batch"]:
    """Return 10 log10(1 / mean squared error), in dB, at most 60, over the pixels of `where`; None means all of them.

    An item without a pixel has no error."""
    square = (unit(rgb) - unit(target)).square().mean(-1)
    weight = torch.ones_like(square) if where is None else where.to(square)
    error = (square * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1)
    return (-10 * torch.log10(error.clamp_min(1e-12))).clamp_max(PSNR_CAP)


def in_photo(
    alpha: Float[Tensor, "1 size size"], box_px: Float[Tensor, "1 4"], height: int, width: int
) -> Float[Tensor, "1 height width"]:
    """Place a cut-out's silhouette back into its photo of height x width pixels; 0 outside its box."""
    left, top, right, bottom = (int(edge) for edge in box_px[0])
    size = (bottom - top, right - left)
    full = F.interpolate(alpha[:, None].float(), size=size, mode="bilinear", align_corners=False)[:, 0]
    # A box may leave the photo on any side.
    return F.pad(full, (left, width - right, top, height - bottom)).clamp(0, 1)


def iou(
    alpha: Float[Tensor, "batch height width"], mask: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Return the intersection over union of two silhouettes, each thresholded at one half; two empty ones have an IoU of 1."""
    a, b = alpha > 0.5, mask > 0.5
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return (both + EPSILON) / (either + EPSILON)


def ssim(
    rgb: Float[Tensor, "batch height width 3"], target: Float[Tensor, "batch height width 3"]
) -> Float[Tensor, " batch"]:
    """Return the structural similarity, at most 1, over uniform windows of 7 x 7 pixels and a data range of 1."""
    pairs = zip(unit(rgb).double().cpu().numpy(), unit(target).double().cpu().numpy(), strict=True)
    found = [structural_similarity(ours, theirs, channel_axis=-1, data_range=1.0) for ours, theirs in pairs]
    return torch.tensor(found, dtype=rgb.dtype, device=rgb.device)


def sharpness(
    rgb: Float[Tensor, "batch height width 3"], alpha: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Return the mean brightness gradient (brightness in [0, 1], |across| + |down|) over the pixels further than
    `EDGE_PX` inside the silhouette."""
    grey = unit(rgb).mean(-1)
    across = (grey[:, :, 1:] - grey[:, :, :-1]).abs()[:, :-1]
    down = (grey[:, 1:] - grey[:, :-1]).abs()[:, :, :-1]
    inside = -F.max_pool2d(-alpha[:, None], 2 * EDGE_PX + 1, stride=1, padding=EDGE_PX)[:, 0, :-1, :-1]
    return ((across + down) * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)


def azimuth_error_deg(
    quaternion: Float[Tensor, "batch 4"], truth: Float[Tensor, "batch 4"]
) -> Float[Tensor, " batch"]:
    """Return the difference of two cameras' azimuths around the object, in degrees in [0, 180]."""
    apart = view_from_rotation(quaternion)[0] - view_from_rotation(truth)[0]
    return (torch.remainder(apart + 180, 360) - 180).abs()

"""§3.2, beyond the paper: several poses are compared with the cut-out by a quick rendering.

A NOCS map that confuses front and back gives a confident but very wrong pose, and gradient descent
cannot turn an object around. So the object of the first guess is rendered from the pose that PnP found and
from its likely confusions, each shifted and scaled to match the cut-out, and the best match wins.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from spir.bootstrap.encoder import Encoder, EncoderOutput
from spir.bootstrap.framing import fit_to_mask
from spir.categories import Category
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import about_axis, front_direction, multiply, view_from_rotation
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Cutout, Field, Movable, Pose, Rendering

NAMES = ("pnp", "refitted", "turned 180", "mirrored", "turned 90", "turned -90")
"""What was done to the pose of PnP. "mirrored" is the view from the other end of the same side, which shows
nearly the same outline; the others turn the object about its own up axis."""

FIT_PASSES = 2
"""Shifting and scaling is exact only for orthographic cameras or with the whole object in the picture; the
second pass removes the remaining error."""


@dataclass(frozen=True)
class HypothesisConfig:
    """Weights and margins for comparing poses. Distances are about 0 for a match and 1 for an unrelated picture."""

    silhouette: float = 1.0
    """Weight of 1 - IoU of the silhouettes."""
    colour: float = 0.5
    """Weight of the mean colour difference where both silhouettes agree; colours span 2."""
    features: float = 1.0
    """Weight of the distance of the encoder's own features."""
    nocs: float = 0.5
    """Weight of the distance to the predicted map, in units of the scene range; not used where PnP failed, as the map
    is bad there. It always favours PnP, so it acts as a prior."""
    front: float = 2.0
    """Weight of the disagreement with the encoder's head for the direction of the front, where it has one. Tuned on photos
    whose fronts are known and on two toy cars."""
    turn_margin: float = 0.1
    """The margin by which rotated poses must win: the first guess has wrong details of shape and paint, which
    alone change the distance by a few hundredths."""
    refit_margin: float = 0.02
    """The margin for a changed shift and scale, which are less risky."""
    size: int = 64
    samples: int = 8
    """Rendering size and samples per ray: enough for an outline."""


@dataclass(frozen=True)
class Hypotheses(Movable):
    """All poses of all items, best first."""

    ranked: tuple[Pose, ...]
    """ranked[0] holds every item's best pose, ranked[1] the second best, and so on."""
    distance: Float[Tensor, "batch count"]
    """Distances in the order of `ranked`; lower is better. They may rise after the first because of the margins."""
    names: tuple[tuple[str, ...], ...]
    """Per item, in the order of `ranked`: entries of `NAMES`."""


@torch.no_grad()
def rank_hypotheses(
    field: Field,
    pose: Pose,
    cutout: Cutout,
    seen: EncoderOutput,
    trusted: Bool[Tensor, " batch"],
    category: Category,
    encoder: Encoder | None = None,
    config: HypothesisConfig | None = None,
) -> Hypotheses:
    """Compare every entry of `NAMES` for every item; field, pose, cut-out and `seen` have the same batch.

    `trusted`: PnP solved the item, so that its pose is favoured. Without an encoder the features are not
    compared. Deterministic."""
    config = config or HypothesisConfig()
    batch, count = len(pose.scale), len(NAMES)
    quick = RenderConfig.of(category, size=config.size, samples=config.samples, nocs=True)
    original = pose.map(lambda rows: rows.repeat_interleave(count, 0))
    turned = replace(original, quaternion=turned_quaternions(pose).flatten(0, 1))
    # Centroid and area need no fine detail, and the grid is most of a small picture's cost.
    outline = replace(quick, size=config.size // 2, grid=32, march=32, nocs=False)
    target = cutout.mask.repeat_interleave(count, 0)
    fitted = turned
    for _ in range(FIT_PASSES):
        rough = render(field, camera_from_pose(fitted), outline).alpha
        fitted = fit_to_mask(fitted, rough, target)
    untouched = torch.arange(batch * count, device=target.device) % count == 0
    tried = choose(untouched, original, fitted)
    views = render(field, camera_from_pose(tried), quick)

    total = distance_to_cutout(views, cutout, encoder, config)
    agreement = nocs_distance(views, cutout, seen) / category.scene_range
    total = total + config.nocs * agreement.clamp(max=1) * trusted.repeat_interleave(count)
    if seen.front is not None:
        total = total + config.front * front_disagreement(tried, seen.front.repeat_interleave(count, 0))
    total = total.view(batch, count).nan_to_num(torch.inf)
    head_start = total.new_zeros(count)
    head_start[:2] = config.turn_margin
    head_start[0] += config.refit_margin
    order = (total - trusted[:, None] * head_start).argsort(dim=1, stable=True)
    first_row = torch.arange(batch, device=order.device) * count
    ranked = tuple(tried.map(lambda rows, k=k: rows[first_row + order[:, k]]) for k in range(count))
    names = tuple(tuple(NAMES[k] for k in row) for row in order.tolist())
    return Hypotheses(ranked, total.gather(1, order), names)


def turned_quaternions(pose: Pose) -> Float[Tensor, "batch count 4"]:
    """Return the rotation of every entry of `NAMES`: turns of the object about its own up axis.

    Turning the object by d moves the camera's azimuth a to a - d; the mirrored view is at 180 - a."""
    azimuth, _, _ = view_from_rotation(pose.quaternion)
    like = torch.ones_like(azimuth)
    turns = (0 * like, 0 * like, 180 * like, 2 * azimuth - 180, 90 * like, -90 * like)
    return torch.stack([multiply(pose.quaternion, about_axis(1, turn)) for turn in turns], 1)


def choose(rows: Bool[Tensor, " batch"], yes: Pose, no: Pose) -> Pose:
    """Select one pose or the other, row by row."""

    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(rows.view(-1, *[1] * (a.ndim - 1)), a, b)

    z0 = yes.z0
    if z0 is not None:
        assert no.z0 is not None
        z0 = pick(z0, no.z0)
    quaternion = pick(yes.quaternion, no.quaternion)
    return Pose(z0, pick(yes.shift, no.shift), pick(yes.scale, no.scale), quaternion)


def shrink(maps: Float[Tensor, "batch size size channel"], size: int) -> Float[Tensor, "batch to to channel"]:
    """Average over blocks of pixels."""
    return F.adaptive_avg_pool2d(maps.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)


def distance_to_cutout(
    views: Rendering, cutout: Cutout, encoder: Encoder | None, config: HypothesisConfig
) -> Float[Tensor, " views"]:
    """Return silhouette, colour and feature distance of views to their items; an item's views are consecutive."""
    count = len(views.alpha) // len(cutout.mask)
    rgb = shrink(cutout.rgb, config.size)
    mask = shrink(cutout.mask[..., None], config.size)[..., 0]
    target = mask.repeat_interleave(count, 0)
    both, either = torch.minimum(views.alpha, target), torch.maximum(views.alpha, target)
    overlap = both.sum((1, 2))
    silhouette = 1 - overlap / either.sum((1, 2)).clamp_min(1e-6)
    difference = (views.rgb - rgb.repeat_interleave(count, 0)).abs().mean(-1)
    # Silhouettes that do not touch say nothing about colour: count that as half the range.
    colour = torch.where(overlap > 1, (both * difference).sum((1, 2)) / overlap.clamp_min(1), 1.0)
    total = config.silhouette * silhouette + config.colour * colour
    if encoder is None:
        return total
    ours = features(encoder, views.rgb, views.alpha)
    theirs = (f.repeat_interleave(count, 0) for f in features(encoder, rgb, mask))
    distances = [feature_distance(a, b, either) for a, b in zip(ours, theirs, strict=True)]
    return total + config.features * torch.stack(distances).mean(0)


def features(
    encoder: Encoder, rgb: Float[Tensor, "batch side side 3"], mask: Float[Tensor, "batch side side"]
) -> tuple[Tensor, ...]:
    """Return the encoder's stage maps of a small picture, resized to its input size."""
    four = torch.cat((rgb, mask[..., None]), -1).permute(0, 3, 1, 2)
    four = F.interpolate(four, (encoder.config.size, encoder.config.size), mode="bilinear")
    return encoder.features(four[:, :3].permute(0, 2, 3, 1), four[:, 3])


def feature_distance(
    a: Float[Tensor, "batch channel h w"],
    b: Float[Tensor, "batch channel h w"],
    weight: Float[Tensor, "batch side side"],
) -> Float[Tensor, " batch"]:
    """Return one minus the cosine of two feature maps, averaged with the weight."""
    weight = F.adaptive_avg_pool2d(weight[:, None], (a.shape[2], a.shape[3]))[:, 0]
    apart = 1 - F.cosine_similarity(a, b, dim=1)
    return (weight * apart).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1e-6)


def front_disagreement(pose: Pose, front: Float[Tensor, "views 2"]) -> Float[Tensor, " views"]:
    """Return from 0, for a pose whose front is along `front`, to 1, for the opposite direction."""
    return 0.5 - (front_direction(pose.quaternion) * F.normalize(front, dim=1)).sum(1) / 2


def nocs_distance(views: Rendering, cutout: Cutout, seen: EncoderOutput) -> Float[Tensor, " views"]:
    """Return the mean distance of rendered and predicted object coordinates where both see the object, in object units."""
    assert views.nocs is not None
    size, count = views.alpha.shape[1], len(views.alpha) // len(cutout.mask)
    side = seen.mask.shape[1]
    weight = seen.mask * shrink(cutout.mask[..., None], side)[..., 0]
    nocs = seen.nocs.nan_to_num(0, 0, 0)
    weighted = shrink(torch.cat((nocs * weight[..., None], weight[..., None]), -1), size)
    weighted = weighted.repeat_interleave(count, 0)
    mask = weighted[..., 3]
    predicted = weighted[..., :3] / mask[..., None].clamp_min(1e-6)
    rendered = views.nocs / views.alpha[..., None].clamp_min(1e-6)
    both = torch.minimum(mask, views.alpha)
    apart = torch.linalg.vector_norm(rendered - predicted, dim=-1)
    overlap = both.sum((1, 2))
    return torch.where(overlap > 1, (both * apart).sum((1, 2)) / overlap.clamp_min(1), torch.inf)

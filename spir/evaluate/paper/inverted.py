"""§4 "Evaluation metrics": inverts a batch of pictures at once and computes the metrics of the paper's tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from spir.data.sources.picture import Collection, Picture
from spir.evaluate.benchmarks.photos import judged_by
from spir.evaluate.items import Record
from spir.evaluate.paper.protocols import Shot
from spir.evaluate.runs import run, view
from spir.geometry.pose import camera_from_pose, pose_from_camera
from spir.geometry.rotation import geodesic_deg
from spir.metrics.fid import Features
from spir.metrics.images import iou, psnr, ssim
from spir.pipeline import Reconstructor
from spir.types import Camera, Cutout, Photo, Rendering, Step, join

SIZE = 128
WHITE = 250
"""Threshold of 255: renderings on white have no masks, and darker pixels are the object."""


@dataclass(frozen=True)
class MetricNetworks:
    """The networks that compute the metrics."""

    judge: Path
    """Encoder weights for the perceptual distance where LPIPS is not available."""
    features: Features
    """The features of the Fréchet distance."""


@dataclass(frozen=True)
class BatchResult:
    """The results of some shots."""

    records: list[Record]
    features: dict[str, Float[Tensor, "picture width"]]
    """Features under "true", and after each N under "N/front" and "N/random"."""


def mask_of(photo: Photo) -> Float[Tensor, "height width"] | None:
    """Return the given mask, or the non-white pixels of a rendering on white, else None."""
    if photo.alpha is not None:
        return photo.alpha.float() / 255
    rgb = photo.rgb
    corners = torch.stack((rgb[0, 0], rgb[0, -1], rgb[-1, 0], rgb[-1, -1]))
    return not_white(rgb) if (corners >= WHITE).all() else None


def not_white(rgb: UInt8[Tensor, "height width 3"]) -> Float[Tensor, "height width"]:
    """Return the object's coverage in a rendering on white; along the outline a pixel counts as far as it is dark
    compared with its darkest neighbour, or the silhouette would be half a pixel too large all around."""
    dark = (255.0 - rgb.amin(-1))[None]
    solid = (dark > 255 - WHITE).float()
    inner = 1 - F.max_pool2d(1 - solid, 3, 1, 1)
    share = dark / F.max_pool2d(dark, 3, 1, 1).clamp(min=1)
    return torch.where(inner > 0, 1.0, solid * share)[0]


def network_input(reconstructor: Reconstructor, photo: Photo) -> Cutout:
    """Return the input: the crop of the object, or the whole picture where the category's networks learnt whole pictures.

    Raises PhotoError where there is no object."""
    mask = mask_of(photo)
    if reconstructor.category.masked or mask is None:
        return reconstructor.cut(photo, mask)
    return uncropped_input(photo, mask, reconstructor.category.background)


def uncropped_input(photo: Photo, mask: Float[Tensor, "height width"], background: float) -> Cutout:
    """Return the whole picture, uncropped, 128 pixels wide and high, with another background; mask in [0, 1].

    A picture without alpha is a rendering on white, whose white is replaced by the background."""
    height, width = mask.shape
    rgb, outside = photo.rgb.float() / 127.5 - 1, (1 - mask)[..., None]
    white = photo.alpha is None
    moved = rgb - outside * (1 - background) if white else rgb * (1 - outside) + outside * background
    maps = torch.cat((moved, mask[..., None]), -1).permute(2, 0, 1)[None]
    maps = F.interpolate(maps, (SIZE, SIZE), mode="area").permute(0, 2, 3, 1)
    return Cutout(
        maps[..., :3].clamp(-1, 1), maps[..., 3], torch.tensor([[0.0, 0.0, float(width), float(height)]])
    )


def score_batch(
    reconstructor: Reconstructor,
    collection: Collection,
    batch: Sequence[Shot],
    steps: Sequence[int],
    look: MetricNetworks,
    draws: np.random.Generator,
) -> BatchResult:
    """Invert the shots together, with the same results as one by one. Raises PhotoError where one cannot be segmented."""
    pictures = [collection[shot.picture] for shot in batch]
    cut = join([network_input(reconstructor, picture.photo) for picture in pictures])
    done = run(reconstructor, cut, steps)
    records: list[Record] = [
        {"name": shot.name, "outcome": outcome}
        for shot, outcome in zip(batch, done.guess.outcome, strict=True)
    ]
    features = {"true": extract_features(look.features, reconstructor, cut.rgb, cut.mask)}
    for count, step in done.steps.items():
        front = view(reconstructor, step.code, camera_from_pose(step.pose), SIZE)
        random = view(
            reconstructor, step.code, sample_other_cameras(reconstructor, collection, step, draws), SIZE
        )
        features[f"{count}/front"] = extract_features(look.features, reconstructor, front.rgb, front.alpha)
        features[f"{count}/random"] = extract_features(look.features, reconstructor, random.rgb, random.alpha)
        table = {
            **image_metrics(reconstructor, look, front, cut.rgb, cut.mask),
            "iou": iou(front.alpha, cut.mask),
        }
        for row, (record, picture, shot) in enumerate(zip(records, pictures, batch, strict=True)):
            mine = {name: float(values[row]) for name, values in table.items()}
            mine |= {"seconds": done.seconds[count] / len(batch)}
            if picture.camera is not None:
                mine["rotation_deg"] = rotation_error_deg(step, row, picture)
            if shot.others:
                mine |= novel_view_metrics(reconstructor, collection, step, row, shot, look)
            record[str(count)] = mine
    return BatchResult(records, features)


def rotation_error_deg(step: Step, row: int, picture: Picture) -> float:
    """Return the angle between the found and the true rotation in degrees; a crop has its picture's true rotation."""
    assert picture.camera is not None
    truth = pose_from_camera(picture.camera).quaternion
    return geodesic_deg(step.pose.quaternion[row : row + 1], truth).item()


def image_metrics(
    reconstructor: Reconstructor,
    look: MetricNetworks,
    seen: Rendering,
    rgb: Float[Tensor, "batch size size 3"],
    mask: Float[Tensor, "batch size size"],
) -> dict[str, Float[Tensor, " batch"]]:
    """Return PSNR, SSIM and perceptual distance of whole pictures."""
    device = reconstructor.device
    perceptual = judged_by(look.judge, device)
    with torch.no_grad():
        pair = ((seen.rgb, seen.alpha), (rgb, mask))
        ours, theirs = (perceptual.features(a.to(device), b.to(device)) for a, b in pair)
        distance = perceptual.distance(ours, theirs).cpu()
    return {"psnr": psnr(seen.rgb, rgb), "ssim": ssim(seen.rgb, rgb), "distance": distance}


def novel_view_metrics(
    reconstructor: Reconstructor,
    collection: Collection,
    step: Step,
    row: int,
    shot: Shot,
    look: MetricNetworks,
) -> Record:
    """Score the other views of an object from their true cameras, as means over the views."""
    found: dict[str, list[float]] = {}
    for place in shot.others:
        picture = collection[place]
        if picture.camera is None:
            raise ValueError(f"{picture.name} has no camera from which an object could be looked at")
        mask = mask_of(picture.photo)
        # Without a mask the object is unknown: then the whole picture counts.
        mask = torch.ones(picture.photo.rgb.shape[:2]) if mask is None else mask
        target = uncropped_input(picture.photo, mask, reconstructor.category.background)
        seen = view(reconstructor, step.code[row : row + 1], picture.camera, SIZE)
        for name, value in image_metrics(reconstructor, look, seen, target.rgb, target.mask).items():
            found.setdefault(f"novel_{name}", []).append(float(value[0]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def sample_other_cameras(
    reconstructor: Reconstructor, collection: Collection, step: Step, draws: np.random.Generator
) -> Camera:
    """Return a camera for each object, taken from other pictures: true ones for whole pictures, estimated ones for crops."""
    count = len(step.pose.scale)
    if not reconstructor.category.masked:
        cameras = [collection[int(place)].camera for place in draws.integers(len(collection), size=count)]
        known = [camera for camera in cameras if camera is not None]
        if len(known) == len(cameras):
            return join(known)
    return camera_from_pose(step.pose.map(lambda part: part.roll(1, 0)))


@torch.no_grad()
def extract_features(
    features: Features,
    reconstructor: Reconstructor,
    rgb: Float[Tensor, "batch size size 3"],
    mask: Float[Tensor, "batch size size"],
) -> Float[Tensor, "batch width"]:
    """Return the features of pictures, on the CPU."""
    return features(rgb.to(reconstructor.device), mask.to(reconstructor.device)).float().cpu()

"""§4 and §5, real photos: how well the object is reconstructed in its own picture after N steps.

A folder of NAME.jpg|png, each with an optional NAME.mask.png beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.evaluate.items import Record, finished
from spir.evaluate.reports.sheet import sheet_row
from spir.evaluate.runs import run, view
from spir.evaluate.scores import judged, relative_sharpness, true_view
from spir.geometry.pose import camera_from_pose
from spir.inversion.perceptual import Perceptual, choose_perceptual, lpips_available
from spir.metrics.images import in_photo, iou, psnr, ssim
from spir.photo import read_mask, read_photo
from spir.pipeline import Reconstructor
from spir.types import Cutout, Photo, Rendering, Segmentation
from spir.weights import load as load_weights

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
MASK_ENDING = ".mask.png"
METRICS = ("iou", "judge", "sharpness", "psnr", "ssim", "feature_distance")
JUDGED = "iou_in_photo"
"""The metric where a mask is given, whichever segmenter was used: the render, placed in the photo, against that mask."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo, and its mask where somebody made one."""

    picture: Path
    mask: Path | None
    """The mask used for the crop; None = segment as the app does."""
    given: Path | None = None
    """The mask used for the metrics."""

    @property
    def name(self) -> str:
        return self.picture.stem


def photo_files(folder: Path, own_cutout: bool = False) -> list[PhotoFile]:
    """Return the photos of a folder by name; `own_cutout` ignores their masks for the crop.

    Raises FileNotFoundError where there is none."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ENDINGS and not path.name.endswith(MASK_ENDING):
            mask = path.with_name(path.stem + MASK_ENDING)
            given = mask if mask.is_file() else None
            found.append(PhotoFile(path, None if own_cutout else given, given))
    if not found:
        raise FileNotFoundError(f"there is no photo in {folder}")
    return found


def load(reconstructor: Reconstructor, file: PhotoFile) -> tuple[Photo, Cutout, str]:
    """Load the photo, its cut-out from the pipeline, and the name of what made the mask."""
    photo = read_photo(file.picture)
    if file.mask is None:
        found = reconstructor.segment(photo)
    else:
        found = Segmentation(read_mask(file.mask, photo), "mask of the folder")
    return photo, reconstructor.cut(photo, found.mask), found.segmenter


@cache
def judged_by(encoder: Path, device: str) -> Perceptual:
    """Return the "feature_distance": LPIPS where it runs, else the features of these encoder weights."""
    network = load_weights(encoder, Encoder, EncoderConfig)[0].to(device)
    return choose_perceptual(network, device, "lpips" if lpips_available() else "encoder")


@torch.no_grad()
def compare(perceptual: Perceptual, device: str, seen: Rendering, cut: Cutout) -> Record:
    """Return how close a picture, over the background of its cut-out, comes to it; both are on the CPU.

    PSNR counts the cut-out's mask, SSIM the whole picture, the judge both silhouettes, sharpness each one's own."""
    target = true_view(cut)
    ours = perceptual.features(seen.rgb.to(device), seen.alpha.to(device))
    theirs = perceptual.features(cut.rgb.to(device), cut.mask.to(device))
    return {
        "iou": iou(seen.alpha, cut.mask).item(),
        "judge": judged(seen, target).item(),
        "sharpness": relative_sharpness(seen, target).item(),
        "psnr": psnr(seen.rgb, cut.rgb, cut.mask > 0.5).item(),
        "ssim": ssim(seen.rgb, cut.rgb).item(),
        "feature_distance": perceptual.distance(ours, theirs).item(),
    }


def score_photo(
    reconstructor: Reconstructor, file: PhotoFile, steps: tuple[int, ...], judge: Path, pictures: bool = False
) -> Record:
    """Score the metrics after each N; `pictures` adds the row of the contact sheet."""
    photo, cut, segmenter = load(reconstructor, file)
    done = run(reconstructor, cut, steps)
    record: Record = {
        "outcome": done.guess.outcome[0],
        "stopped": done.steps[max(steps)].outcome[0],
        "cutout": segmenter,
    }
    seen = {}
    for count, step in done.steps.items():
        seen[count] = view(reconstructor, step.code, camera_from_pose(step.pose), cut.mask.shape[1])
        record[str(count)] = {
            **compare(judged_by(judge, reconstructor.device), reconstructor.device, seen[count], cut),
            "seconds": done.seconds[count],
            "loss": step.loss.item(),
        }
        if file.given:
            truth = read_mask(file.given, photo)
            there = in_photo(seen[count].alpha, cut.box_px, *truth.shape)
            record[str(count)][JUDGED] = iou(there, truth[None]).item()
    if pictures:
        record["pictures"] = sheet_row(reconstructor, photo, cut, done, seen)
    return record


def summary(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Return the means, the medians as NAME_median, and the median seconds for every N."""
    done = finished(records)
    if not done:
        return {}
    table = {}
    for count in map(str, steps):
        common = set.intersection(*(set(record[count]) for record in done))
        # What was not judged is NaN, or null where it was read again from an interrupted run.
        values = {name: np.array([record[count][name] for record in done], float) for name in common}
        table[count] = {name: float(np.mean(values[name])) for name in METRICS}
        if JUDGED in values:
            table[count][JUDGED] = float(np.mean(values[JUDGED]))
        table[count] |= {f"{name}_median": float(np.median(values[name])) for name in METRICS}
        table[count]["seconds"] = float(np.median(values["seconds"]))
    return table


def counts(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Count those that finished, that have a pose from PnP, and whose loss fell from N = 0 to 10 or the last N."""
    done = finished(records)
    first, last = str(min(steps)), str(10 if 10 in steps else max(steps))
    return {
        "photos": len(records),
        "finished": len(done),
        "pose_solved": sum(record["outcome"] == "solved" for record in done),
        "loss_fell": sum(record[last]["loss"] < record[first]["loss"] for record in done),
        "loss_fell_between": [int(first), int(last)],
    }

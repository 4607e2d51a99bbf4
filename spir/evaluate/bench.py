"""§3.3, speed: the cost of an inversion step with the fast renderer against one with the reference renderer.

Both run in the same process on the same cut-out, in the order A B B A, so that a machine that slows down
meanwhile is fair to both. Only their ratio can be compared between machines.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spir.evaluate.benchmarks.photos import PhotoFile, load
from spir.evaluate.items import Record, finished
from spir.evaluate.runs import view
from spir.geometry.pose import camera_from_pose
from spir.metrics.images import iou
from spir.pipeline import Reconstructor, preset
from spir.types import Cutout, Step

ORDER = ("fast", "reference", "reference", "fast")
STEPS = 10
TIMED_STEPS = 3
"""Steps of the second pair of blocks, which only measures time."""


@dataclass(frozen=True)
class Block:
    """The timings of one run with one renderer."""

    renderer: str
    wall: tuple[float, ...]
    """Wall time in seconds of each step after the first picture."""
    processor: tuple[float, ...]
    """CPU time in seconds of each step, summed over all threads, which other programs disturb less."""
    last: Step


def timed_block(reconstructor: Reconstructor, cut: Cutout, renderer: str, steps: int) -> Block:
    """Run an inversion and read both clocks at every step."""
    wall, processor = [], []
    config = replace(preset(steps), renderer=renderer)
    for step in reconstructor.invert(cut, reconstructor.initialise(cut), config):
        # The step's own clock leaves out what happens between the steps.
        wall.append(step.seconds)
        processor.append(time.process_time())
    return Block(renderer, tuple(np.diff(wall)), tuple(np.diff(processor)), step)


def score_bench(reconstructor: Reconstructor, file: PhotoFile, steps: int = STEPS) -> Record:
    """Score the seconds per step of both renderers, and the IoU that each one's fit reaches, measured alike."""
    _, cut, _ = load(reconstructor, file)
    lengths = (steps, steps, min(steps, TIMED_STEPS), min(steps, TIMED_STEPS))
    blocks = [timed_block(reconstructor, cut, name, n) for name, n in zip(ORDER, lengths, strict=True)]
    record: Record = {}
    for name, first in zip(("fast", "reference"), blocks[:2], strict=True):
        mine = [block for block in blocks if block.renderer == name]
        camera = camera_from_pose(first.last.pose)
        seen = view(reconstructor, first.last.code, camera, cut.mask.shape[1])
        record[name] = {
            "seconds": float(np.median(np.concatenate([block.wall for block in mine]))),
            "processor_seconds": float(np.min(np.concatenate([block.processor for block in mine]))),
            "iou": iou(seen.alpha, cut.mask).item(),
        }
    return record


def summary(records: Sequence[Record]) -> Record:
    """Return the medians over the photos: how much slower the reference is, and how far apart the final IoUs are."""
    done = finished(records)
    if not done:
        return {}
    table: Record = {
        name: {key: float(np.median([record[name][key] for record in done])) for key in done[0][name]}
        for name in ("fast", "reference")
    }
    for key, ratio in (("seconds", "ratio"), ("processor_seconds", "processor_ratio")):
        times = [record["reference"][key] / record["fast"][key] for record in done]
        table[ratio] = float(np.exp(np.mean(np.log(times))))
    gaps = [record["fast"]["iou"] - record["reference"]["iou"] for record in done]
    table["iou_difference"] = float(np.mean(gaps))
    table["iou_difference_worst"] = float(np.max(np.abs(gaps)))
    return table

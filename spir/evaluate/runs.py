"""§3.3, one run of the user's pipeline, inspected after several numbers of steps.

A longer run begins with the shorter one, so N = 0, 10 and 30 are read from a single run.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spir.pipeline import Reconstructor
from spir.rendering.renderer import render
from spir.types import Camera, Code, Cutout, Guess, Rendering, Step


@dataclass(frozen=True)
class RunAtCounts:
    """The results of a run, one entry per requested N."""

    guess: Guess
    steps: dict[int, Step]
    seconds: dict[int, float]
    """Seconds from the cut-out to the N-th step, the first guess included."""


def run(reconstructor: Reconstructor, cutout: Cutout, counts: Sequence[int]) -> RunAtCounts:
    """Reconstruct once up to the largest N, or once for each N where the authors' settings depend on it.

    Raises RuntimeError where the run ends before an N."""
    if reconstructor.as_published and len(counts) > 1:
        each = [run(reconstructor, cutout, (count,)) for count in counts]
        steps = {count: one.steps[count] for count, one in zip(counts, each, strict=True)}
        seconds = {count: one.seconds[count] for count, one in zip(counts, each, strict=True)}
        return RunAtCounts(each[0].guess, steps, seconds)
    steps, seconds = {}, {}
    began = time.perf_counter()
    guess = reconstructor.initialise(cutout)
    for step in reconstructor.invert(cutout, guess, reconstructor.inversion(max(counts))):
        if step.index in counts:
            steps[step.index], seconds[step.index] = step, time.perf_counter() - began
    missing = [count for count in counts if count not in steps]
    if missing:
        raise RuntimeError(f"the run ended before step {missing[0]}")
    return RunAtCounts(guess, steps, seconds)


@torch.no_grad()
def view(reconstructor: Reconstructor, code: Code, camera: Camera, size: int) -> Rendering:
    """Render the objects as the user gets them, on the CPU."""
    device = reconstructor.device
    config = reconstructor.render_config(size)
    draws = torch.Generator(device).manual_seed(0) if reconstructor.as_published else None
    return render(reconstructor.field(code), camera.to(device), config, draws).to("cpu")

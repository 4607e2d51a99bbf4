"""§3.3, one run of the visitor's pipeline, looked at after several numbers of steps.

A longer run begins with the shorter one, so N = 0, 10 and 30 are three looks at a single run.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spir.pipeline import Reconstructor, preset
from spir.rendering.renderer import render
from spir.types import Camera, Code, Cutout, Guess, Rendering, Step


@dataclass(frozen=True)
class Run:
    """What happened, one entry per N asked for."""

    guess: Guess
    steps: dict[int, Step]
    seconds: dict[int, float]
    """From the cut-out to the N-th step, the first guess included."""


def run(reconstructor: Reconstructor, cutout: Cutout, counts: Sequence[int]) -> Run:
    """Reconstruct once, as far as the largest N. Raises RuntimeError where the run ends before an N."""
    guess, steps, seconds = None, {}, {}
    began = time.perf_counter()
    for result in reconstructor.reconstruct(cutout, preset(max(counts))):
        if isinstance(result, Guess):
            guess = result
        elif isinstance(result, Step) and result.index in counts:
            steps[result.index], seconds[result.index] = result, time.perf_counter() - began
    missing = [count for count in counts if count not in steps]
    if guess is None or missing:
        raise RuntimeError(f"the run ended before step {missing[0]}" if missing else "there was no guess")
    return Run(guess, steps, seconds)


@torch.no_grad()
def view(reconstructor: Reconstructor, code: Code, camera: Camera, size: int) -> Rendering:
    """A picture of the objects as the visitor gets it, on the CPU."""
    device = reconstructor.device
    config = reconstructor.view(size)
    return render(reconstructor.field(code), camera.to(device), config).to("cpu")

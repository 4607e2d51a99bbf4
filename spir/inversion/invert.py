"""§3.3 "Reconstruction via hybrid GAN inversion": gradient descent from a first guess, step by step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from spir.categories import Category
from spir.generator.generator import Generator
from spir.inversion.config import InversionConfig
from spir.inversion.descent import Descent
from spir.inversion.perceptual import Perceptual
from spir.types import Cutout, Guess, Step


def invert(
    cutout: Cutout,
    guess: Guess,
    generator: Generator,
    category: Category,
    config: InversionConfig,
    perceptual: Perceptual,
    cancelled: Callable[[], bool] | None = None,
    after: Step | None = None,
) -> Iterator[Step]:
    """Yield the guess as step 0, then the state after each update, `config.steps` + 1 steps in all.

    Every step's picture and loss are those of its own code and pose; tensors are detached and on the device
    of the networks. Items are independent, and on one CPU the same input gives the same bits. Closing the
    iterator, or `cancelled` answering True, ends the run after the last yielded step; the time that the
    caller spends between steps is not counted. An item whose loss or gradient is not finite is no longer
    updated, and its `outcome` says so. The generator is left as it is; `freeze` it first, or its parameters get
    gradients. `after` is a step of an earlier run with the same arguments, however long: only what follows it is
    yielded, bit for bit what that run would have yielded next. Raises ValueError where the guess itself cannot
    be rendered, or `after` is of another run."""
    spent, first = (0.0, 0) if after is None else (after.seconds, after.index + 1)
    if first > config.steps:
        return
    began = time.perf_counter()
    descent = Descent(cutout, guess, generator, category, config, perceptual)
    if after is not None:
        descent.resume(after)
        descent.evaluate(after.index)
        descent.step()
    for index in range(first, config.steps + 1):
        step = descent.evaluate(index)
        spent += time.perf_counter() - began
        yield replace(step, seconds=spent)
        if index == config.steps or (cancelled is not None and cancelled()):
            return
        began = time.perf_counter()
        descent.step()

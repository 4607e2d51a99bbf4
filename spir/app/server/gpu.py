"""Borrow a GPU for the length of a call where the host lends them (ZeroGPU); elsewhere nothing changes.

This must be imported before anything touches CUDA. Arguments and results cross a process boundary there:
plain dataclasses on the CPU, no locks, no closures.
"""

import copy

from spir.pipeline import Reconstructor

try:
    import spaces  # pyright: ignore[reportMissingImports]
except ImportError:
    spaces = None

GPU_PER_CALL = spaces is not None
"""Whether this host lends GPUs per call."""


def invert_seconds(cutout, guess, config, after=None, cancelled=None) -> int:
    """Return the seconds for which a GPU is borrowed to invert."""
    return 10 + config.steps


SECONDS = {
    "initialise": lambda *_: 10,
    "invert": invert_seconds,
    "render": lambda *_: 10,
    "turning": lambda *_: 20,
    "mesh": lambda *_: 20,
    "appearance": lambda *_: 60,
    "distance": lambda *_: 5,
}
"""The seconds for which each method of the engine borrows a GPU, as a function of its arguments."""


def with_borrowed_gpu(engine: Reconstructor) -> Reconstructor:
    """Return an engine whose methods borrow a GPU where GPUs are lent; elsewhere the engine itself."""
    if not GPU_PER_CALL or spaces is None:
        return engine
    lent = copy.copy(engine)
    for name, seconds in SECONDS.items():
        setattr(lent, name, spaces.GPU(duration=seconds)(getattr(engine, name)))
    return lent

"""A GPU borrowed for the length of a call where the host lends them (ZeroGPU); otherwise nothing at all.

Must be imported before anything touches CUDA. What goes in and out crosses a process boundary there: plain
dataclasses on the CPU, no locks, no closures.
"""

import copy

from spir.pipeline import Reconstructor

try:
    import spaces
except ImportError:
    spaces = None

LENT = spaces is not None
"""Whether GPUs are lent here, by the call."""


def invert_seconds(cutout, guess, config, after=None, cancelled=None) -> int:
    """The seconds for which a GPU is borrowed to invert."""
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
"""Method of the engine -> for how many seconds it borrows a GPU, by its arguments."""


def lend_gpu(engine: Reconstructor) -> Reconstructor:
    """The engine whose methods borrow a GPU where GPUs are lent; elsewhere the engine itself."""
    if not LENT:
        return engine
    lent = copy.copy(engine)
    for name, seconds in SECONDS.items():
        setattr(lent, name, spaces.GPU(duration=seconds)(getattr(engine, name)))
    return lent

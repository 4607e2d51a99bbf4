"""A GPU borrowed for the length of a call where the host lends them (ZeroGPU); otherwise nothing at all.

Must be imported before anything touches CUDA. What goes in and out crosses a process boundary there: plain
nouns on the CPU, no locks, no closures.
"""

from collections.abc import Callable
from typing import TypeVar

try:
    import spaces
except ImportError:
    spaces = None

LENT = spaces is not None
"""Whether GPUs are lent here, by the call."""
F = TypeVar("F", bound=Callable)


def on_gpu(function: F, seconds: Callable[..., int]) -> F:
    """The same function, or generator, with a GPU for at most `seconds(*its arguments)`."""
    return spaces.GPU(duration=seconds)(function) if LENT else function

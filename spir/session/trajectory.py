"""Define the trajectory of a fit as segments: every descent that led to it, with its start and its
configuration (section 3.3).
"""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from spir.inversion.config import InversionConfig
from spir.types import Cutout, Guess, Step


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment is one descent. Its steps are numbered on from those of the segments before it."""

    start: Guess
    """The guess at which the descent began."""
    config: InversionConfig
    first_step: int = 0
    """The number of the step at which it began."""
    first_seconds: float = 0.0
    """The seconds that the segments before it took."""
    steps: tuple[Step, ...] = ()

    @property
    def last_planned(self) -> int:
        """The number of the last step, if the run is not stopped earlier."""
        return self.first_step + self.config.steps

    def to_global(self, step: Step) -> Step:
        """Return a step of the descent with its number and seconds in the whole trajectory."""
        return replace(step, index=step.index + self.first_step, seconds=step.seconds + self.first_seconds)

    def to_local(self, step: Step) -> Step:
        """Return a step of the trajectory with its number and seconds in this descent."""
        return replace(step, index=step.index - self.first_step, seconds=step.seconds - self.first_seconds)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A trajectory has all segments of a fit, and the cut-out that they fit."""

    cutout: Cutout
    mask: Float[Tensor, "height width"]
    """The mask of the cut-out, in [0, 1], at the photo's size."""
    segments: tuple[Segment, ...]
    metrics: tuple[dict[str, float], ...] = ()
    """One dictionary per step, such as {"iou": .., "psnr": ..}."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order of rising numbers."""
        return tuple(step for segment in self.segments for step in segment.steps)

    def at(self, number: int) -> Step:
        """Return the step of that number. Raises KeyError where there is none."""
        for step in self.steps:
            if step.index == number:
                return step
        raise KeyError(number)

    def truncated(self, number: int) -> "Trajectory":
        """Return the trajectory without the step of that number and those after it."""
        kept = tuple(
            replace(segment, steps=tuple(step for step in segment.steps if step.index < number))
            for segment in self.segments
        )
        kept = tuple(segment for segment in kept if segment.steps)
        count = sum(len(segment.steps) for segment in kept)
        return replace(self, segments=kept, metrics=self.metrics[:count])

    def with_segment(self, segment: Segment) -> "Trajectory":
        """Return the trajectory with another, empty segment."""
        return replace(self, segments=(*self.segments, segment))

    def planned_to(self, steps: int) -> "Trajectory":
        """Return the trajectory with its last segment planned up to the step of that number."""
        *others, last = self.segments
        config = replace(last.config, steps=steps - last.first_step)
        return replace(self, segments=(*others, replace(last, config=config)))

    def add(self, step: Step, metrics: dict[str, float]) -> "Trajectory":
        """Return the trajectory with one more step, already numbered, in its last segment."""
        *others, last = self.segments
        last = replace(last, steps=(*last.steps, step))
        return replace(self, segments=(*others, last), metrics=(*self.metrics, metrics))

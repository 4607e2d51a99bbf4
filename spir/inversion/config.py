"""§3.3, the numbers of an inversion, and the paper's three rows of them.

Our departures from the paper are fields: a silhouette and a colour loss beside the perceptual one, a leash on
w, gains and rates of their own for the shape as a whole, its rows, the palette and the pose, few crops drawn once.
"""

from dataclasses import dataclass, replace

from spir.inversion.losses import LOSSES
from spir.inversion.variables import StepScales


@dataclass(frozen=True)
class InversionConfig:
    """How to descend. No number depends on `steps`, so a longer run begins with the shorter one."""

    steps: int = 10
    """Updates; the run yields one step more."""
    gains: StepScales = StepScales(shape=30.0, rows=15.0, palette=10.0)
    """w moves gain x rate a step. The paper: 5 for rows and palette, 0 for the shape as a whole."""
    rate: float = 2e-3
    """Adam's learning rate, constant."""
    pose_rate: float = 1e-2
    """The same for the pose, all of its numbers of order 1; the paper uses `rate`."""
    betas: tuple[float, float] = (0.9, 0.95)
    losses: tuple[tuple[str, float], ...] = (
        ("perceptual", 1.0),
        ("silhouette", 1.5),
        ("colour", 0.5),
        ("latent_reg", 0.1),
    )
    """Entries of `LOSSES` with their weights. The paper: (("perceptual", 1.0),)."""
    crops: int = 3
    """Random copies beside the full frame; the paper has 15."""
    fresh_crops: bool = False
    """New copies at every step, as the paper; the target's features are then computed at every step too."""
    seed: int = 0
    """Of the crops; the same seed gives the same fit."""
    optimise_pose: bool = True
    size: int = 128
    """Pixels a side of the pictures that steps carry; a cut-out of another size is resized."""
    samples: int = 16
    """Field look-ups per ray."""
    renderer: str = "fast"
    """A key of `RENDERERS`."""
    jitter: bool = False
    """Samples at random places, others at every step, as the paper."""

    def __post_init__(self):
        unknown = [name for name, _ in self.losses if name not in LOSSES]
        if unknown:
            raise ValueError(f"there is no loss {unknown[0]!r}; choose among {', '.join(LOSSES)}")
        if not any(weight for _, weight in self.losses):
            raise ValueError("at least one loss needs a weight")
        if self.steps < 0 or self.crops < 0:
            raise ValueError("steps and crops cannot be negative")


HYBRID_FAST = InversionConfig(steps=10)
HYBRID_SLOW = replace(HYBRID_FAST, steps=30)
FINE_STEPS = replace(HYBRID_FAST, steps=10, size=256)
"""What follows the usual steps where quality is worth more than time: ten more on a larger picture."""
ENCODER_ONLY = replace(HYBRID_FAST, steps=0)
AS_PUBLISHED = InversionConfig(
    steps=30,
    gains=StepScales(shape=0.0, rows=5.0, palette=5.0),
    pose_rate=InversionConfig.rate,
    losses=(("perceptual", 1.0),),
    crops=15,
    fresh_crops=True,
    renderer="reference",
    jitter=True,
)
"""The paper's own, slow; `published` has the others."""
QUICK_STEPS, QUICK_GAIN = 10, 10.0
"""The paper's fast inversion goes twice as far a step."""
PRESETS = {"encoder only": ENCODER_ONLY, "hybrid fast": HYBRID_FAST, "hybrid slow": HYBRID_SLOW}


def published(steps: int, optimise_pose: bool = True) -> InversionConfig:
    """The authors' inversion of that length, with nothing of ours."""
    gain = QUICK_GAIN if steps <= QUICK_STEPS else AS_PUBLISHED.gains.rows
    gains = StepScales(shape=0.0, rows=gain, palette=gain)
    return replace(AS_PUBLISHED, steps=steps, gains=gains, optimise_pose=optimise_pose)

"""§3.3, the settings of an inversion, and the paper's three variants of them.

Our departures from the paper are fields: a silhouette and a colour loss beside the perceptual one, a regularisation of
w towards the encoder's, separate gains and learning rates for the shape as a whole, its rows, the palette and the pose,
and few crops drawn once.
"""

from dataclasses import dataclass, replace

from spir.inversion.losses import LOSSES
from spir.inversion.variables import StepScales


@dataclass(frozen=True)
class InversionConfig:
    """Settings of the optimisation. No number depends on `steps`, so a longer run begins with the shorter one."""

    steps: int = 10
    """The number of updates; the run yields one step more."""
    gains: StepScales = StepScales(shape=30.0, rows=15.0, palette=10.0)
    """The step of w is gain x rate. The paper: 5 for rows and palette, 0 for the shape as a whole."""
    rate: float = 2e-3
    """Adam's learning rate, constant."""
    pose_rate: float = 1e-2
    """Adam's learning rate for the pose, whose numbers are all of order 1; the paper uses `rate`."""
    betas: tuple[float, float] = (0.9, 0.95)
    losses: tuple[tuple[str, float], ...] = (
        ("perceptual", 2.0),
        ("silhouette", 2.0),
        ("colour", 0.5),
        ("latent_reg", 0.1),
    )
    """Entries of `LOSSES` with their weights. The paper: (("perceptual", 1.0),)."""
    crops: int = 3
    """Random affine copies besides the full frame; the paper has 15."""
    fresh_crops: bool = False
    """Whether new copies are drawn at every step, as in the paper; then the target's features are also computed at every step."""
    seed: int = 0
    """The seed of the crops; the same seed gives the same fit."""
    optimise_pose: bool = True
    size: int = 128
    """Side in pixels of the pictures that steps carry; a cut-out of another size is resized."""
    samples: int = 16
    """Field evaluations per ray."""
    renderer: str = "fast"
    """A key of `RENDERERS`."""
    jitter: bool = False
    """Whether samples lie at random places, drawn anew at every step, as in the paper."""

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
"""Settings that follow the usual steps where quality matters more than time: ten more on a larger picture."""
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
"""The paper's own slow inversion; `published` returns the other variants."""
QUICK_STEPS, QUICK_GAIN = 10, 10.0
"""The paper's fast inversion: its steps, and its gain, twice that of the slow one."""
PRESETS = {"encoder only": ENCODER_ONLY, "hybrid fast": HYBRID_FAST, "hybrid slow": HYBRID_SLOW}


def published(steps: int, optimise_pose: bool = True) -> InversionConfig:
    """Return the authors' inversion of that length, without any of our departures."""
    gain = QUICK_GAIN if steps <= QUICK_STEPS else AS_PUBLISHED.gains.rows
    gains = StepScales(shape=0.0, rows=gain, palette=gain)
    return replace(AS_PUBLISHED, steps=steps, gains=gains, optimise_pose=optimise_pose)

"""§3.1 and §4, every number of the adversarial training in one place.

A step here is one of the generator and one of the discriminator; the authors count the two apart, so their
iterations are twice as many: 300,000 of theirs are 150,000 of these.
"""

from dataclasses import dataclass, field, replace

from spir.train.gan.ada import AdaConfig


@dataclass(frozen=True)
class GanConfig:
    """The numbers of one training; the defaults are the paper's."""

    steps: int = 150_000
    size: int = 128
    """The discriminator sees pictures of this side, pixels; real ones are kept at twice that."""
    batch: int = 32
    """Each process draws so many pictures a step; the authors spread 32 over 4 or 8."""
    half: bool = False
    """Convolutions of both networks are in bfloat16, where that is faster."""
    samples: int = 24
    """The fast renderer looks the field up so often a ray, as good as the authors' 128 (see the renderer's
    tests)."""
    generator_rate: float = 2.5e-3
    discriminator_rate: float = 2e-3
    betas: tuple[float, float] = (0.0, 0.99)
    clip: float = 100.0
    """Gradients are clipped to this norm."""
    first_rate: float = 0.1
    """Share of the learning rates at the first step; it grows to 1 over `rate_warm_up` steps."""
    rate_warm_up: int = 1_000
    r1: float = 5.0
    """gamma: the penalty is gamma / 2 times the mean squared gradient of the logits at real pictures."""
    r1_every: int = 1
    """More than 1 = lazy regularisation: every so many steps, with a weight so many times as large."""
    eikonal: float = 0.1
    variation: float = 0.5
    """Weight of the "TV" term, the change of occupancy over a tiny displacement."""
    entropy: float = 0.05
    """Weight of the share of space that lies in the undecided band around surfaces."""
    variation_step: float = 0.004
    """Standard deviation of the displacement, half sides of the cube."""
    grid: int = 31
    """The three are evaluated at one random point in each of grid^3 cells."""
    grid_every: int = 1
    """More than 1 = lazy regularisation."""
    path: float = 2.0
    path_decay: float = 0.01
    path_ramp: int = 1_000
    """Path length regularisation grows to its weight over so many steps."""
    path_every: int = 1
    path_batch: int = 32
    """Path lengths are taken of so many objects of a batch."""
    regulariser_warm_up: int = 6_250
    """Variation and entropy grow to their weights over so many steps, and the blur below vanishes."""
    blur: float = 10.0
    """Real pictures are blurred at first by a kernel of this width, pixels of a 128-pixel picture."""
    ada: AdaConfig = field(default_factory=AdaConfig)
    ema_pictures: int = 10_000
    """Half-life of the averaged weights, in pictures."""
    ema_powers: tuple[tuple[int, int], ...] = ((500, 100), (5_000, 10))
    """Each entry is (before this step, the decay to that power): the average forgets faster at first."""
    sphere_steps: int = 1_000
    sphere_radius: float = 1.0
    """A generator from scratch begins as a sphere of this radius, object units."""
    density: float = 0.1
    """beta of a generator from scratch; alpha begins at 1."""
    channel_base: int = 32768
    channel_max: int = 512
    """The discriminator has min(channel_base / r, channel_max) channels at resolution r."""
    projected: bool = False
    """Whether the discriminator sees frozen ImageNet features (`spir.train.gan.projected`); it then needs no R1."""
    frozen: tuple[str, ...] = ()
    """Parts of the generator whose names begin so are not trained."""
    distill_reg: float = 0.0
    """Weight of staying near the object that the starting weights make of the same z: distance and
    attention."""
    distill_reg_points: int = 1_024

    def ema_decay(self, step: int, pictures: int) -> float:
        """The decay of the average at a step over so many pictures, in [0, 1]."""
        power = next((power for before, power in self.ema_powers if step < before), 1)
        return 0.5 ** (pictures / self.ema_pictures * power)

    def ramp(self, step: int) -> float:
        """The share of the regularisers' weights at a step, from 0 to 1 over their warm-up."""
        return min(1.0, step / self.regulariser_warm_up) if self.regulariser_warm_up else 1.0


PAPER = GanConfig()

SMALL = replace(
    PAPER,
    steps=20_000,
    size=64,
    half=True,
    batch=8,
    samples=12,
    r1=1.0,
    r1_every=4,
    grid=12,
    grid_every=4,
    path_every=8,
    path_batch=4,
    regulariser_warm_up=1_000,
    rate_warm_up=200,
    ada=replace(PAPER.ada, start_step=500, pictures=50_000),
    ema_pictures=2_000,
    sphere_steps=300,
    sphere_radius=0.6,
    channel_base=2048,
    channel_max=128,
)
"""This preset is small enough for a CPU: 64 pixels, R1 by their number (a quarter of the pixels wants less of
it), the expensive regularisers lazily."""

DISTILLED = replace(
    SMALL,
    generator_rate=5e-4,
    discriminator_rate=1e-3,
    blur=0.0,
    regulariser_warm_up=0,
    sphere_steps=0,
    path=1e-3,
    path_decay=0.15,
    ada=replace(SMALL.ada, start_step=0),
    frozen=("mapping_network", "alpha", "beta"),
    distill_reg=0.5,
)
"""This preset starts from weights that know the shape: nothing warms up, the generator learns slower and is
held near its start, and the path weight is the one with which those weights were distilled."""

PROJECTED = replace(
    DISTILLED, projected=True, r1=0.0, generator_rate=1e-4, discriminator_rate=1e-3, rate_warm_up=100
)
"""This preset judges by ImageNet features: the generator is slow, as the discriminator tells the two apart at once."""

PRESETS = {"paper": PAPER, "small": SMALL, "distilled": DISTILLED, "projected": PROJECTED}

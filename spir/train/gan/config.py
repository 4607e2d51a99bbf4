"""§3.1 and §4, every number of the adversarial training in one place.

A step here is one of the generator and one of the discriminator; the authors count the two apart, so their
iterations are twice as many: 300,000 of theirs are 150,000 of these.
"""

from dataclasses import dataclass, field, replace

from spir.train.gan.ada import AdaConfig


@dataclass(frozen=True)
class GanConfig:
    """The defaults are the paper's."""

    steps: int = 150_000
    size: int = 128
    """Side of the pictures that the discriminator sees, pixels; real ones are kept at twice that."""
    batch: int = 32
    """Pictures a step of each process; the authors spread 32 over 4 or 8."""
    half: bool = False
    """Convolutions of both networks in bfloat16, where that is faster."""
    samples: int = 24
    """Field look-ups a ray of the fast renderer; as good as the authors' 128 (see the renderer's tests)."""
    generator_rate: float = 2.5e-3
    discriminator_rate: float = 2e-3
    betas: tuple[float, float] = (0.0, 0.99)
    clip: float = 100.0
    """Longest gradient."""
    first_rate: float = 0.1
    """Share of the rates at the first step; all of them after `rate_warm_up` steps."""
    rate_warm_up: int = 1_000
    r1: float = 5.0
    """gamma: gamma / 2 times the mean squared slope of the logits at real pictures."""
    r1_every: int = 1
    """More than 1 = lazily, with a weight so many times as large."""
    eikonal: float = 0.1
    variation: float = 0.5
    """"TV" of the occupancy over a hair's breadth."""
    entropy: float = 0.05
    """Of space within the undecided band around surfaces."""
    variation_step: float = 0.004
    """Standard deviation of the displacement, half sides of the cube."""
    grid: int = 31
    """The three are taken at one random point in each of grid^3 cells."""
    grid_every: int = 1
    """More than 1 = lazily."""
    path: float = 2.0
    path_decay: float = 0.01
    path_ramp: int = 1_000
    """Steps after which path length regularisation has its full weight."""
    path_every: int = 1
    path_batch: int = 32
    """Objects of a batch whose lengths are taken."""
    regulariser_warm_up: int = 6_250
    """Steps over which variation and entropy grow to their weights, and the blur below vanishes."""
    blur: float = 10.0
    """Standard-deviation-like width, pixels of a 128-pixel picture, of the blur of real pictures at first."""
    ada: AdaConfig = field(default_factory=AdaConfig)
    ema_pictures: int = 10_000
    """Half-life of the averaged weights."""
    ema_powers: tuple[tuple[int, int], ...] = ((500, 100), (5_000, 10))
    """(before this step, the decay to that power): the average forgets faster at first."""
    sphere_steps: int = 1_000
    sphere_radius: float = 1.0
    """Object units."""
    density: float = 0.1
    """beta of a generator from scratch; alpha begins at 1."""
    channel_base: int = 32768
    channel_max: int = 512
    """Of the discriminator."""
    frozen: tuple[str, ...] = ()
    """Parts of the generator that do not learn, by the beginning of their names."""
    anchor: float = 0.0
    """Weight of staying near the object that the starting weights make of the same z: distance and attention."""
    anchor_points: int = 1_024

    def ema_decay(self, step: int, pictures: int) -> float:
        """Share of the average that stays at a step over so many pictures."""
        power = next((power for before, power in self.ema_powers if step < before), 1)
        return 0.5 ** (pictures / self.ema_pictures * power)

    def ramp(self, step: int) -> float:
        """0 to 1 over the regularisers' warm-up."""
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
    ada=replace(PAPER.ada, first=500, pictures=50_000),
    ema_pictures=2_000,
    sphere_steps=300,
    sphere_radius=0.6,
    channel_base=2048,
    channel_max=128,
)
"""Small enough for a CPU: 64 pixels, R1 by their number (a quarter of the pixels wants less of it), the
expensive regularisers lazily."""

DISTILLED = replace(
    SMALL,
    generator_rate=5e-4,
    discriminator_rate=1e-3,
    blur=0.0,
    regulariser_warm_up=0,
    sphere_steps=0,
    path=1e-3,
    path_decay=0.15,
    ada=replace(SMALL.ada, first=0),
    frozen=("mapping_network", "alpha", "beta"),
    anchor=0.5,
)
"""From weights that know the shape already: nothing to warm up, a slower generator on an anchor, and the path
weight with which those weights were distilled."""

PRESETS = {"paper": PAPER, "small": SMALL, "distilled": DISTILLED}

"""The options of an evaluation: a command line's requests, checked and typed."""

from dataclasses import dataclass
from pathlib import Path

from spir.evaluate.notebook import ResultLog
from spir.weights import WEIGHTS


@dataclass(frozen=True)
class Options:
    """What to evaluate; an absent folder or a count of 0 skips an evaluation."""

    category: str
    steps: tuple[int, ...] = (0, 10, 30)
    """Numbers of inversion steps after which results are scored, all within one run."""
    photos: Path | None = None
    own_cutout: bool = False
    verdict: bool = False
    """Whether also to test if the verdict tells these photos from bad ones."""
    eth80: Path | None = None
    eth80_novel: bool = False
    """Whether also to compare fits of the toy cars with their other photos."""
    eth80_kept: bool = False
    """Whether also to bootstrap the toys' poses, as for photos without cameras."""
    collection: Path | None = None
    """A folder of many photos, for `fronts` and `realism`."""
    fronts: Path | None = None
    """A table of the sides to which the fronts of some of the collection's photos point."""
    realism: bool = False
    """Whether to compare random samples with the collection's last thousand photos."""
    poses: Path | None = None
    """A table of the cameras from which these samples are rendered."""
    judge: Path = WEIGHTS / "car-synthetic" / "encoder.safetensors"
    """Encoder of the feature distance and the feature-FID where LPIPS and Inception are not available: the same for
    all weights, or their numbers could not be compared. The judge of `spir.evaluate.judge` needs no choice."""
    samples: int = 1000
    meshes: Path | None = None
    procedural: int = 0
    recolour: int = 0
    bench: int = 0
    """The number of the folder's photos on which the speed is measured."""
    sheet: bool = False
    """Whether also to make the pictures of the contact sheet."""
    appearance: bool = False
    """Whether also to evaluate textured objects: photos, toys, meshes, and recoloured ones."""
    appearance_only: bool = False
    """Whether to evaluate only textured objects."""
    appearance_sheet: bool = False
    """Whether also to make the pictures of the textured photos."""
    notebook: ResultLog | None = None
    """The file to which every item is written as soon as it is measured."""
    loss: str = "auto"
    """The perceptual distance that inversion minimises, one of `LOSS_BACKENDS`."""
    device: str = "auto"
    weights: Path = WEIGHTS
    workers: int = 1

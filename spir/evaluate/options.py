"""What to evaluate: the wishes of a command line, checked and typed."""

from dataclasses import dataclass
from pathlib import Path

from spir.evaluate.notebook import Notebook
from spir.weights import WEIGHTS


@dataclass(frozen=True)
class Options:
    """What to evaluate; an absent folder and a count of 0 leave an evaluation out."""

    category: str
    steps: tuple[int, ...] = (0, 10, 30)
    """Any N, all of them looks at one run."""
    photos: Path | None = None
    own_cutout: bool = False
    verdict: bool = False
    """Also: does the verdict know these photos from bad ones?"""
    eth80: Path | None = None
    eth80_novel: bool = False
    """Also lay fits of the toy cars over their other photos."""
    eth80_kept: bool = False
    """Also bootstrap their poses, as for photos without cameras."""
    collection: Path | None = None
    """Many photos, for the two that follow."""
    fronts: Path | None = None
    """Table of sides to which the fronts of some of them point."""
    realism: bool = False
    """Compare random samples with the last thousand of them."""
    poses: Path | None = None
    """Table of the cameras from which these samples are taken."""
    judge: Path = WEIGHTS / "car-synthetic" / "encoder.safetensors"
    """Encoder through whose features pictures are compared where LPIPS and Inception are not at hand: the same
    for all weights, or their numbers could not be compared."""
    samples: int = 1000
    meshes: Path | None = None
    procedural: int = 0
    recolour: int = 0
    bench: int = 0
    """Photos, of the folder's first."""
    sheet: bool = False
    """Also make the pictures of the contact sheet."""
    appearance: bool = False
    """Also look at textured objects: of the photos, the toys, the meshes, and recoloured."""
    appearance_only: bool = False
    """Look at nothing else."""
    appearance_sheet: bool = False
    """Also make the pictures of the textured photos."""
    notebook: Notebook | None = None
    """Where every item is written down as soon as it is measured."""
    device: str = "auto"
    weights: Path = WEIGHTS
    workers: int = 1

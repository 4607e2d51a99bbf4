"""Command lines of the trainings: a frozen dataclass of options each, which tyro turns into a parser."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import torch
import tyro

from spir.categories import CATEGORIES
from spir.formulas import FORMULAS

T = TypeVar("T")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if TYPE_CHECKING:
    CategoryName = str
    FormulaName = str
else:
    CategoryName = Literal[tuple(sorted(CATEGORIES))]
    FormulaName = Literal[tuple(sorted(FORMULAS))]


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """These options are common to all trainings that resume."""

    minutes: float | None = None
    """Stop this call after so many minutes; --resume goes on."""
    resume: bool = False
    """Continue from the newest checkpoint of the run."""
    seed: int = 0
    """Seed of the random numbers."""
    export: Path | None = None
    """Write the averaged weights here when this call ends."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(ResumeOptions):
    """These options are common to the trainings of one category."""

    run: Path | None = None
    """Folder of the run (runs/STAGE-CATEGORY)."""
    device: str = DEVICE
    """PyTorch device that trains."""


def parse(options: type[T], module: str, doc: str | None, argv: Sequence[str] | None) -> T:
    """Parse the arguments of `python -m module` (none = this process's own) into its dataclass of options.

    The docstrings of the fields are the help texts. Exits where the arguments are wrong, as argparse does."""
    flags_only = (tyro.conf.FlagCreatePairsOff,)
    return tyro.cli(options, prog=f"python -m {module}", description=doc, args=argv, config=flags_only)

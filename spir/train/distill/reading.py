"""After the distillation: the linear reading of w by which `spir.appearance` finds an object's formula.

    python -m spir.train.distill.reading car --generator weights/car/generator.safetensors --export FILE

The generator is the one whose mapping network `spir.train.distill.align` has taught; those that came from it
since (`spir.train.autodecoder`) keep its space of w, though `spir.train.autodecoder.latent_prior` changes
which z leads where.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from tyro.conf import Positional

from spir import weights
from spir.categories import CATEGORIES
from spir.formulas import FORMULAS
from spir.formulas.reading import Reading, ReadingConfig
from spir.generator.generator import Generator, GeneratorConfig
from spir.train.distill.align import explained
from spir.train.options import parse
from spir.train.provenance import provenance

MODULE = "spir.train.distill.reading"
TRAINING_OBJECTS = 65_536
"""The reading is fitted to so many random objects."""
HELD_OUT_OBJECTS = 8_192
if TYPE_CHECKING:
    ReadName = str
else:
    ReadName = Literal[tuple(sorted(name for name in CATEGORIES if CATEGORIES[name].kind in FORMULAS))]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    category: Positional[ReadName]
    generator: Path
    """Generator whose mapping network was aligned."""
    export: Path
    """File to write."""
    seed: int = 0
    """Seed of the random objects."""


@torch.no_grad()
def draw(
    generator: Generator, formula, count: int
) -> tuple[Float[Tensor, "count w_dim"], Float[Tensor, "count outputs"]]:
    """w of random objects, and their classes and parameters."""
    z = torch.randn(count, formula.z_dim)
    truth = torch.cat((formula.table.class_weights(z), *formula.table.decode(z).values()), 1)
    return generator.mapping(z), truth


def fit_reading(generator: Generator, formula) -> tuple[Reading, Float[Tensor, " outputs"]]:
    """The reading by least squares, and the share of every output's variance that it explains on other
    objects."""
    w, truth = draw(generator, formula, TRAINING_OBJECTS)
    one = torch.ones(len(w), 1)
    # Entries of w that hardly vary say nothing; a little ridge keeps them out.
    system = torch.cat((w, one), 1).double()
    ridge = 1e-4 * len(w) * torch.eye(system.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(system.T @ system + ridge, system.T @ truth.double()).float()
    reading = Reading(ReadingConfig(w.shape[1], truth.shape[1])).requires_grad_(False)
    reading.weight.copy_(solution[:-1])
    reading.bias.copy_(solution[-1])
    held, truth = draw(generator, formula, HELD_OUT_OBJECTS)
    return reading, explained(reading(held), truth)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where the generator cannot be used."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    try:
        generator, _, digest = weights.load(options.generator, Generator, GeneratorConfig)
    except weights.WeightsError as problem:
        sys.exit(f"Nothing was read: {problem}")
    formula = FORMULAS[CATEGORIES[options.category].kind]
    reading, share = fit_reading(generator, formula)
    classes = len(formula.table.classes)
    explains = {"classes": float(share[:classes].mean()), "parameters": float(share[classes:].mean())}
    weights.save(
        options.export,
        reading,
        reading.config,
        stage="reading",
        generator=digest,
        explained=explains,
        provenance=provenance(MODULE, argv, options),
    )
    print("explained of the variance:", ", ".join(f"{name} {value:.3f}" for name, value in explains.items()))


if __name__ == "__main__":
    main()

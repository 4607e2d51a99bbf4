"""After `distil`: the linear reading of w by which `spir.appearance` finds an object's formula.

    python -m spir.train.distill.reading car --generator weights/car-synthetic/generator.safetensors --export FILE

The generator is the one whose mapping network `train.align` has taught; those that came from it since
(`train.fit`) keep its space of w, though `train.prior` changes which z leads where.
"""

import argparse
import sys
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from spir import weights
from spir.categories import CATEGORIES
from spir.formulas import FORMULAS
from spir.formulas.reading import Reading, ReadingConfig
from spir.generator.generator import Generator, GeneratorConfig
from spir.train.distill.align import explained

DRAWN = 65_536
"""Random objects that the reading is fitted to."""
HELD_OUT = 8_192


@torch.no_grad()
def draw(
    generator: Generator, formula, count: int
) -> tuple[Float[Tensor, "count w_dim"], Float[Tensor, "count outputs"]]:
    """w of random objects, and their classes and parameters."""
    z = torch.randn(count, formula.z_dim)
    truth = torch.cat((formula.table.class_weights(z), *formula.table.decode(z).values()), 1)
    return generator.mapping(z), truth


def fit_reading(generator: Generator, formula) -> tuple[Reading, Float[Tensor, " outputs"]]:
    """The reading by least squares, and the share of every output's variance that it explains on other objects."""
    w, truth = draw(generator, formula, DRAWN)
    one = torch.ones(len(w), 1)
    # Entries of w that hardly vary say nothing; a little ridge keeps them out.
    system = torch.cat((w, one), 1).double()
    ridge = 1e-4 * len(w) * torch.eye(system.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(system.T @ system + ridge, system.T @ truth.double()).float()
    reading = Reading(ReadingConfig(w.shape[1], truth.shape[1])).requires_grad_(False)
    reading.weight.copy_(solution[:-1])
    reading.bias.copy_(solution[-1])
    held, truth = draw(generator, formula, HELD_OUT)
    return reading, explained(reading(held), truth)


def main(argv: list[str] | None = None) -> None:
    made = argparse.ArgumentParser(
        "python -m spir.train.distill.reading",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "category", choices=sorted(name for name in CATEGORIES if CATEGORIES[name].kind in FORMULAS)
    )
    made.add_argument("--generator", type=Path, required=True, help="whose mapping network was aligned")
    made.add_argument("--export", type=Path, required=True, metavar="FILE")
    made.add_argument("--seed", type=int, default=0)
    args = made.parse_args(argv)
    torch.manual_seed(args.seed)
    try:
        generator, _, digest = weights.load(args.generator, Generator, GeneratorConfig)
    except weights.WeightsError as problem:
        sys.exit(f"Nothing was read: {problem}")
    formula = FORMULAS[CATEGORIES[args.category].kind]
    reading, share = fit_reading(generator, formula)
    classes = len(formula.table.classes)
    told = {"classes": float(share[:classes].mean()), "parameters": float(share[classes:].mean())}
    weights.save(
        args.export,
        reading,
        reading.config,
        stage="reading",
        command=" ".join(["python -m spir.train.distill.reading", args.category, "--seed", str(args.seed)]),
        generator=digest,
        explained=told,
    )
    print(f"explained of the variance: classes {told['classes']:.3f}, parameters {told['parameters']:.3f}")


if __name__ == "__main__":
    main()

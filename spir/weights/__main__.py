"""Weights at the command line.

python -m spir.weights import GENERATOR.pth [ENCODER.pth] --category shapenet_cars
python -m spir.weights fetch URL|OWNER/REPOSITORY/FILE [--sha256 HASH] [--out FOLDER]
python -m spir.weights list | info CATEGORY
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from spir.categories import CATEGORIES
from spir.errors import WeightsError
from spir.weights.fetch import fetch
from spir.weights.files import WEIGHTS, available, load_models
from spir.weights.import_checkpoint import import_checkpoint


def parser() -> argparse.ArgumentParser:
    """Build the parser with every option."""
    options = argparse.ArgumentParser(
        "python -m spir.weights", description="Weights: import, fetch, list, look at."
    )
    options.add_argument("--weights", type=Path, default=WEIGHTS, help="folder with one folder a category")
    commands = options.add_subparsers(dest="command", required=True)
    bringing = commands.add_parser("import", help="the authors' checkpoints, converted once")
    bringing.add_argument("generator", type=Path, help="checkpoint_*.pth of the generator")
    bringing.add_argument("encoder", type=Path, nargs="?", help="c_it*_latest.pth of the encoder")
    bringing.add_argument("--category", required=True, choices=sorted(CATEGORIES))
    bringing.add_argument(
        "--focals", type=float, nargs="+", default=[], help="that PnP tries, picture widths"
    )
    getting = commands.add_parser(
        "fetch", help="a file from a URL or a hub's repository, resumed if it broke off"
    )
    getting.add_argument("source", help="https://... or OWNER/REPOSITORY/FILE")
    getting.add_argument("--sha256", default="", help="refuse any other file")
    getting.add_argument("--out", type=Path, default=Path("."), help="folder to put it into")
    commands.add_parser("list", help="which categories have weights")
    looking = commands.add_parser("info", help="what is known of a category's weights")
    looking.add_argument("category", choices=sorted(CATEGORIES))
    return options


def listed(root: Path) -> str:
    """Return one line per category: its kind, and whether its weights exist."""
    there = available(root)
    return "\n".join(
        f"{row.name:20} {row.kind:12} {'ready' if row.name in there else '-'}" for row in CATEGORIES.values()
    )


def told(category: str, root: Path) -> str:
    """Describe a category's weights: sizes, hash, origin and configuration."""
    models = load_models(category, root)
    sizes = {
        name: f"{sum(p.numel() for p in network.parameters()):,} parameters"
        for name, network in (("generator", models.generator), ("encoder", models.encoder))
    }
    configs = {"generator": asdict(models.generator.config), "encoder": asdict(models.encoder.config)}
    return json.dumps(
        {
            "category": asdict(models.category),
            "hash": models.hash,
            **sizes,
            "sizes": configs,
            "extra": models.extra,
        },
        indent=2,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 where a file could not be used, with the reason on standard error."""
    args = parser().parse_args(argv)
    try:
        if args.command == "import":
            written = import_checkpoint(
                args.generator, args.encoder, args.category, args.weights, args.focals
            )
            print("\n".join(f"wrote {path}" for path in written))
            if args.encoder is None:
                print("Without the encoder (c_it*_latest.pth) no photo can be looked at: import it too.")
        elif args.command == "fetch":
            print(f"wrote {fetch(args.source, args.out, args.sha256)}")
        elif args.command == "list":
            print(listed(args.weights))
        else:
            print(told(args.category, args.weights))
    except WeightsError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

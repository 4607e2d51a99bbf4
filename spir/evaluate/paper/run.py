"""§4, the paper's two tables on a test set: resumable, in batches, by as many processes as torchrun starts.

    python -m spir.evaluate.paper shapenet_cars DATA --split test --out report [--steps 0,10,30] [--batch 16]
    torchrun --nproc-per-node 4 -m spir.evaluate.paper.run ... (the same)

DATA is laid out as SRN, CARLA, P3D, CUB or ImageNet (`spir.data.collection`). Every batch is a file in --out; the
process that finds all of them there writes report.md and report.json.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES
from spir.data.collection import LAYOUTS, open_collection
from spir.data.sources.picture import Collection
from spir.errors import PhotoError, WeightsError
from spir.evaluate.__main__ import step_list
from spir.evaluate.benchmarks.photos import judged_by
from spir.evaluate.items import Record
from spir.evaluate.paper.inverted import MetricNetworks, score_batch
from spir.evaluate.paper.protocols import MOST, PROTOCOLS, Shot, shots
from spir.evaluate.paper.tables import markdown, summary
from spir.evaluate.suite import Options
from spir.metrics.fid import choose_features
from spir.pipeline import Reconstructor
from spir.weights import WEIGHTS
from spir.weights import load as load_weights

SETTINGS = "settings.json"


@dataclass(frozen=True)
class Settings:
    """Settings that must be equal for batches to be combined."""

    category: str
    weights: str
    data: str
    split: str
    protocol: str
    steps: tuple[int, ...]
    batch: int
    most: int
    as_published: bool
    distance: str
    """The name of the perceptual distance that is reported."""
    features: str
    """The name of the Fréchet distance's feature network."""
    judge: str
    """Hash of the encoder that both distances use where the paper's networks are not available."""


def batches(found: Sequence[Shot], size: int) -> list[Sequence[Shot]]:
    return [found[start : start + size] for start in range(0, len(found), size)]


def batch_path(folder: Path, number: int) -> Path:
    """Return the path of a batch's results."""
    return folder / f"batch-{number:05d}.safetensors"


def write(path: Path, records: list[Record], features: dict[str, Tensor]) -> None:
    """Write a batch completely or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    save_file(
        {name: tensor.contiguous() for name, tensor in features.items()},
        part,
        {"records": json.dumps(records)},
    )
    os.replace(part, path)


def read(paths: Sequence[Path]) -> tuple[list[Record], dict[str, Tensor]]:
    """Return records and features of all batches, in their order."""
    records, parts = [], []
    for path in paths:
        with safe_open(path, framework="pt") as file:
            records += json.loads(file.metadata()["records"])
            parts.append({name: file.get_tensor(name) for name in file.keys()})
    names = set().union(*parts)
    return records, {name: torch.cat([part[name] for part in parts if name in part]) for name in names}


def check_settings(folder: Path, settings: Settings) -> None:
    """Start the folder. Raises ValueError where it holds batches made with other settings."""
    folder.mkdir(parents=True, exist_ok=True)
    mine, path = json.loads(json.dumps(asdict(settings))), folder / SETTINGS
    if not path.is_file():
        path.write_text(json.dumps(mine, indent=1))
    elif (theirs := json.loads(path.read_text())) != mine:
        other = ", ".join(name for name in mine if theirs.get(name) != mine[name])
        raise ValueError(f"{folder} holds batches with other settings ({other}): choose another --out")


def invert(
    reconstructor: Reconstructor,
    collection: Collection,
    batch: Sequence[Shot],
    number: int,
    steps: Sequence[int],
    look: MetricNetworks,
) -> tuple[list[Record], dict[str, Tensor]]:
    """Invert a batch; where it fails, invert its pictures one by one, so that a bad one only loses itself."""
    draws = np.random.default_rng((0, number))
    try:
        done = score_batch(reconstructor, collection, batch, steps, look, draws)
        return done.records, done.features
    except (PhotoError, ValueError, RuntimeError) as problem:
        if len(batch) == 1:
            return [{"name": batch[0].name, "error": f"{type(problem).__name__}: {problem}"}], {}
    records: list[Record] = []
    features: dict[str, list[Tensor]] = {}
    for shot in batch:
        mine, seen = invert(reconstructor, collection, [shot], number, steps, look)
        records += mine
        for name, tensor in seen.items():
            features.setdefault(name, []).append(tensor)
    return records, {name: torch.cat(parts) for name, parts in features.items()}


def evaluate(args: argparse.Namespace, rank: int = 0, world: int = 1) -> Record | None:
    """Compute this process's share; return the report where all batches exist, else None.

    Raises WeightsError, FileNotFoundError, ValueError."""
    reconstructor = Reconstructor.load(
        args.category, args.device, args.weights, as_published=args.as_published
    )
    collection = open_collection(args.data, args.layout, args.split)
    judge, _, judge_hash = load_weights(args.judge, Encoder, EncoderConfig)
    look = MetricNetworks(args.judge, choose_features(judge.to(reconstructor.device), reconstructor.device))
    found = batches(shots(collection.names, args.protocol, args.most), args.batch)
    if not found:
        raise ValueError(f"there is no picture in {args.data}")
    distance = judged_by(args.judge, reconstructor.device).name
    settings = Settings(
        args.category, reconstructor.weights_hash, collection.name, args.split, args.protocol, args.steps,
        args.batch, args.most, args.as_published, distance, look.features.name, judge_hash,
    )  # fmt: skip
    check_settings(args.out, settings)
    paths = [batch_path(args.out, number) for number in range(len(found))]
    mine = [number for number in range(rank, len(found), world) if not paths[number].is_file()]
    for number in tqdm(mine, desc=f"{collection.name}, {args.protocol}", file=sys.stderr, disable=rank > 0):
        write(paths[number], *invert(reconstructor, collection, found[number], number, args.steps, look))
    if not all(path.is_file() for path in paths):
        return None
    report = {"settings": asdict(settings), **summary(*read(paths), args.steps)}
    (args.out / "report.json").write_text(json.dumps(report, indent=1))
    (args.out / "report.md").write_text(markdown(report))
    return report


def parser() -> argparse.ArgumentParser:
    """Build the parser with every option."""
    made = argparse.ArgumentParser(
        "python -m spir.evaluate.paper", description="The paper's tables on a test set."
    )
    add = made.add_argument
    add("category", choices=sorted(CATEGORIES))
    add("data", type=Path, help="folder of the test set, as its makers distribute it")
    add("--layout", default="auto", choices=("auto", *LAYOUTS))
    add("--split", default="test")
    add("--protocol", default="srn", choices=PROTOCOLS, help="one random other view out, or all of them")
    add("--most", type=int, default=MOST, help="pictures at most")
    add("--steps", type=step_list, default=(0, 10, 30), metavar="N,N")
    add(
        "--as-published",
        action="store_true",
        help="the authors' guess, steps and renderer instead of ours",
    )
    add("--batch", type=int, default=16, help="pictures inverted together")
    add("--out", type=Path, required=True, help="folder; the same command goes on where it was stopped")
    add(
        "--judge",
        type=Path,
        default=Options.judge,
        help="encoder whose features compare where LPIPS is not at hand",
    )
    add("--device", default="auto")
    add("--weights", type=Path, default=WEIGHTS)
    return made


def main(argv: Sequence[str] | None = None) -> None:
    args = parser().parse_args(argv)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if args.device == "auto" and torch.cuda.is_available():
        args.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    try:
        report = evaluate(args, rank, world)
    except (WeightsError, FileNotFoundError, ValueError) as problem:
        sys.exit(f"Nothing was evaluated: {problem}")
    if report is not None:
        print(markdown(report))


if __name__ == "__main__":
    main()

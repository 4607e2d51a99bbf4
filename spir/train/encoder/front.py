"""The encoder's head for the direction of the front, read off frozen features of labelled photos by ridge regression.

    python -m spir.train.encoder.front car --photos PHOTOS.tar --fronts FRONTS.csv --poses POSES --export FILE

What renderings cannot teach, a word a photo does: which end of a real car is its front. The rest of the encoder stays
bit for bit.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm
from tyro.conf import Positional

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig, front_features
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.fronts import SIDES, agrees, read_fronts
from spir.data.poses.table import PoseTable, load_table
from spir.data.training_set import masked_cutout
from spir.geometry.rotation import front_direction
from spir.train.options import DEVICE, CategoryName, parse
from spir.train.provenance import provenance
from spir.types import Cutout

MODULE = "spir.train.encoder.front"
MIRROR = (-1.0, 1.0)
"""What mirroring the picture does to the direction of the front."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    category: Positional[CategoryName]
    photos: Path
    """Collection of photos with masks."""
    fronts: Path
    """Table of the sides to which the fronts of some photos point."""
    poses: Path | None = None
    """Table of spir.data.poses: where a pose agrees with the photo's label, its exact direction counts."""
    start: Path | None = None
    """Encoder that gets the head (weights/CATEGORY/encoder.safetensors)."""
    ridge: float = 1500.0
    """Strength of the regularisation, for features of unit variance."""
    device: str = DEVICE
    """PyTorch device."""
    export: Path
    """Where to write the encoder."""


@torch.no_grad()
def features(encoder: Encoder, cut: Cutout) -> Float[Tensor, "2 width"]:
    """What the head sees of a cut-out (batch of 1) and of its mirror image."""
    rgb, mask = torch.cat((cut.rgb, cut.rgb.flip(2))), torch.cat((cut.mask, cut.mask.flip(2)))
    return front_features(encoder.front_maps(rgb, encoder.features(rgb, mask)), mask)


def direction(name: str, side: str, table: PoseTable | None) -> Float[Tensor, " 2"]:
    """Where the front of a photo points: by its pose, or by the label alone where there is none that agrees."""
    row = None if table is None else table.row(name)
    if table is not None and row is not None:
        pose = table.pose.map(lambda part: part[row : row + 1])
        if bool(agrees(pose, [side])):
            return front_direction(pose.quaternion)[0]
    return torch.tensor(SIDES[side])


def ridge_regression(
    x: Float[Tensor, "row width"], y: Float[Tensor, "row 2"], ridge: float
) -> tuple[Float[Tensor, "2 width"], Float[Tensor, " 2"]]:
    """Weight and bias of the regularised least squares for x standardised; they apply to x as it is."""
    mean, deviation = x.mean(0), x.std(0).clamp(min=1e-4)
    known = torch.cat(((x - mean) / deviation, torch.ones(len(x), 1, device=x.device)), 1).double()
    square = known.T @ known + ridge * torch.eye(known.shape[1], dtype=torch.float64, device=x.device)
    solved = torch.linalg.solve(square, known.T @ y.double()).float()
    weight = (solved[:-1] / deviation[:, None]).T
    return weight, solved[-1] - weight @ mean


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where there are no labelled photos."""
    options = parse(Options, MODULE, __doc__, argv)
    category = CATEGORIES[options.category]
    try:
        collection, sides = open_collection(options.photos), read_fronts(options.fronts)
        table = load_table(options.poses) if options.poses else None
    except (ValueError, FileNotFoundError) as problem:
        sys.exit(f"Nothing was trained: {problem}")
    rows = [row for row, name in enumerate(collection.names) if name in sides]
    if not rows:
        sys.exit(f"Nothing was trained: {options.photos} has none of the photos in {options.fronts}")
    start = options.start or weights.WEIGHTS / options.category / "encoder.safetensors"
    known, extra, _ = weights.load(start, Encoder, EncoderConfig)
    encoder = Encoder(replace(known.config, front=True)).eval()
    encoder.load_state_dict(known.state_dict(), strict=False)
    encoder.to(options.device)
    seen, wanted = [], []
    for row in tqdm(rows):
        name = collection.names[row]
        cut = masked_cutout(collection[row], category, encoder.config.size).to(options.device)
        goal = direction(name, sides[name], table)
        seen.append(features(encoder, cut))
        wanted += [goal, goal * torch.tensor(MIRROR)]
    weight, bias = ridge_regression(torch.cat(seen), torch.stack(wanted).to(options.device), options.ridge)
    with torch.no_grad():
        encoder.front.weight.copy_(weight)
        encoder.front.bias.copy_(bias)
    print(f"{len(rows)} labelled photos", flush=True)
    record = {"trunk": extra.get("provenance"), **provenance(MODULE, argv, options, options)}
    kept = {name: value for name, value in extra.items() if name != "provenance"}
    weights.save(options.export, encoder, encoder.config, **kept, provenance=record)


if __name__ == "__main__":
    main()

"""§3.1 and §3.2, bootstrapped poses: rough cameras for photos that came without any.

    python -m spir.data.poses car photos.tar --out runs/poses-car.safetensors --report runs/poses-car

The encoder predicts NOCS, PnP finds a pose, and a short inversion refines it. A pose is kept if everything
agrees that can be checked without a true pose: the map with its camera, the object with the silhouette, its
picture with the photo, and the encoder with itself. The last detects a front taken for a back: such a
prediction changes when the photo is recoloured.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from spir.bootstrap.colours import fit_colours
from spir.bootstrap.guess import encode, guess, resize
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.fronts import agrees, read_fronts, turn_to_agree
from spir.data.poses.report import write_report
from spir.data.poses.table import PoseTable, load_table, save_table
from spir.data.sources.picture import Collection, Picture
from spir.inversion.config import HYBRID_FAST
from spir.inversion.invert import invert
from spir.metrics.images import iou
from spir.photo import PhotoError
from spir.pipeline import Reconstructor
from spir.types import Cutout, join
from spir.weights import WEIGHTS, WeightsError

QUICK = replace(HYBRID_FAST, steps=4, size=64, crops=0, samples=12)
"""The short inversion: a quarter of the pixels, no crops."""
RECOLOURED: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda rgb: rgb.mean(-1, keepdim=True).expand_as(rgb),
    lambda rgb: rgb.roll(1, -1),
    lambda rgb: rgb.roll(2, -1),
    lambda rgb: -rgb,
)
"""Functions that recolour a photo: grey, other hues, the negative."""
SAVE_EVERY = 25
"""The table is written every so many batches."""


@dataclass(frozen=True)
class PoseFilter:
    """Limits of the scores from which on a pose is good enough to learn from.

    They were tuned on the toy cars 2 and 3 of ETH-80, see weights/TRAINING.md."""

    reprojection: float = 0.015
    """Largest reprojection error, picture widths."""
    iou: float = 0.85
    """Smallest intersection over union."""
    loss: float = 0.45
    """Largest loss of the short inversion."""
    spread: float = 0.08
    """Largest spread of the encoder's predictions, object units."""

    def __call__(self, table: PoseTable) -> Bool[Tensor, " photo"]:
        """Which rows are good enough. Where the front is known, the encoder's uncertainty does not count."""
        sure = (table.reprojection <= self.reprojection) & (table.spread <= self.spread)
        return (sure | table.front_known) & (table.iou >= self.iou) & (table.loss <= self.loss)


def filtered(table: PoseTable, keep: PoseFilter) -> PoseTable:
    """The table with its rows marked as kept or not."""
    return replace(table, kept=keep(table))


@torch.no_grad()
def spread(reconstructor: Reconstructor, cut: Cutout) -> Float[Tensor, " batch"]:
    """How far the encoder's maps of recoloured copies deviate from their mean, object units, mean over the
    object."""
    encoder, symmetric = reconstructor.encoder, reconstructor.category.symmetric
    solid = cut.mask[..., None]
    copies = [cut, *(replace(cut, rgb=recolour(cut.rgb) * solid) for recolour in RECOLOURED)]
    seen = [encode(encoder, copy, symmetric, reconstructor.half) for copy in copies]
    maps = torch.stack([out.nocs for out in seen])
    weight = seen[0].mask * resize(solid, seen[0].mask.shape[1])[..., 0]
    apart = (maps - maps.mean(0)).norm(dim=-1).mean(0)
    return (apart * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1e-6)


def bootstrap(
    reconstructor: Reconstructor, names: Sequence[str], cut: Cutout, sides: Sequence[str | None]
) -> PoseTable:
    """Poses, codes and scores of a batch of cut-outs; none is marked as kept yet.

    `sides` says where each front points, a key of `spir.data.poses.fronts.SIDES`, or none where nobody
    labelled it."""
    generator, category = reconstructor.generator, reconstructor.category
    target = cut.to(reconstructor.device)
    first = guess(target, reconstructor.encoder, generator, category)
    first = replace(first, pose=turn_to_agree(first.pose, sides))
    first = fit_colours(first, target, generator, category)
    *_, last = invert(target, first, generator, category, QUICK, reconstructor.perceptual)
    last = last.to("cpu")
    right = agrees(last.pose, sides)
    unsure = spread(reconstructor, target).cpu()
    unsure[~right] = torch.inf
    front_known = torch.tensor([side is not None for side in sides]) & right
    mask = F.interpolate(cut.mask[:, None], last.alpha.shape[1:], mode="area")[:, 0]
    return PoseTable(
        tuple(names),
        last.pose,
        last.code.w,
        first.pnp_error.cpu(),
        iou(last.alpha, mask),
        last.loss,
        unsure,
        front_known,
        torch.zeros(len(names), dtype=torch.bool),
    )


def cut_picture(reconstructor: Reconstructor, picture: Picture) -> Cutout:
    """The cut-out of a picture by its own mask, else by the segmenter. Raises PhotoError where it shows no
    object."""
    alpha = picture.photo.alpha
    return reconstructor.cut(picture.photo, None if alpha is None else alpha.float() / 255)


def cutouts(
    collection: Collection, rows: Sequence[int], reconstructor: Reconstructor, batch: int
) -> Iterator[tuple[list[str], Cutout]]:
    """Yield names and cut-outs of the photos in these rows, in batches; a photo without an object is left
    out."""
    names, cuts = [], []
    for place, row in enumerate(rows):
        picture = collection[row]
        try:
            cuts.append(cut_picture(reconstructor, picture))
            names.append(picture.name)
        except PhotoError:
            # Of thousands of photos some show nothing: the table is shorter then.
            pass
        if names and (len(names) == batch or place == len(rows) - 1):
            yield names, join(cuts)
            names, cuts = [], []


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser(
        prog="python -m spir.data.poses",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("category", choices=sorted(CATEGORIES))
    add("photos", type=Path, help="collection of photos, with masks or without")
    add("--fronts", type=Path, help="table of sides that fronts point to, by eye, for some of the photos")
    add("--layout", default="auto", help="of the collection, where it is not recognised")
    add("--out", type=Path, required=True, help="table to write")
    add("--report", type=Path, help="folder for the report and its contact sheets")
    add("--first", type=int, default=0, help="begin with this photo")
    add("--limit", type=int, metavar="N", help="so many photos at most")
    add("--told", action="store_true", help="only photos in the table of --fronts")
    limits = PoseFilter()
    for limit in fields(PoseFilter):
        add(
            f"--{limit.name}", type=float, default=getattr(limits, limit.name), help="limit of the poses kept"
        )
    add("--batch", type=int, default=8)
    add("--resume", action="store_true", help="leave out the photos that the table has already")
    add("--weights", type=Path, default=WEIGHTS, metavar="ROOT", help="folder of CATEGORY/*.safetensors")
    add("--device", default="auto")
    return made


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = parser().parse_args(argv)
    try:
        # The limits of the loss were read off with this distance.
        reconstructor = Reconstructor.load(args.category, args.device, args.weights, loss="encoder")
        collection = open_collection(args.photos, args.layout)
        fronts = read_fronts(args.fronts) if args.fronts else {}
        done = [load_table(args.out)] if args.resume and args.out.exists() else []
    except (WeightsError, ValueError, FileNotFoundError) as problem:
        sys.exit(f"No poses were found: {problem}")
    keep = PoseFilter(args.reprojection, args.iou, args.loss, args.spread)
    known = set(done[0].names if done else ())
    rows = range(len(collection))[args.first :][: args.limit]
    rows = [row for row in rows if collection.names[row] not in known]
    if args.told:
        rows = [row for row in rows if collection.names[row] in fronts]
    for count, (names, cut) in enumerate(tqdm(cutouts(collection, rows, reconstructor, args.batch))):
        done.append(bootstrap(reconstructor, names, cut, [fronts.get(name) for name in names]))
        if count % SAVE_EVERY == 0:
            done = [filtered(join(done), keep)]
            save_table(args.out, done[0])
    if not done:
        sys.exit(f"No poses were found: {args.photos} shows no object that could be cut out.")
    table = filtered(join(done), keep)
    save_table(args.out, table)
    print(f"{int(table.kept.sum())} of {len(table)} photos kept")
    if args.report:
        write_report(args.report, table, collection, CATEGORIES[args.category], keep)


if __name__ == "__main__":
    main()

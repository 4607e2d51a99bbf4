"""§3.2, front or back on real photos: the front's direction in the first guess against a person's label."""

from dataclasses import dataclass
from pathlib import Path

import torch

from spir.data.collection import Collection, open_collection
from spir.data.poses.bootstrap import cut_picture
from spir.data.poses.fronts import agrees, read_fronts
from spir.evaluate.items import Record, finished
from spir.evaluate.runs import run
from spir.pipeline import Reconstructor


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo of a collection, and the side to which its front points."""

    collection: Collection
    name: str
    side: str


def labelled_photos(photos: Path, fronts: Path) -> list[LabelledPhoto]:
    """Return the labelled photos of a table that the collection has. Raises ValueError where it has none."""
    collection = open_collection(photos)
    sides = read_fronts(fronts)
    found = [LabelledPhoto(collection, name, sides[name]) for name in collection.names if name in sides]
    if not found:
        raise ValueError(f"{photos} has none of the photos that {fronts} names")
    return found


@torch.no_grad()
def score_front(reconstructor: Reconstructor, told: LabelledPhoto) -> Record:
    """Score whether the first guess (N = 0) has the front on the labelled side."""
    picture = told.collection[told.collection.names.index(told.name)]
    first = run(reconstructor, cut_picture(reconstructor, picture), (0,))
    return {
        "side": told.side,
        "right": bool(agrees(first.steps[0].pose, [told.side])),
    }


def summary(records: list[Record]) -> Record:
    """Return the share of right answers, for all sides together and for each."""
    done = finished(records)
    share = lambda rows: sum(row["right"] for row in rows) / len(rows)  # noqa: E731
    sides = sorted({record["side"] for record in done})
    return {
        "photos": len(done),
        "right": share(done) if done else None,
        "per_side": {side: share([record for record in done if record["side"] == side]) for side in sides},
    }

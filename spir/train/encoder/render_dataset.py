"""§3.2, the pictures that the encoder is trained on: folders of shards, read while they still grow.

Renderings are stored as attention, so that every one can be repainted while training
(`spir.train.encoder.views`, `spir.train.encoder.mesh_views`); real photos are stored in their own colours
(`spir.train.encoder.photo_views`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.types import Movable

Mapping = Callable[[Float[Tensor, "batch z"]], Float[Tensor, "batch width"]]


@dataclass(frozen=True)
class RenderBatch(Movable):
    """A batch of the dataset before augmentation; pictures are premultiplied and channels first."""

    w: Float[Tensor, "batch width"]
    own: Bool[Tensor, " batch"]
    """Whether the picture shows the object of w in its own colours."""
    rgb: Float[Tensor, "batch 3 size size"]
    """Colours in [0, 1]."""
    nocs: Float[Tensor, "batch 3 size size"]
    alpha: Float[Tensor, "batch 1 size size"]


class RenderDataset:
    """All views of some folders of shards, in memory."""

    def __init__(self, folders: dict[Path, float], procedural, mapping: Mapping):
        """Read the shards of `folders`, which map each folder to its share of a batch.

        `procedural` is the formula that paints, `mapping` the function from z to w. Exits where a folder
        holds no views."""
        self.folders, self.procedural, self.mapping = folders, procedural, mapping
        self.shards: dict[Path, dict[str, np.ndarray]] = {}
        self.rows: dict[Path, list[tuple[Path, int]]] = {folder: [] for folder in folders}
        self.reload()
        for folder, rows in self.rows.items():
            if not rows:
                raise SystemExit(
                    f"{folder} holds no views: make some with python -m spir.train.encoder.views"
                )

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def reload(self) -> None:
        """Read the shards that are new since the last call."""
        for folder, rows in self.rows.items():
            for path in sorted(folder.glob("*.npz")):
                if path not in self.shards:
                    with np.load(path, allow_pickle=False) as shard:
                        self.shards[path] = dict(shard)
                    rows += [(path, row) for row in range(len(self.shards[path]["z"]))]

    @property
    def size(self) -> int:
        """Side of the pictures, pixels."""
        return next(iter(self.shards.values()))["alpha"].shape[1]

    @torch.no_grad()
    def sample(self, batch: int, repaint: float, strange: float) -> RenderBatch:
        """Draw random views; the share `repaint` of the renderings gets a new palette, `strange` unusual part
        colours."""
        shares = torch.tensor(list(self.folders.values()))
        folders = [list(self.rows.values())[k] for k in shares.multinomial(batch, replacement=True).tolist()]
        picks = [rows[int(torch.randint(len(rows), ()))] for rows in folders]
        get = lambda key: [  # noqa: E731
            self.shards[path][key][row] if key in self.shards[path] else None for path, row in picks
        ]
        stack = lambda key: torch.from_numpy(np.stack(cast(list[np.ndarray], get(key))))  # noqa: E731
        z = stack("z")
        z = torch.where(torch.rand(batch, 1) < repaint, self.procedural.repaint(z), z)
        usual = torch.rand(batch) >= strange
        palette = self.procedural.palette(z)
        palette = (torch.where(usual[:, None, None], palette, random_part_colours(palette)) + 1) / 2
        known = torch.tensor([True if flag is None else bool(flag) for flag in get("known")])
        w, fitted = self.mapping(z), get("w")
        for row, code in enumerate(fitted):
            if code is not None:
                w[row] = torch.from_numpy(code)
        coded = torch.tensor([code is not None for code in fitted])
        rgb = [
            torch.from_numpy(attention).float() @ paint if photo is None else torch.from_numpy(photo).float()
            for attention, photo, paint in zip(get("attention"), get("rgb"), palette, strict=True)
        ]
        return RenderBatch(
            w,
            usual & known | coded,
            torch.stack(rgb).permute(0, 3, 1, 2) / 255,
            stack("nocs").float().permute(0, 3, 1, 2),
            stack("alpha")[:, None].float() / 255,
        )


def random_part_colours(palette: Float[Tensor, "batch values 3"]) -> Float[Tensor, "batch values 3"]:
    """Palettes whose entries, all but the paint and the two of light, may become the paint itself or any
    colour.

    A tail light tells the back from the front only where it is red: toys and moulded parts have no red ones,
    and an encoder that never saw such a car takes every back for a front."""
    batch, values, _ = palette.shape
    anything = 2 * torch.rand_like(palette) - 1
    other = torch.where(torch.rand(batch, values, 1) < 0.5, palette[:, :1], anything)
    part = torch.arange(values)[:, None]
    change = (torch.rand(batch, values, 1) < 0.6) & (part > 0) & (part < values - 2)
    return torch.where(change, other, palette)

"""Renderings on disk: pictures with everything known about them, a few objects a file (§3.2)."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float16, Int, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Views:
    """Pictures with their labels, one a row: renderings as attention, photos as colours."""

    z: Float[np.ndarray, "view z"]
    attention: UInt8[np.ndarray, "view size size values"] | None
    """Attention to each palette entry, premultiplied by alpha; 255 = 1."""
    nocs: Float16[np.ndarray, "view size size 3"]
    """Object coordinates, premultiplied by alpha."""
    alpha: UInt8[np.ndarray, "view size size"]
    known: Bool[np.ndarray, " view"] | None = None
    """Whether z describes the object and not only its colours; none = always."""
    rgb: UInt8[np.ndarray, "view size size 3"] | None = None
    """Colours where there is no attention, premultiplied by alpha."""
    w: Float[np.ndarray, "view width"] | None = None
    """Code of the object, where no z gives it."""

    def repeated(self, times: Int[np.ndarray, " view"]) -> "Views":
        """The views with every row repeated so many times."""
        columns = vars(self).items()
        return replace(
            self, **{name: None if rows is None else rows.repeat(times, 0) for name, rows in columns}
        )


def to_bytes(values: Float[Tensor, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Values in [0, 1] as bytes."""
    return (values * 255 + 0.5).clamp(0, 255).byte().cpu().numpy()


def to_half(values: Float[Tensor, "*shape"]) -> Float16[np.ndarray, "*shape"]:
    """Values as float16."""
    return values.to(torch.float16).cpu().numpy()


def save_shard(folder: Path, views: Views) -> None:
    """Write a new shard into the folder; readers never see half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}.npz"
    with open(path.with_suffix(".new"), "wb") as file:
        np.savez(file, **{name: value for name, value in vars(views).items() if value is not None})
    path.with_suffix(".new").rename(path)

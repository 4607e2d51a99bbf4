"""Photo collections: `open_collection` finds out how a folder or a tar is laid out, and reads it.

A new layout is a reader in `spir/data/sources/` and a line in `LAYOUTS`.
"""

from pathlib import Path

from spir.data.sources.carla import CARLAPictures
from spir.data.sources.cub import CUBPictures
from spir.data.sources.folder import FolderPictures
from spir.data.sources.imagenet import ListedPictures
from spir.data.sources.p3d import P3DPictures
from spir.data.sources.picture import Collection, Picture
from spir.data.sources.srn import SRNPictures
from spir.data.sources.tar import TarPictures

__all__ = ["LAYOUTS", "Collection", "Picture", "open_collection"]

LAYOUTS = {
    "srn": SRNPictures,
    "carla": CARLAPictures,
    "cub": CUBPictures,
    "p3d": P3DPictures,
    "imagenet": ListedPictures,
    "tar": TarPictures,
    "folder": FolderPictures,
}
"""Readers by layout; they are tried in this order, so that the plainest come last."""


def open_collection(path: Path, layout: str = "auto", split: str = "train") -> Collection:
    """The pictures at a path, laid out as one of `LAYOUTS` ("auto" finds out which).

    Raises FileNotFoundError where there is nothing, ValueError where the layout or the split is not there."""
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    if layout not in ("auto", *LAYOUTS):
        raise ValueError(f"there is no layout {layout!r}: choose auto, {', '.join(LAYOUTS)}")
    tried = LAYOUTS if layout == "auto" else {layout: LAYOUTS[layout]}
    for reader in tried.values():
        if reader.recognises(path):
            return reader(path, split)
    looked_for = "\n".join(f"  {name}: {reader.looks_for}" for name, reader in tried.items())
    raise ValueError(f"{path} is not laid out as any of these:\n{looked_for}\nlayouts: {', '.join(LAYOUTS)}")

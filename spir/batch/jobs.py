"""List the photos of a batch and name the folder of each one's results."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast

from fsspec import AbstractFileSystem

from spir.batch.store import resolve
from spir.errors import PhotoError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic")
MASK_ENDING = ".mask.png"
"""The ending of mask files: NAME.mask.png beside NAME.jpg is its mask."""
RESERVED = re.compile(r"index(-\d+)?\.html|table\.csv", re.IGNORECASE)
"""Names that the report beside the folders uses."""


@dataclass(frozen=True)
class Job:
    """A job is one photo and the folder for its results."""

    photo: str
    """An absolute path, or the URL of a file system that fsspec supports."""
    mask: str | None
    folder: str
    """The name of its folder under the root of the store; no two jobs share one."""

    @property
    def name(self) -> str:
        return PurePosixPath(self.photo).name


def jobs(photos: Sequence[str], mask: str | None = None, masks_beside: bool = True) -> list[Job]:
    """Return one job per photo; folders are listed (without subfolders), and names are unique even where case
    is ignored.

    The order is that of the arguments and, in a folder, of the names, so that the same photos get the same
    folders. Without `masks_beside` only the given mask counts."""
    taken, found = set(), []
    given_mask = to_url(*resolve(mask)) if mask else None
    for photo, beside in (pair for given in photos for pair in expand(given)):
        name, number = stem(photo), 2
        while name.casefold() in taken or RESERVED.fullmatch(name):
            name, number = f"{stem(photo)}-{number}", number + 1
        taken.add(name.casefold())
        found.append(Job(photo, given_mask or (beside if masks_beside else None), name))
    return found


def expand(given: str) -> list[tuple[str, str | None]]:
    """Return (photo, mask beside it or None) for a file, or for every picture of a folder."""
    files, path = resolve(given)
    if not files.isdir(path):
        mask = mask_path(path)
        return [(to_url(files, path), to_url(files, mask) if files.isfile(mask) else None)]
    inside = {to_url(files, name.rstrip("/")) for name in files.ls(path, detail=False)}
    pictures = [name for name in sorted(inside) if is_photo(name)]
    return [(name, mask_path(name) if mask_path(name) in inside else None) for name in pictures]


def to_url(files: AbstractFileSystem, path: str) -> str:
    """Return a path that `located` resolves in any process; local paths stay paths."""
    return path if "file" in files.protocol else files.unstrip_protocol(path)


def is_photo(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in ENDINGS and not path.endswith(MASK_ENDING)


def stem(path: str) -> str:
    return PurePosixPath(path).stem


def mask_path(photo: str) -> str:
    """Return the path where the photo's mask would be."""
    return photo.removesuffix(PurePosixPath(photo).name) + stem(photo) + MASK_ENDING


def read(place: str) -> bytes:
    """Return a file's bytes. Raises PhotoError where it cannot be read."""
    files, path = resolve(place)
    try:
        return cast(bytes, files.cat_file(path))
    except OSError as problem:
        raise PhotoError("This file cannot be read. Check its name, or choose another photo.") from problem

"""A tar of NAME.jpg, each with its mask NAME.png, read without unpacking, in any order, by many processes."""

import tarfile
from pathlib import Path

from spir.data.sources.picture import Picture, Pictures, masked, only_train
from spir.photo import read_mask, read_photo

PHOTO_ENDINGS = (".jpg", ".jpeg")
MASK_ENDING = ".png"

Extent = tuple[int, int]
"""Offset of a member's bytes in the tar, and their number."""


class TarPictures(Pictures):
    """Photos and masks of an uncompressed tar."""

    looks_for = "an uncompressed .tar of NAME.jpg, each with its mask NAME.png"

    def __init__(self, path: Path, split: str = "train") -> None:
        """Read the tar's headers once. Raises ValueError where it is compressed or holds no photo."""
        only_train(split, path.name)
        members = extents(path)
        stems = {name.rsplit(".", 1)[0]: name for name in members if name.lower().endswith(PHOTO_ENDINGS)}
        if not stems:
            raise ValueError(f"{path} holds no photo: this layout is {self.looks_for}")
        self.path = path
        self.name = path.stem
        self.names = tuple(sorted(stems))
        self.photos = tuple(members[stems[name]] for name in self.names)
        self.masks = tuple(members.get(name + MASK_ENDING) for name in self.names)

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the file is a tar."""
        return path.is_file() and tarfile.is_tarfile(path)

    def read(self, index: int) -> Picture:
        """The photo with its mask, where there is one."""
        photo = read_photo(self.content(self.photos[index]))
        mask = self.masks[index]
        if mask is not None:
            photo = masked(photo, read_mask(self.content(mask), photo).numpy() >= 0.5)
        return Picture(self.names[index], photo, None)

    def content(self, extent: Extent) -> bytes:
        """The bytes of a member. The tar is opened anew each time: processes that share an open file share
        its position."""
        start, size = extent
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)


def extents(path: Path) -> dict[str, Extent]:
    """The extent of each file of a tar, by name. Raises ValueError for a compressed one."""
    try:
        with tarfile.open(path, "r:") as tar:
            files = [member for member in tar if member.isfile()]
            return {file.name.removeprefix("./"): (file.offset_data, file.size) for file in files}
    except tarfile.ReadError as problem:
        raise ValueError(
            f"{path} cannot be read as an uncompressed tar ({problem}). "
            "Decompress it first: a compressed one has no random access."
        ) from problem

"""A plain folder of photos; their masks, if any, are NAME.mask.png beside them or masks/NAME.png below."""

from pathlib import Path

from spir.data.sources.picture import Picture, Pictures, masked, only_train
from spir.photo import read_mask, read_photo

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
MASK_ENDING = ".mask.png"


class FolderPictures(Pictures):
    """Photos of a folder by name; for those without a mask the caller needs a segmenter."""

    looks_for = "a folder of NAME.jpg|jpeg|png|webp, some with NAME.mask.png or masks/NAME.png"

    def __init__(self, path: Path, split: str = "train") -> None:
        """List the photos. Raises ValueError where there is none, or two of the same name."""
        only_train(split, path.name)
        self.files = photo_files(path)
        if not self.files:
            raise ValueError(f"{path} holds no photo: this layout is {self.looks_for}")
        self.name = path.resolve().name
        self.names = tuple(file.stem for file in self.files)
        for first, second in zip(self.files, self.files[1:], strict=False):
            if first.stem == second.stem:
                raise ValueError(f"{first.name} and {second.name} in {path} share a name: rename one of them")

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the folder has this layout."""
        return path.is_dir() and bool(photo_files(path))

    def read(self, index: int) -> Picture:
        """The photo with its mask, where there is one."""
        file = self.files[index]
        photo = read_photo(file)
        for mask in (file.with_name(file.stem + MASK_ENDING), file.parent / "masks" / f"{file.stem}.png"):
            if mask.is_file():
                photo = masked(photo, read_mask(mask, photo).numpy() >= 0.5)
                break
        return Picture(self.names[index], photo, None)


def photo_files(folder: Path) -> tuple[Path, ...]:
    """The photos directly in a folder, sorted by name, without the masks."""
    found = (file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)
    return tuple(sorted(file for file in found if not file.name.endswith(MASK_ENDING)))

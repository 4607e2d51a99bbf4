"""The doors by which bytes come in, each as a function that takes or refuses; whatever else it raises is a crash."""

import hashlib
from functools import cache

import torch
from PIL import Image

from spir.errors import ArchiveError, PhotoError
from spir.photo import read_mask, read_photo
from spir.pipeline import Reconstructor
from spir.session.archive.convert import from_archive
from spir.session.archive.reader import read_archive
from spir.types import Photo
from tests.app.toy import ROOT
from tests.hostile.case import FORMATS, noise, saved


@cache
def good_file() -> bytes:
    """An ordinary photo of a telephone's kind, small."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(noise(), "JPEG", exif=exif)


def good_photo() -> str:
    """What comes of it, as a hash."""
    return hashlib.sha256(read_photo(good_file()).rgb.numpy().tobytes()).hexdigest()


@cache
def engine() -> Reconstructor:
    """The one whose runs the ZIPs hold."""
    return Reconstructor.load(root=ROOT, device="cpu", loss="encoder")


class Doors:
    """Photo, mask, and the box that restores a ZIP."""

    def __init__(self, sound: bytes = b""):
        """`sound` is a ZIP that is to be taken; without it the box is not warmed up."""
        self.sound = sound
        self.of_mask = Photo(torch.zeros(64, 96, 3, dtype=torch.uint8), None)

    def warm(self) -> None:
        """Once through each, so that everything is imported."""
        from tests.hostile.plain import heic_photo

        for data in (*(saved(noise(), form) for form in FORMATS), heic_photo(), b"nothing known"):
            self.take("photo", data)
            self.take("mask", data)
        if self.sound and self.take("zip", self.sound)[0] != "taken":
            raise AssertionError("the sound ZIP is not taken")

    def take(self, door: str, data: bytes) -> tuple[str, str]:
        """("taken", "") or ("refused", words)."""
        try:
            getattr(self, door)(data)
        except (PhotoError, ArchiveError) as problem:
            return "refused", str(problem)
        return "taken", ""

    def photo(self, data: bytes) -> None:
        found = read_photo(data)
        height, width = found.rgb.shape[:2]
        assert found.rgb.dtype == torch.uint8 and max(height, width) <= 2048
        assert found.alpha is None or found.alpha.shape == (height, width)

    def mask(self, data: bytes) -> None:
        found = read_mask(data, self.of_mask)
        assert found.shape == (64, 96) and bool(((found >= 0) & (found <= 1)).all())

    def zip(self, data: bytes) -> None:
        known = engine()
        kept = read_archive(data, known.category, known.generator, known.weights_hash)
        session = from_archive(known, kept)
        assert session.mask.shape == session.photo.rgb.shape[:2]

"""Textured objects in their own photos, which is what a user sees first."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from spir.evaluate.appearance.scores import LOOKS
from spir.evaluate.appearance.sheet import tiles
from spir.evaluate.appearance.textured import enlarged_views, surface_views, textured
from spir.evaluate.benchmarks.photos import PhotoFile
from spir.evaluate.items import Record, finished
from spir.evaluate.scores import mean, relative_sharpness, true_view
from spir.geometry.pose import camera_from_pose
from spir.metrics.images import psnr
from spir.photo import read_mask, read_photo
from spir.photo.cutout import cutout
from spir.pipeline import Reconstructor
from spir.types import Photo

SIZE = 256
"""Side of the compared crops in pixels, twice what the inversion saw."""
NAMES = ("psnr", "sharpness")


def mask_of(reconstructor: Reconstructor, file: PhotoFile, photo: Photo) -> Float[Tensor, "height width"]:
    """Return the folder's mask, or the app's where there is none."""
    return read_mask(file.mask, photo) if file.mask else reconstructor.segment(photo).mask


def score_photo(reconstructor: Reconstructor, file: PhotoFile, pictures: bool = False) -> Record:
    """Score PSNR inside the mask and sharpness relative to the photo's, for both looks from the fitted pose;
    `pictures` adds the tiles of the contact sheet."""
    photo = read_photo(file.picture)
    mask = mask_of(reconstructor, file, photo)
    found = textured(reconstructor, photo, mask)
    cut = cutout(photo, mask, reconstructor.category, size=SIZE)
    target = true_view(cut)
    camera, background = camera_from_pose(found.step.pose), reconstructor.category.background
    looks = {
        "textured": surface_views(found.appearance, camera, SIZE, background),
        "rendering": enlarged_views(reconstructor, found.step.code, camera, SIZE),
    }
    record: Record = {
        look: {
            "psnr": psnr(seen.rgb, target.rgb, target.alpha > 0.5).item(),
            "sharpness": relative_sharpness(seen, target).item(),
        }
        for look, seen in looks.items()
    }
    record["seconds"] = found.seconds
    if pictures:
        record["pictures"] = tiles(reconstructor, file.name, photo, found)
    return record


def summary(records: Sequence[Record]) -> Record:
    """Return the means over the photos for both looks; empty where nothing finished."""
    done = finished(records)
    if not done:
        return {}
    return {
        f"{start}{name}": mean([r[look][name] for r in done])
        for name in NAMES
        for look, start in LOOKS.items()
    }

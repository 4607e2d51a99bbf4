"""Photos named one by one in a list, with masks and poses: ImageNet cars, airplanes, motorcycles and the
like.

The authors' own lists (detections.npy, poses_estimated_*.bin) are pickles, which may run any code when
opened, so they are not read here. SPLIT.jsonl, the list that is, holds the same, one JSON object a line:

    {"file": "images/n02958343/1.JPEG",                       relative to the list
     "mask": "masks/1.png" or {"size": [rows, columns], "counts": COCO's run lengths},          optional
     "pose": {"z0": 0.1, "shift": [0, 0], "scale": 0.6, "quaternion": [1, 0, 0, 0]}}            optional

The pose is that of the authors' files (z0, t, s, R), in their axes (camera: x right, y down, z forward) and
relative to the photo padded to a square. Other keys are left alone.
"""

import json
from dataclasses import replace
from pathlib import Path

from jaxtyping import Bool
from numpy import ndarray

from spir.categories import CATEGORIES
from spir.data.sources.picture import Picture, Pictures, masked
from spir.data.sources.rle import decode_rle
from spir.geometry.frame import Frame, single
from spir.geometry.pose import camera_from_pose
from spir.photo import read_mask, read_photo
from spir.types import Camera, Photo, Pose

IMAGENET_FRAME = CATEGORIES["imagenet_car"].frame
"""Frame of the authors' P3D and ImageNet poses. Others who render the authors' cars on streets turn them so;
it has not been checked on pictures, and other categories may face another way."""
ENDING = ".jsonl"
POSE_KEYS = ("z0", "shift", "scale", "quaternion")


class ListedPictures(Pictures):
    """The photos of a list, named by their number and file."""

    looks_for = "SPLIT.jsonl, a list of photos, or the folder of such lists"

    def __init__(self, path: Path, split: str = "train", frame: Frame = IMAGENET_FRAME) -> None:
        """Read the list of a split. Raises ValueError where it is missing or a line of it is malformed."""
        self.list = path if path.is_file() else path / f"{split}{ENDING}"
        if not self.list.is_file() or self.list.stem != split:
            raise ValueError(f"{path} has no list for {split!r}: this layout is {self.looks_for}")
        self.frame = frame
        self.name = f"{self.list.resolve().parent.name}-{split}"
        self.entries = read_list(self.list)
        self.names = tuple(f"{i:05d}-{Path(entry['file']).stem}" for i, entry in enumerate(self.entries))

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the file is a list, or the folder has one."""
        return path.suffix == ENDING if path.is_file() else bool(list(path.glob(f"*{ENDING}")))

    def read(self, index: int) -> Picture:
        """The photo with its mask and camera, where the list has them."""
        entry = self.entries[index]
        photo = read_photo(self.list.parent / entry["file"])
        if "mask" in entry:
            photo = masked(photo, self.mask(entry["mask"], photo))
        camera = self.camera(entry["pose"], photo) if "pose" in entry else None
        return Picture(self.names[index], photo, camera)

    def mask(self, mask: str | dict, photo: Photo) -> Bool[ndarray, "rows columns"]:
        """A mask from a picture file or from run lengths."""
        if isinstance(mask, str):
            return read_mask(self.list.parent / mask, photo).numpy() >= 0.5
        return decode_rle(mask["size"], mask["counts"])

    def camera(self, pose: dict, photo: Photo) -> Camera:
        """The perspective camera of the whole photo, in our frame."""
        given = Pose(*(single(pose[key]) for key in POSE_KEYS))
        theirs = camera_from_pose(given, flipped=True)
        assert theirs.focal is not None
        camera = self.frame.perspective(theirs.cam2world[0].numpy(), theirs.focal.item(), vision=False)
        assert camera.focal is not None
        height, width = photo.rgb.shape[:2]
        return replace(camera, focal=camera.focal * max(height, width) / width)


def read_list(file: Path) -> list[dict]:
    """Read the entries of a list. Raises ValueError with the number of a malformed line."""
    entries = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as problem:
            raise ValueError(f"{file}, line {number} is no JSON object: {problem}") from problem
        if not isinstance(entry, dict) or "file" not in entry:
            raise ValueError(f'{file}, line {number} names no photo: it needs a "file"')
        missing = [key for key in POSE_KEYS if key not in entry.get("pose", POSE_KEYS)]
        if missing:
            raise ValueError(f"{file}, line {number}: the pose lacks {', '.join(missing)}")
        entries.append(entry)
    return entries

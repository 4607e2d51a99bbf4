"""§3.1, the training set of the adversarial training: one picture an object, its mask and a rough camera."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from spir.categories import Category
from spir.data.collection import Collection, Picture
from spir.data.poses.table import PoseTable
from spir.geometry.pose import mirrored, pose_from_camera
from spir.photo import cutout
from spir.types import Cutout, Movable, Pose, join


@dataclass(frozen=True)
class TrainingSet(Movable):
    """Pictures in memory, each with one camera."""

    rgb: UInt8[Tensor, "picture size size 3"]
    mask: UInt8[Tensor, "picture size size"] | None
    """Masks, 255 = object; none = the pictures show their background, which is part of the model."""
    pose: Pose
    """Poses of the cameras of these pictures, on the CPU."""
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rgb)

    def draw(
        self, index: Tensor, flip: Tensor, background: float
    ) -> tuple[Float[Tensor, "batch channel size size"], Pose]:
        """The `pictures` and the `poses` of the same rows."""
        return self.pictures(index, flip, background), self.poses(index, flip)

    def poses(self, index: Tensor, flip: Tensor) -> Pose:
        """The poses of these rows, of the mirror images where `flip` (batch, bool) says so."""
        return flip_pose(self.pose.map(lambda part: part[index]), flip)

    def pictures(
        self, index: Tensor, flip: Tensor, background: float
    ) -> Float[Tensor, "batch channel size size"]:
        """The pictures of these rows, mirrored where `flip` (batch, bool) says so; channels first.

        Channels are colours in [-1, 1] over `background`, then the mask in [0, 1] where there is one."""
        rgb = self.rgb[index].permute(0, 3, 1, 2).float() / 127.5 - 1
        if self.mask is not None:
            mask = self.mask[index][:, None].float() / 255
            rgb = torch.cat((rgb * mask + background * (1 - mask), mask), 1)
        return torch.where(flip[:, None, None, None], rgb.flip(3), rgb)

    def batches(
        self, size: int, background: float, device: torch.device | str, at_once: int = 32
    ) -> Iterator[tuple[Float[Tensor, "batch size size 3"], Float[Tensor, "batch size size"]]]:
        """Yield all pictures at another size, and their masks (all ones where there are none), in batches."""
        for rows in torch.arange(len(self)).split(at_once):
            picture = self.pictures(rows, torch.zeros(len(rows), dtype=torch.bool), background)
            picture = F.interpolate(picture, (size, size), mode="bilinear", antialias=True).to(device)
            mask = picture[:, 3] if self.mask is not None else torch.ones_like(picture[:, 0])
            yield picture[:, :3].permute(0, 2, 3, 1), mask


def flip_pose(pose: Pose, flip: Tensor) -> Pose:
    """The poses, mirrored where `flip` (batch, bool) says so."""
    other = mirrored(pose)
    return replace(
        pose,
        shift=torch.where(flip[:, None], other.shift, pose.shift),
        quaternion=torch.where(flip[:, None], other.quaternion, pose.quaternion),
    )


def from_collection(
    collection: Collection,
    category: Category,
    size: int,
    table: PoseTable | None = None,
    limit: int | None = None,
) -> TrainingSet:
    """Read the pictures of a collection whose cameras are known, `limit` of them at most, `size` pixels wide.

    With a table, these are the photos that it kept, cut out around their masks; without one, whole pictures
    with the collection's own cameras, which must then be square. Raises ValueError where nothing is left."""
    pictures, masks, poses, names = [], [], [], []
    for index, name in enumerate(collection.names):
        if len(pictures) == limit:
            break
        if table is not None:
            row = table.row(name)
            if row is None or not table.kept[row]:
                continue
            cut = masked_cutout(collection[index], category, size)
            pictures.append(((cut.rgb[0] + 1) * 127.5).round().byte())
            masks.append((cut.mask[0] * 255).round().byte())
            poses.append(table.pose[row : row + 1])
        else:
            picture = collection[index]
            if picture.camera is None:
                raise ValueError(
                    f"{picture.name} comes without a camera: make a table with python -m spir.data.poses "
                    "and give it with --poses."
                )
            rgb, mask = resize_whole(picture, size)
            pictures.append(rgb)
            masks += [] if mask is None else [mask]
            poses.append(pose_from_camera(picture.camera))
        names.append(name)
    if not pictures:
        raise ValueError(
            f"{collection.name} has no picture to learn from: the table of poses kept none of them"
        )
    if masks and len(masks) < len(pictures):
        raise ValueError(
            f"{collection.name} has masks for {len(masks)} of {len(pictures)} pictures: all or none"
        )
    mask = torch.stack(masks) if masks else None
    return TrainingSet(torch.stack(pictures), mask, join(poses), tuple(names))


def masked_cutout(picture: Picture, category: Category, size: int) -> Cutout:
    """The cut-out of a photo that brings its mask. Raises ValueError where it has none."""
    if picture.photo.alpha is None:
        raise ValueError(f"{picture.name} has no mask, and nothing else tells the object from its background")
    return cutout(picture.photo, picture.photo.alpha.float() / 255, category, size)


def resize_whole(picture: Picture, size: int) -> tuple[Tensor, Tensor | None]:
    """A square picture and its mask, resized. Raises ValueError where it is not square."""
    height, width = picture.photo.rgb.shape[:2]
    if height != width:
        raise ValueError(f"{picture.name} is {width} x {height}, but whole pictures must be square")
    scale = lambda maps: F.interpolate(maps.permute(2, 0, 1)[None].float(), (size, size), mode="area")[0]  # noqa: E731
    rgb = scale(picture.photo.rgb).permute(1, 2, 0).round().byte()
    alpha = picture.photo.alpha
    return rgb, None if alpha is None else scale(alpha[..., None])[0].round().byte()

"""Compute the measures on which the verdict rests, from the run alone and without ground truth.

Each measure is one number from the cut-out, the first guess and the steps. Batches are of 1, in float32 on
the CPU; the pictures of steps may be in float16, as they are kept.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from spir.appearance.agreement import mirror_agreement
from spir.categories import Category
from spir.geometry.pose import Z0_LIMIT, camera_from_pose
from spir.geometry.rotation import geodesic_deg
from spir.metrics.images import iou
from spir.outputs.inspection import inlier_share, reprojection_error
from spir.types import Cutout, Fit, Guess, Outcome, Pose, Rendering

NEAR = 0.03
"""The distance in picture widths within which a predicted point must land at its pixel to agree with the
pose."""
EDGE_PX = 2
"""The number of outermost pixels of the mask that are checked: a cut that runs straight through them is not
the outline of an object."""
BLUR_PX, RIM_PX = 5, 3
"""Sizes in pixels of 128: details finer than the first, or as near to the outline as the second, are not
compared."""


def measures(
    cutout: Cutout,
    guess: Guess,
    fit: Fit,
    photo_size: tuple[int, int],
    category: Category,
    seen: Rendering | None = None,
) -> dict[str, float]:
    """Return every measure by name; `photo_size` is the photo's (height, width) in pixels. The fit needs at
    least one step.

    `seen` is the fit from the photo's camera, with NOCS and normals, at the cut-out's size. Without it, and
    where the photo shows too little of both sides, the mirror measure does not speak against the pose."""
    first, used = fit.trajectory[0], fit.trajectory[step_in_use(fit)]
    return {
        "overlap": iou(used.alpha, cutout.mask).item(),
        "points": agreeing_points(cutout, guess, fit.pose, category.pixel_centre),
        "view_error": guess.pnp_error.item() if guess.outcome[0] == Outcome.SOLVED else math.inf,
        "details": gradient_agreement(
            used.rgb[0].float(), cutout.rgb[0], (used.alpha[0] > 0.5) & (cutout.mask[0] > 0.5)
        ),
        "turned": geodesic_deg(first.pose.quaternion, fit.pose.quaternion).item(),
        "predicted_mask": iou(guess.mask, cutout.mask).item(),
        "cut_off": cut_off(cutout, photo_size),
        "straight_edge": straight_edge(cutout.mask[0] > 0.5),
        "flat_map": thickness(guess.nocs[0][object_pixels(cutout, guess)]),
        "progress": progress(fit),
        "lens": perspective_extremity(fit.pose),
        "mirror": mirrored(seen, fit.pose, cutout) if category.symmetric else 1.0,
    }


def mirrored(seen: Rendering | None, pose: Pose, cutout: Cutout) -> float:
    """Return how well the photo and the mirrored photo agree, in [-1, 1]; 1 where that is not known."""
    found = None if seen is None else mirror_agreement(seen, camera_from_pose(pose), cutout.rgb)
    return 1.0 if found is None else found


def selected_index(fit: Fit) -> int | None:
    """Return the index in the trajectory of the step whose pose and shape the fit has; None where no step has
    them."""
    for place, step in enumerate(fit.trajectory):
        if torch.equal(step.pose.quaternion, fit.pose.quaternion) and torch.equal(step.code.w, fit.code.w):
            return place
    return None


def step_in_use(fit: Fit) -> int:
    """Return the index of the step whose pose and shape the fit has; the last index where no step has
    them."""
    place = selected_index(fit)
    return len(fit.trajectory) - 1 if place is None else place


def object_pixels(cutout: Cutout, guess: Guess) -> Bool[Tensor, "size size"]:
    """Return the pixels that are object in both the predicted mask and the cut-out."""
    return (guess.mask[0] > 0.5) & (cutout.mask[0] > 0.5)


def agreeing_points(cutout: Cutout, guess: Guess, pose: Pose, pixel_centre: float = 0.5) -> float:
    """Return the share of the object's pixels, in [0, 1], whose predicted point lands within `NEAR` of them
    under the pose; 0 without any."""
    off = reprojection_error(guess.nocs, pose, pixel_centre)
    return inlier_share(off, object_pixels(cutout, guess)[None].float(), NEAR).item()


def gradient_agreement(
    ours: Float[Tensor, "size size 3"], theirs: Float[Tensor, "size size 3"], where: Bool[Tensor, "size size"]
) -> float:
    """Return how well light and dark change at the same places: the cosine of the two fields of brightness
    gradients inside `where`, in [-1, 1]; 0 where there is no detail.

    Windows, wheels and lamps in their places make it high whatever the colours; outlines do not count."""
    steps = [gradients(picture.mean(-1)) for picture in (ours, theirs)]
    inside = 1 - F.max_pool2d(1 - where[None, None].float(), 2 * RIM_PX + 1, 1, RIM_PX)[0, 0]
    products = [
        (a * b).sum(0)[1:-1, 1:-1] * inside[1:-1, 1:-1] for a, b in (steps, steps[:1] * 2, steps[1:] * 2)
    ]
    both, first, second = (product.sum().item() for product in products)
    length = math.sqrt(first * second)
    return both / length if length > 1e-9 else 0.0


def gradients(brightness: Float[Tensor, "size size"]) -> Float[Tensor, "2 size size"]:
    """Return the central differences of the smoothed picture, along x and then along y."""
    smooth = F.avg_pool2d(brightness[None, None], BLUR_PX, 1, BLUR_PX // 2, count_include_pad=False)[0, 0]
    along_y, along_x = torch.gradient(smooth)
    return torch.stack((along_x, along_y))


def thickness(points: Float[Tensor, "point 3"]) -> float:
    """Return the root mean square extent of the predicted points along their thinnest axis, in object units.

    A single side of an object is flat, but no object is seen as a flat sheet."""
    if len(points) < 3:
        return 0.0
    centred = (points - points.mean(0)).nan_to_num()
    return (torch.linalg.svdvals(centred)[-1] / len(points) ** 0.5).item()


def cut_off(cutout: Cutout, photo_size: tuple[int, int]) -> float:
    """Return the longest contact of the object with a border of the photo, as a share of the object's height
    or width along it."""
    mask = cutout.mask[0] > 0.5
    rows, columns = bounding_ranges(mask)
    if not rows:
        return 0.0
    size = mask.shape[0]
    x0, y0, x1, _ = cutout.box_px[0].tolist()
    scale = size / (x1 - x0)
    height, width = photo_size

    def contact(lines: Bool[Tensor, "line pixel"], first: float, last: float, across: int) -> float:
        """Return the longest share of the object on the outermost lines that lie in the photo, where those
        lie in the crop."""
        at = (round(first * scale), round(last * scale) - 1)
        return max((lines[i].sum().item() / across for i in at if 0 <= i < size), default=0.0)

    return max(contact(mask, -y0, height - y0, len(columns)), contact(mask.T, -x0, width - x0, len(rows)))


def straight_edge(mask: Bool[Tensor, "size size"]) -> float:
    """Return how much of the object's height its left or right end fills, in [0, 1]; a high value indicates a
    cut.

    Bumpers, beaks and legs end round or thin; only the backs of vans come near to a cut."""
    rows, columns = bounding_ranges(mask)
    if not rows:
        return 0.0
    ends = (mask[:, columns.start : columns.start + EDGE_PX], mask[:, columns.stop - EDGE_PX : columns.stop])
    return max(end.any(1).sum().item() for end in ends) / len(rows)


def bounding_ranges(mask: Bool[Tensor, "size size"]) -> tuple[range, range]:
    """Return the rows and the columns from the first to the last object pixel; empty ranges where there is
    none."""
    found = []
    for line in (mask.any(1), mask.any(0)):
        places = line.nonzero()[:, 0].tolist()
        found.append(range(places[0], places[-1] + 1) if places else range(0))
    return found[0], found[1]


def progress(fit: Fit) -> float:
    """Return the share by which the loss fell from the first step to the one in use; 1 where the first step
    is in use."""
    place = step_in_use(fit)
    before, after = (fit.trajectory[i].loss.item() for i in (0, place))
    return 1.0 if place == 0 else 1 - after / max(before, 1e-9)


def perspective_extremity(pose: Pose) -> float:
    """Return how near the perspective is to its limit, in [0, 1]; 0 without perspective."""
    return 0.0 if pose.z0 is None else abs(pose.z0.item()) / Z0_LIMIT

"""§3.2 "Pose estimation": a NOCS map and a mask to the paper's pose parameters, by perspective-n-point.

For each focal length guess: SQPNP (else EPNP), the best solution in front of the camera, an iterative
refinement. Then, beyond the paper, pixels with large errors are dropped and the rest is solved again, and the
focal length is refined between the guesses. The focal length with the smallest reprojection error wins.
Nothing here raises on a bad map: the outcome says in words why a pose is only a default.

OpenCV's camera looks along +z with y down; ours looks along -z with y up, half a turn about x away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.bootstrap.framing import default_pose
from spir.types import Movable, Outcome, Pose

FEWEST_PIXELS = 12
"""The fewest pixels for a solution: six points determine a pose, and with twice as many no single bad pixel does."""
LOOSE_THRESHOLD = 0.5
"""The mask threshold used where too few pixels pass the strict one."""
THINNEST = 0.02
"""Least value of the points' second largest spread, in object units: below it they lie on a line or in one spot."""
TRIM_PASSES = 3
TRIM_AT = 2.5
"""Points with more than this many median residuals are dropped; for Gaussian errors those are the worst few percent."""
TRIM_FLOOR = 1e-3
"""Residuals below this, in picture widths (an eighth of a pixel at 128), are never outliers."""
FOCAL_PASSES = 3
"""How many times the bracket around the best focal length is narrowed."""
ORTHOGRAPHIC_FOCAL = 600.0
"""Focal length, in picture widths, that approximates an orthographic camera without losing double precision."""
RESIDUAL_CAP = 0.05
"""The largest residual that counts when focal lengths are compared, in picture widths."""


@dataclass(frozen=True)
class PnpResult(Movable):
    """Poses of a batch of maps, and how reliable they are."""

    pose: Pose
    error: Float[Tensor, " batch"]
    """Root mean square reprojection error of the points kept, picture widths; infinite on failure."""
    inliers: Float[Tensor, " batch"]
    """Share of the points that were kept, in [0, 1]; 0 on failure."""
    outcome: tuple[Outcome, ...]
    """The outcome of every item."""


@dataclass(frozen=True)
class Solution:
    """One item's pose in OpenCV's axes, for one focal length."""

    focal: float
    rotation: Float[np.ndarray, "3"]
    """Rodrigues vector, object to camera, radians."""
    translation: Float[np.ndarray, "3"]
    kept: Bool[np.ndarray, " point"]
    error: float
    """Root mean square over the points kept, picture widths."""
    typical: float
    """Root mean square over all points, large residuals capped, so that it does not depend on which points were kept."""


def solve_pnp(
    nocs: Float[Tensor, "batch height width 3"],
    mask: Float[Tensor, "batch height width"],
    focal_guesses: Sequence[float],
    pixel_centre: float = 0.5,
    orthographic: bool = False,
    threshold: float = 0.9,
    max_points: int = 1500,
    robust: bool = True,
) -> PnpResult:
    """Estimate the pose of every item; `nocs` in object units, `mask` in [0, 1], focals in picture widths.

    Only pixels whose mask exceeds `threshold` count, at most `max_points` of them, evenly spread.
    `robust=False` is the paper's plain least squares over fixed focal guesses. Never raises on bad maps."""
    middle = float(np.median(focal_guesses)) if len(focal_guesses) else 2.0
    default = default_pose(mask.detach(), middle, orthographic)
    z0 = torch.zeros_like(default.scale) if default.z0 is None else default.z0
    table = torch.cat((z0[:, None], default.shift, default.scale[:, None], default.quaternion), -1)
    error, inliers = torch.full_like(z0, math.inf), torch.zeros_like(z0)
    focals = [ORTHOGRAPHIC_FOCAL] if orthographic else sorted(focal_guesses)
    outcomes = []
    for i, (one_map, one_mask) in enumerate(zip(as_numpy(nocs), as_numpy(mask), strict=True)):
        points, pixels, outcome = gather(one_map, one_mask, pixel_centre, threshold, max_points)
        if outcome == Outcome.SOLVED:
            found = best_over_focals(points, pixels, focals, robust)
            outcome = Outcome.SOLVED if found else Outcome.BEHIND
            if found:
                table[i] = torch.tensor(pose_numbers(found))
                error[i], inliers[i] = found.error, float(found.kept.mean())
        outcomes.append(outcome)
    pose = Pose(None if orthographic else table[:, 0], table[:, 1:3], table[:, 3], table[:, 4:])
    return PnpResult(pose, error, inliers, tuple(outcomes))


def as_numpy(tensor: Float[Tensor, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Convert to double precision on the CPU, as OpenCV requires."""
    return tensor.detach().double().cpu().numpy()


def gather(
    nocs: Float[np.ndarray, "height width 3"],
    mask: Float[np.ndarray, "height width"],
    pixel_centre: float,
    threshold: float,
    max_points: int,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return object points (n, 3), their pixels (n, 2) in picture widths with y down, and the reason for a failure, or ""."""
    height, width = mask.shape
    chosen = np.nan_to_num(mask) > threshold
    if chosen.sum() < FEWEST_PIXELS:
        chosen = np.nan_to_num(mask) > LOOSE_THRESHOLD
    enough = chosen.sum() >= FEWEST_PIXELS
    chosen &= np.isfinite(nocs).all(-1)
    rows, columns = np.nonzero(chosen)
    if len(rows) > max_points:
        spread = np.linspace(0, len(rows) - 1, max_points).round().astype(int)
        rows, columns = rows[spread], columns[spread]
    points = np.ascontiguousarray(nocs[rows, columns])
    pixels = np.stack((columns + pixel_centre - width / 2, rows + pixel_centre - height / 2), -1) / width
    if not enough:
        return points, pixels, Outcome.TOO_FEW
    if len(points) < FEWEST_PIXELS or spreads(points)[1] < THINNEST:
        return points, pixels, Outcome.DEGENERATE
    return points, pixels, Outcome.SOLVED


def spreads(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "3"]:
    """Return the standard deviations along the principal axes, largest first."""
    return np.linalg.svd(points - points.mean(0), compute_uv=False) / math.sqrt(len(points))


def best_over_focals(
    points: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    focals: Sequence[float],
    robust: bool,
) -> Solution | None:
    """Return the guess with the smallest error, then (robust) refine the focal length between it and its neighbours."""
    tried = {focal: solve(points, pixels, focal, robust) for focal in focals}
    solved = {focal: solution for focal, solution in tried.items() if solution}
    if not solved:
        return None
    best = min(solved.values(), key=lambda solution: solution.typical)
    ordered = sorted(solved)
    position = ordered.index(best.focal)
    low, high = ordered[max(position - 1, 0)], ordered[min(position + 1, len(ordered) - 1)]
    for _ in range(FOCAL_PASSES if robust else 0):
        if low < best.focal:
            best, low, high = narrow(points, pixels, best, low, high, math.sqrt(low * best.focal))
        if best.focal < high:
            best, low, high = narrow(points, pixels, best, low, high, math.sqrt(best.focal * high))
    return best


def narrow(
    points: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    best: Solution,
    low: float,
    high: float,
    focal: float,
) -> tuple[Solution, float, float]:
    """Try one more focal length inside the bracket (low, high) around the best, and shrink the bracket."""
    trial = solve(points, pixels, focal, True, start=best)
    if trial and trial.typical < best.typical:
        return (trial, low, best.focal) if focal < best.focal else (trial, best.focal, high)
    return (best, focal, high) if focal < best.focal else (best, low, focal)


def solve(
    points: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    focal: float,
    robust: bool,
    start: Solution | None = None,
) -> Solution | None:
    """Return the pose for one focal length, or None if none lies in front of the camera; `start` replaces the first solve.

    Trimming works better than RANSAC here: errors of a predicted map are many and moderate."""
    kept = np.ones(len(points), bool)
    first = None
    if start:
        depth = start.translation * (1, 1, focal / start.focal)
        first, kept = refine(points[start.kept], pixels[start.kept], focal, start.rotation, depth), start.kept
    found = first or solve_plain(points, pixels, focal)
    if found is None:
        return None
    residuals = reprojection(points, pixels, focal, *found)
    for _ in range(TRIM_PASSES if robust else 0):
        kept = residuals <= max(TRIM_AT * np.median(residuals), TRIM_FLOOR)
        found = refine(points[kept], pixels[kept], focal, *found) or found
        residuals = reprojection(points, pixels, focal, *found)
    error = float(np.sqrt(np.square(residuals[kept]).mean()))
    capped = np.minimum(residuals, RESIDUAL_CAP) if robust else residuals
    return Solution(focal, *found, kept, error, float(np.sqrt(np.square(capped).mean())))


def solve_plain(
    points: Float[np.ndarray, "point 3"], pixels: Float[np.ndarray, "point 2"], focal: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Run SQPNP, else EPNP; return the refined solution in front of the camera with the smallest error."""
    for method in (cv2.SOLVEPNP_SQPNP, cv2.SOLVEPNP_EPNP):
        try:
            _, rotations, translations, _ = cv2.solvePnPGeneric(
                points, pixels, intrinsics(focal), None, flags=method
            )
        except cv2.error:
            continue
        candidates = [(r.reshape(3), t.reshape(3)) for r, t in zip(rotations, translations, strict=True)]
        candidates = [c for c in candidates if in_front(*c)]
        if candidates:
            best = min(candidates, key=lambda c: np.square(reprojection(points, pixels, focal, *c)).mean())
            return refine(points, pixels, focal, *best) or best
    return None


def refine(
    points: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    focal: float,
    rotation: Float[np.ndarray, "3"],
    translation: Float[np.ndarray, "3"],
) -> tuple[np.ndarray, np.ndarray] | None:
    """Minimise the reprojection error by Levenberg-Marquardt; None where the result is not in front of the camera."""
    try:
        _, rotation, translation = cv2.solvePnP(
            points,
            pixels,
            intrinsics(focal),
            None,
            rotation.reshape(3, 1).copy(),
            translation.reshape(3, 1).copy(),
            useExtrinsicGuess=True,
            flags=cv2.SOLVEPNP_ITERATIVE,
        )
    except cv2.error:
        return None
    rotation, translation = rotation.reshape(3), translation.reshape(3)
    return (rotation, translation) if in_front(rotation, translation) else None


def intrinsics(focal: float) -> Float[np.ndarray, "3 3"]:
    """Return the intrinsic matrix, which is diagonal as pixels are in picture widths from the centre."""
    return np.diag([focal, focal, 1.0])


def in_front(rotation: Float[np.ndarray, "3"], translation: Float[np.ndarray, "3"]) -> bool:
    """Whether the pose is finite and the object's centre in front of the camera."""
    return bool(np.isfinite(rotation).all() and np.isfinite(translation).all() and translation[2] > 1e-6)


def reprojection(
    points: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    focal: float,
    rotation: Float[np.ndarray, "3"],
    translation: Float[np.ndarray, "3"],
) -> Float[np.ndarray, " point"]:
    """Return the distance of every projected point from its pixel, in picture widths."""
    camera = points @ cv2.Rodrigues(rotation)[0].T + translation
    depth = np.maximum(camera[:, 2:], 1e-6)
    return np.linalg.norm(focal * camera[:, :2] / depth - pixels, axis=-1)


def pose_numbers(solution: Solution) -> tuple[float, ...]:
    """Return z0, shift, scale and quaternion in our axes: x_cam = R x + (shift / s, -f / s) with f = 2 focal."""
    x, y, z = solution.translation
    scale = 2 * solution.focal / z
    angle = float(np.linalg.norm(solution.rotation))
    axis = solution.rotation / angle if angle > 0 else np.array([1.0, 0, 0])
    w, (i, j, k) = math.cos(angle / 2), math.sin(angle / 2) * axis
    # Half a turn about x, (0, 1, 0, 0), times the quaternion turns the camera's y up and its z backward.
    return z0_of(solution.focal), x * scale, -y * scale, scale, -i, w, -k, j


def z0_of(focal: float) -> float:
    """Return log(2 focal - 1); the parameters only reach focal lengths above half a picture width."""
    return math.log(max(2 * focal - 1, 1e-2))

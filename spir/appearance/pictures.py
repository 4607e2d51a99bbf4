"""Operations on pictures as numpy arrays, channels last: crop, fill, sample, guided filter."""

from typing import overload

import cv2
import numpy as np
from jaxtyping import Float, Num

Picture = Float[np.ndarray, "_ _ _"]
"""A picture of height, width and channels."""
Map = Float[np.ndarray, "_ _"]
"""A picture of height and width, without channels."""
CHANNELS = 4
"""The number of channels that OpenCV handles at a time."""
ROW = 4096
"""Points per row in `sample`: OpenCV's pictures have at most 32,767 columns."""


def by_channels(change, picture: Picture) -> Picture:
    """Apply `change` to a picture of any number of channels, a few at a time."""
    parts = [picture[..., i : i + CHANNELS] for i in range(0, picture.shape[2], CHANNELS)]
    made = [change(np.ascontiguousarray(part)) for part in parts]
    return np.concatenate([part.reshape(*part.shape[:2], -1) for part in made], 2)


def resized(picture: Picture | Map, size: tuple[int, int]) -> Picture | Map:
    """Resize to (width, height) pixels: area averaging where it shrinks, bilinear where it grows."""
    how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
    if picture.ndim == 2:
        return cv2.resize(picture, size, interpolation=how)
    return by_channels(lambda part: cv2.resize(part, size, interpolation=how), picture)


def square(
    picture: Num[np.ndarray, "height width *channel"], box: tuple[int, int, int, int], size: int
) -> Picture | Map:
    """Crop the square box x0 y0 x1 y1 of a picture to `size` pixels; outside the picture its edge is repeated."""
    x0, y0, x1, y1 = box
    height, width = picture.shape[:2]
    at = np.ix_(np.arange(y0, y1).clip(0, height - 1), np.arange(x0, x1).clip(0, width - 1))
    how = cv2.INTER_AREA if x1 - x0 > size else cv2.INTER_CUBIC
    return cv2.resize(picture[at].astype(np.float32), (size, size), interpolation=how)


def covered(height: int, width: int, box: tuple[int, int, int, int], size: int) -> Map:
    """Return 1 where a square box lies in a picture of height x width, at `size` pixels."""
    x0, y0, x1, y1 = box
    rows, columns = np.arange(y0, y1), np.arange(x0, x1)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    return cv2.resize(inside.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)


@overload
def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray: ...
@overload
def smoothstep(x: np.floating | float, low: float, high: float) -> np.floating: ...
def smoothstep(x: np.ndarray | np.floating | float, low: float, high: float) -> np.ndarray | np.floating:
    """Return 0 below `low`, 1 above `high`, and a smooth transition between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def push_pull(values: Picture, weight: Map) -> Picture:
    """Fill a picture where its weight, in [0, 1], is low, from a pyramid of weighted means."""
    levels = [((values * weight[..., None]).astype(np.float32), weight.astype(np.float32))]
    while min(levels[-1][1].shape) > 1:
        value, known = levels[-1]
        size = (max(1, known.shape[1] // 2), max(1, known.shape[0] // 2))
        levels.append((resized(value, size), resized(known, size)))
    value, known = levels[-1]
    filled = value / np.maximum(known, 1e-8)[..., None]
    for value, known in levels[-2::-1]:
        above = resized(filled, (known.shape[1], known.shape[0]))
        share = np.clip(known, 0, 1)[..., None]
        filled = value / np.maximum(known, 1e-8)[..., None] * share + above * (1 - share)
    return filled


def sample(picture: Picture, places: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "point channel"]:
    """Sample bilinearly at pixel coordinates (x, y), whole numbers being pixel centres; edges are repeated."""
    count = len(places)
    rows = max(1, -(-count // ROW))
    at = np.zeros((rows * ROW, 2), np.float32)
    at[:count] = places
    x, y = np.ascontiguousarray(at.reshape(rows, ROW, 2).transpose(2, 0, 1))

    def found(part: np.ndarray) -> np.ndarray:
        return cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return by_channels(found, picture).reshape(rows * ROW, -1)[:count]


def displaced(picture: Picture, flow: Float[np.ndarray, "height width 2"]) -> Picture:
    """Warp a picture: every pixel is taken from where the flow, in pixels, points."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return sample(picture, np.stack((x + flow[..., 0], y + flow[..., 1]), -1).reshape(-1, 2)).reshape(
        *flow.shape[:2], -1
    )


def limited(flow: Float[np.ndarray, "*shape 2"], most: float) -> Float[np.ndarray, "*shape 2"]:
    """Shorten displacements to at most `most`."""
    length = np.linalg.norm(flow, axis=-1, keepdims=True)
    return flow * np.minimum(1, most / np.maximum(length, 1e-6))


def box_mean(picture: Picture, radius: int) -> Picture:
    return by_channels(lambda part: cv2.blur(part, (2 * radius + 1, 2 * radius + 1)), picture)


def guided(guide: Picture, values: Picture, radius: int, eps: float) -> Picture:
    """Apply the guided filter with a colour guide in [0, 1] (He et al. 2013): the values' edges follow the guide's."""
    height, width, colours = guide.shape
    mean = box_mean(guide, radius)
    products = np.einsum("hwi,hwj->hwij", guide, guide).reshape(height, width, -1)
    covariance = box_mean(products, radius).reshape(height, width, colours, colours)
    covariance = covariance - np.einsum("hwi,hwj->hwij", mean, mean)
    mean_values = box_mean(values, radius)
    cross = np.einsum("hwi,hwk->hwik", guide, values).reshape(height, width, -1)
    cross = box_mean(cross, radius).reshape(height, width, colours, -1)
    cross = cross - mean[..., None] * mean_values[..., None, :]
    slope = np.linalg.solve(covariance + eps * np.eye(colours, dtype=np.float32), cross)
    offset = mean_values - np.einsum("hwi,hwik->hwk", mean, slope)
    slope = box_mean(slope.reshape(height, width, -1), radius).reshape(slope.shape)
    return np.einsum("hwi,hwik->hwk", guide, slope) + box_mean(offset, radius)

"""Photo augmentation: light, colour, focus, noise and compression, one after the other, each by chance."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray


def degrade_photo(
    picture: UInt8[ndarray, "height width 3"], random: np.random.Generator
) -> UInt8[ndarray, "height width 3"]:
    """The picture as a bad camera might have taken it."""
    rgb = picture.astype(np.float32) / 255
    if random.random() < 0.7:
        rgb = jitter_exposure(rgb, random)
    if random.random() < 0.35:
        rgb = blur(rgb, random)
    if random.random() < 0.35:
        rgb = rgb + random.normal(0, random.uniform(0.005, 0.06), rgb.shape).astype(np.float32)
    out = (rgb.clip(0, 1) * 255).round().astype(np.uint8)
    return compress(out, random) if random.random() < 0.5 else out


def jitter_exposure(rgb: Float[ndarray, "h w 3"], random: np.random.Generator) -> Float[ndarray, "h w 3"]:
    """The picture with random gamma, tint, brightness and contrast; some are dark, some have hardly any
    colour."""
    rgb = rgb ** np.float32(np.exp(random.normal(0, 0.3)))
    rgb = (
        rgb
        * np.exp(random.normal(0, 0.12, 3)).astype(np.float32)
        * np.float32(np.exp(random.normal(0, 0.25)))
    )
    contrast = np.float32(random.uniform(0.5, 1.3))
    rgb = (rgb - rgb.mean()) * contrast + rgb.mean()
    if random.random() < 0.2:
        grey = rgb.mean(-1, keepdims=True)
        rgb = grey + (rgb - grey) * np.float32(random.uniform(0, 0.6))
    if random.random() < 0.1:
        rgb = rgb * np.float32(random.uniform(0.15, 0.5))
    return rgb.clip(0, 1)


def blur(rgb: Float[ndarray, "h w 3"], random: np.random.Generator) -> Float[ndarray, "h w 3"]:
    """The picture out of focus, with motion blur, or enlarged from few pixels."""
    height, width = rgb.shape[:2]
    chance = random.random()
    if chance < 0.4:
        return cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.4, 2.0))
    if chance < 0.7:
        factor = random.uniform(0.3, 0.8)
        small = cv2.resize(
            rgb, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=cv2.INTER_AREA
        )
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    length = int(random.integers(3, 10))
    line = np.zeros((length, length), np.float32)
    angle = random.uniform(0, np.pi)
    reach = (length - 1) / 2 * np.array((np.cos(angle), np.sin(angle)))
    ends = [np.round((length - 1) / 2 + sign * reach) for sign in (-1, 1)]
    start, end = ((int(x), int(y)) for x, y in ends)
    cv2.line(line, start, end, (1.0,))
    return cv2.filter2D(rgb, -1, line / line.sum())


def compress(picture: UInt8[ndarray, "h w 3"], random: np.random.Generator) -> UInt8[ndarray, "h w 3"]:
    """The picture after a JPEG file of random quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 95))]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), quality)
    if not done:
        return picture
    found = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert found is not None
    return found[..., ::-1].copy()

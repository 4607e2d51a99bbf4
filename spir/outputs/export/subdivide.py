"""Subdivides faces where two parts meet, so that the border between their materials follows the texture."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int

from spir.types import Appearance


def subdivide(appearance: Appearance, chosen: Bool[np.ndarray, " face"]) -> Appearance:
    """Return the same surface with the edges of the chosen faces, and every face along them, split at the midpoints.

    A chosen face becomes four. No vertex lies on another face's edge (no T-junctions), so there are no cracks,
    also across seams."""
    faces = appearance.faces.numpy()
    ends = np.stack((faces, np.roll(faces, -1, 1)), 2)
    _, place = np.unique(appearance.vertices.numpy(), axis=0, return_inverse=True)
    edge = numbered(place.reshape(-1)[ends])
    cut = np.isin(edge, edge[chosen])
    # Each side of a seam gets its own midpoint, at the same position.
    middle = numbered(ends)
    pairs = np.zeros((middle.max() + 1, 2), np.int64)
    pairs[middle] = np.sort(ends, 2)
    used, middle = np.unique(np.where(cut, middle, -1), return_inverse=True)
    pairs, middle = pairs[used[used >= 0]], middle.reshape(cut.shape) + len(appearance.vertices)
    middle -= int((used < 0).any())
    halves = {
        name: torch.cat((values, values[torch.from_numpy(pairs)].mean(1)))
        for name, values in (
            ("vertices", appearance.vertices),
            ("normals", appearance.normals),
            ("uv", appearance.uv),
        )
    }
    halves["normals"] = F.normalize(halves["normals"], dim=1)
    return replace(appearance, **halves, faces=torch.from_numpy(split(faces, middle, cut)))


def numbered(ends: Int[np.ndarray, "face 3 2"]) -> Int[np.ndarray, "face 3"]:
    """Return an index for each edge, the same for both directions."""
    _, number = np.unique(np.sort(ends, 2).reshape(-1, 2), axis=0, return_inverse=True)
    return number.reshape(ends.shape[:2])


def split(
    faces: Int[np.ndarray, "face 3"], middle: Int[np.ndarray, "face 3"], cut: Bool[np.ndarray, "face 3"]
) -> Int[np.ndarray, "part 3"]:
    """Split faces with cut edges into two, three or four; edge k runs from corner k to the next and has the
    midpoint `middle` k."""
    count = cut.sum(1)
    # Rotate the corners so that the only cut edge comes first, or the only uncut one last.
    first = np.where(count == 2, cut.argmin(1) + 1, cut.argmax(1))
    turn = (np.arange(3) + first[:, None]) % 3
    corners = np.concatenate((np.take_along_axis(faces, turn, 1), np.take_along_axis(middle, turn, 1)), 1)
    # Corners i, j, k are 0, 1, 2, and the middles of ij, jk, ki are 3, 4, 5.
    patterns = (
        ((0, 1, 2),),
        ((0, 3, 2), (3, 1, 2)),
        ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
        ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
    )
    return np.concatenate(
        [corners[count == cuts][:, pattern].reshape(-1, 3) for cuts, pattern in enumerate(patterns)]
    )

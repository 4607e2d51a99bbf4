"""§4 "Experimental setting": which picture is the input, and which views are the targets.

`srn` is what the paper's authors ran: every picture may be the input, one random other view of its object is the target,
at most 8,000 pictures. `pixelnerf` is what others report on the same data: one fixed input view of each object, all
others as targets.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 8000
SEED = 1234
PIXELNERF_VIEW = 64
"""The index of the input view, of 251."""
PROTOCOLS = ("srn", "pixelnerf")


@dataclass(frozen=True)
class Shot:
    """The indices of an input and its targets in the collection."""

    name: str
    picture: int
    others: tuple[int, ...]
    """Target views of the same object; none where there is one picture per object."""


def shots(names: Sequence[str], protocol: str = "srn", most: int = MOST) -> list[Shot]:
    """Return what to invert and what to predict, deterministic for the same names (OBJECT/VIEW, or one view per object).

    Raises ValueError for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"there is no protocol {protocol!r}; choose among {', '.join(PROTOCOLS)}")
    views: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        views[name.rpartition("/")[0] or name].append(place)
    draws = np.random.default_rng(SEED)
    if protocol == "pixelnerf":
        chosen = [(group[min(PIXELNERF_VIEW, len(group) - 1)], group) for group in views.values()]
        return [
            Shot(names[place], place, tuple(other for other in group if other != place))
            for place, group in chosen[:most]
        ]
    group_of = {place: group for group in views.values() for place in group}
    places = draws.permutation(len(names))[:most]
    found = []
    for place in map(int, places):
        others = [other for other in group_of[place] if other != place]
        found.append(Shot(names[place], place, (int(draws.choice(others)),) if others else ()))
    return found

"""§4 "Experimental setting": which picture goes in, and from where the object is looked at again.

`srn` is what the paper's authors ran: every picture may go in, one random other view of its object comes out, at most
8,000 pictures. `pixelnerf` is what others report on the same data: one fixed view of each object in, all others out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 8000
SEED = 1234
PIXELNERF_VIEW = 64
"""The view that goes in, of 251."""
PROTOCOLS = ("srn", "pixelnerf")


@dataclass(frozen=True)
class Shot:
    """Places in the collection."""

    name: str
    picture: int
    others: tuple[int, ...]
    """Views of the same object to predict; none where there is one picture an object."""


def shots(names: Sequence[str], protocol: str = "srn", most: int = MOST) -> list[Shot]:
    """What to invert and what to predict, always the same for the same names (OBJECT/VIEW, or one view an object).

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

"""§3.2: the focal lengths that PnP tries, from the cameras of a data set, which is not needed afterwards.

    python -m spir.data.poses.focals DATA [--layout p3d] [--split train]

It prints them as `spir.weights import --focals` takes them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spir.data.collection import LAYOUTS, open_collection
from spir.data.sources.picture import Collection

PERCENTILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
"""The authors' percentiles."""
DECIMALS = 4


def focal_guesses(collection: Collection) -> list[float]:
    """Percentiles of the pictures' focal lengths, in picture widths, ascending, each once.

    Raises ValueError where no picture has a camera, or all are orthographic."""
    cameras = [collection[index].camera for index in range(len(collection))]
    known = [float(camera.focal) for camera in cameras if camera is not None and camera.focal is not None]
    if not known:
        raise ValueError(f"{collection.name} has no cameras with a focal length")
    return sorted({round(float(value), DECIMALS) for value in np.percentile(known, PERCENTILES)})


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        "python -m spir.data.poses.focals", description="Focal lengths for PnP, of a data set's cameras."
    )
    parser.add_argument("data", type=Path, help="folder of the data set, as its makers distribute it")
    parser.add_argument("--layout", default="auto", choices=("auto", *LAYOUTS))
    parser.add_argument("--split", default="train")
    args = parser.parse_args(argv)
    try:
        print(*focal_guesses(open_collection(args.data, args.layout, args.split)))
    except (FileNotFoundError, ValueError) as problem:
        sys.exit(f"Nothing was read: {problem}")


if __name__ == "__main__":
    main()

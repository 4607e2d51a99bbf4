"""The corpus of hostile files, made from nothing but code: the same on every machine with the same libraries.

    python -m tests.hostile.corpus --out folder

writes it there to look at.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from tests.hostile import bombs, broken, plain
from tests.hostile.case import Case, noise, saved

MASK_SIZE = (96, 64)


def pictures() -> Iterator[Case]:
    """For the photo."""
    for part in (plain, broken, bombs):
        yield from part.cases()


def masks() -> Iterator[Case]:
    """For a mask of a photo of `MASK_SIZE`: other shapes, and some of what is broken."""
    for width, height, expect in (
        (96, 64, "taken"),
        (960, 640, "taken"),
        (64, 96, "refused"),
        (96, 65, "either"),
    ):
        yield Case(f"{width}x{height}.png", saved(noise(width, height).convert("L")), expect, "mask")
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        for value in (0, 1, 255):
            picture = noise(*MASK_SIZE).convert("I" if mode == "I;16" else mode).point(lambda _, v=value: v)
            yield Case(f"all-{mode}-{value}.png", saved(picture.convert(mode)), "taken", "mask")
    for case in broken.cases():
        if case.name.endswith((".png", ".tif")):
            yield Case(case.name, case.data, door="mask")


def corpus() -> Iterator[Case]:
    """All of it."""
    from tests.hostile import archives

    yield from pictures()
    yield from masks()
    yield from archives.cases()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True, help="folder that is written to")
    folder = options.parse_args().out
    for case in corpus():
        path = folder / case.door / re.sub(r"[^\w.%-]", "_", case.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data)
    print(f"{sum(path.is_file() for path in folder.rglob('*'))} files in {folder}")


if __name__ == "__main__":
    main()

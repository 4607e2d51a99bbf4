"""The app as it is, but with few views all round, so that many runs fit into ten minutes."""

import runpy

from spir.pipeline import Reconstructor

FEW = 4
whole = Reconstructor.turning


def turning(self, found, frames=FEW, size=128):
    return whole(self, found, frames, size)


if __name__ == "__main__":
    Reconstructor.turning = turning
    runpy.run_path("app.py", run_name="__main__")

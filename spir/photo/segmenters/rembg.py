"""§4 "Experimental setting", masks: the salient object, by a network of the optional package rembg.

Its import compiles for a minute and its network may have to be downloaded, so a server starts both in the
background (`network(model).begin()`) and uses another segmenter until they are ready.
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from spir.categories import Category
from spir.errors import PhotoError
from spir.types import Photo

REMBG_MODEL = os.environ.get("SPIR_REMBG_MODEL", "isnet-general-use")
WAY_OUT = "Use another cut-out, or paint over the object with the brush."


@dataclass
class Network:
    """A network of rembg, loaded or still loading. One instance serves all users."""

    model: str
    session: Any = None
    problem: str = ""
    """Why loading failed; empty while it has not."""
    lock: Lock = field(default_factory=Lock)
    thread: Thread | None = None

    @property
    def files(self) -> tuple[Path, Path]:
        """The paths where rembg looks for the network: a folder for each, and the one folder for all that
        versions before 2.0.80 filled."""
        name, data, both = f"{self.model}.onnx", os.environ.get("XDG_DATA_HOME"), os.environ.get("U2NET_HOME")
        home = both or os.environ.get("REMBG_HOME") or (Path(data, "rembg") if data else "~/.rembg")
        before = both or Path(data or "~", ".u2net")
        return Path(home, "models", self.model, name).expanduser(), Path(before, name).expanduser()

    @property
    def on_disk(self) -> bool:
        return any(file.is_file() for file in self.files)

    @property
    def obtainable(self) -> bool:
        """Whether the network can be had at all, found without importing rembg (which takes seconds)."""
        there = os.environ.get("SPIR_ALLOW_DOWNLOAD") == "1" or self.on_disk
        return find_spec("rembg") is not None and there

    @property
    def loading(self) -> bool:
        return self.thread is not None and self.session is None and not self.problem

    def begin(self) -> None:
        """Start loading in the background; once, or again after a failure."""
        with self.lock:
            if self.session is not None or self.loading:
                return
            self.problem = ""
            self.thread = Thread(target=self.load, daemon=True, name=f"rembg {self.model}")
            self.thread.start()

    def load(self) -> None:
        try:
            self.session = local_session(self.model)
        except (Exception, SystemExit) as problem:
            # A missing model, a failed download or another runtime: the user gets one message. Without
            # onnxruntime, importing rembg exits.
            self.problem = f"The cut-out network {self.model} could not be loaded ({first_line(problem)})."

    def fetched(self) -> int:
        """Megabytes of the network's file downloaded so far: rembg fills a temporary file where the network
        will be."""
        try:
            temporary = [path for file in self.files for path in file.parent.glob("tmp*")]
            sizes = [path.stat().st_size for path in temporary if path.is_file()]
        except OSError:
            sizes = []
        return max(sizes, default=0) // 10**6

    def ready(self) -> Any:
        """Wait for the loaded network and return it. Raises PhotoError where it cannot be had."""
        self.begin()
        if self.thread is not None:
            self.thread.join()
        if self.session is None:
            raise PhotoError(f"{self.problem} {WAY_OUT}")
        return self.session


@lru_cache(maxsize=4)
def network(model: str) -> Network:
    """Return the network of that name, the only state kept between photos."""
    return Network(model)


def local_session(model: str) -> Any:
    """Load rembg's network. Raises whatever rembg does, and ValueError for models that would upload the photos."""
    import rembg

    session = rembg.new_session(model)
    if not getattr(session, "is_local", lambda: True)():
        raise ValueError("it would send photos to another server")
    return session


def first_line(problem: BaseException) -> str:
    """Summarise what went wrong, short enough for a page and without file paths."""
    line = next(iter(str(problem).splitlines()), "")
    return type(problem).__name__ if not line or "/" in line or "\\" in line else line[:120]


@dataclass(frozen=True)
class RembgSegmenter:
    """Segments the salient object, whatever it is."""

    model: str = REMBG_MODEL

    @property
    def name(self) -> str:
        return f"rembg ({self.model})"

    def available(self) -> bool:
        """Whether it can run now, or has not been started and may be had."""
        here = network(self.model)
        return here.session is not None or (here.obtainable and not here.loading and not here.problem)

    def at_hand(self) -> bool:
        """Whether it can run now without a download."""
        return self.available() and network(self.model).on_disk

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        session = network(self.model).ready()
        try:
            import rembg

            picture = Image.fromarray(photo.rgb.cpu().numpy())
            mask = cast(Image.Image, rembg.remove(picture, session=session, only_mask=True))
        except Exception as problem:
            raise PhotoError(f"The cut-out network {self.model} could not run. {WAY_OUT}") from problem
        return torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)

"""Read a session back from the ZIP of `writer`, which anybody may have tampered with (section 5, "Results").

Only names that `write_archive` writes are read, into memory and up to a limit. Nothing touches the disk and
nothing is unpickled; every number is checked for dtype, shape and range before it is used.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import torch
from torch import Tensor

from spir.categories import Category
from spir.errors import ArchiveError
from spir.generator import Generator
from spir.geometry.pose import Z0_LIMIT
from spir.limits import cpu_deadline
from spir.outputs.attention_maps import decode_attention
from spir.outputs.layer_file import LARGEST as LARGEST_LAYERS
from spir.outputs.layer_file import layers_from
from spir.session.archive.pictures import mask_from, step_picture
from spir.session.archive.segments import ArchivedSegment, read_config
from spir.session.archive.writer import FORMAT, LAYERS, SessionArchive
from spir.types import Code, Fit, Guess, OptimizerState, Outcome, Pose, Step
from spir.validation import Tensors, checked_list, checked_number, checked_text

MEGABYTE = 2**20
LARGEST = 200 * MEGABYTE
"""The largest ZIP that is read, in bytes."""
MOST_ENTRIES = 1000
LIMITS = {
    r"photo\.[a-z]{1,8}": 40 * MEGABYTE,
    r"mask\.png": 8 * MEGABYTE,
    r"run\.json": 2 * MEGABYTE,
    r"fit\.safetensors": 48 * MEGABYTE,
    r"layers\.safetensors": LARGEST_LAYERS,
    r"steps/[0-9]{2,3}\.png": MEGABYTE,
    r"orbit/[0-9]{2}\.webp": 8 * MEGABYTE,
}
"""The names that are read, and the most bytes of each; all other entries are skipped."""
MOST_BYTES = 128 * MEGABYTE
"""The most bytes that are unpacked in total."""
MOST_STEPS = 256
MOST_VIEWS = 100
VIEW_SIZES = (32, 128)
SECONDS = 0.8
"""The seconds of CPU time for reading all the pictures."""
MARGINS = (0.0, 0.5)
"""The least and the largest room around the object, as a fraction of its box; much more would make squares of
thousands of pixels a side."""
MOST_METRICS = 16
METRIC_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
RETRY_HINT = "Download it again from this page, or start anew from the photo inside it."
DAMAGED = f"This ZIP is damaged, or was not made by this page. {RETRY_HINT}"


def read_archive(
    data: bytes, category: Category, generator: Generator, weights_hash: str, size: int = 128
) -> SessionArchive:
    """Return the run in a ZIP that was made with these weights; `size` is that of cut-outs and of the
    pictures of steps.

    All tensors are float32 on the CPU, and the pictures of steps have the precision of bytes. The photo is
    still to be decoded, and the caller checks whether the mask fits it. Raises ArchiveError."""
    try:
        contents = entries(data)
        words = restore_part(contents["run.json"], category, weights_hash)
        tensors = Tensors.read(contents["fit.safetensors"])
        return Reader(contents, words, tensors, category, generator, size, cpu_deadline(SECONDS)).kept()
    except ArchiveError:
        raise
    except Exception as problem:
        # Decoders fed with hostile bytes may raise anything; the visitor gets one message.
        raise ArchiveError(DAMAGED) from problem


def entries(data: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP that have a known name, unpacked only up to their limits. Raises
    ArchiveError."""
    if len(data) > LARGEST:
        raise ArchiveError(f"This ZIP is too large: at most {LARGEST // MEGABYTE} MB. {RETRY_HINT}")
    # Counted before anything is parsed, as a directory of millions of names is a ZIP bomb by itself.
    if data.count(b"PK\x01\x02") > MOST_ENTRIES:
        raise ArchiveError(f"This ZIP holds too many files. {RETRY_HINT}")
    found, total = {}, 0
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for entry in archive.infolist():
            limit = next((most for name, most in LIMITS.items() if re.fullmatch(name, entry.filename)), 0)
            if not limit:
                continue
            if entry.filename in found or entry.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise ArchiveError(DAMAGED)
            with archive.open(entry) as file:
                # The size in the header is not trusted.
                content = file.read(limit + 1)
            total += len(content)
            if len(content) > limit or total > MOST_BYTES:
                raise ArchiveError(f"{entry.filename} in this ZIP is too large. {RETRY_HINT}")
            found[entry.filename] = content
    return found


def restore_part(text: bytes, category: Category, weights_hash: str) -> dict:
    """Return the part of run.json that restoring needs, after checking its format, category and weights."""

    def refuse(constant: str):
        raise ValueError(f"{constant} is no number")

    words = json.loads(text, parse_constant=refuse)["restore"]
    if words["format"] != FORMAT:
        raise ArchiveError(f"This ZIP was made by another version of this page. {RETRY_HINT}")
    if words["category"] != category.name:
        raise ArchiveError(
            f"This ZIP is of the category {checked_text(words['category'])}, but this page works with "
            f"{category.name}. Choose that category, or start anew from the photo inside it."
        )
    if words["weights"] != weights_hash:
        raise ArchiveError(
            f"This ZIP was made with other weights ({checked_text(words['weights'])[:8]}; these here are "
            f"{weights_hash[:8]}), which do not understand its numbers. Start anew from the photo inside it."
        )
    return words


def read_metrics(row: object) -> dict[str, float]:
    """Return the metrics of one step. Raises ValueError."""
    if not isinstance(row, dict) or len(row) > MOST_METRICS or not all(map(METRIC_NAME.fullmatch, row)):
        raise ValueError("these are no metrics")
    return {name: checked_number(value, -1e9, 1e9) for name, value in row.items()}


@dataclass(frozen=True)
class Reader:
    """A reader turns the unpacked files into the run and checks every value."""

    contents: dict[str, bytes]
    words: dict
    tensors: Tensors
    category: Category
    generator: Generator
    size: int
    latest: float
    """The deadline for reading, on the clock of `spir.limits`."""

    def kept(self) -> SessionArchive:
        """Return the whole run."""
        words = self.words
        steps = self.steps()
        metrics = checked_list(words["metrics"], read_metrics, MOST_STEPS)
        if len(metrics) not in (0, len(steps)):
            raise ValueError("there are not as many metrics as steps")
        photos = [content for name, content in self.contents.items() if name.startswith("photo.")]
        if len(photos) != 1:
            raise ValueError("there must be one photo")
        view_size = int(checked_number(words["view_size"], *VIEW_SIZES))
        return SessionArchive(
            photo=photos[0],
            mask=mask_from(self.contents["mask.png"], self.latest),
            margin=checked_number(words["margin"], *MARGINS),
            segmenter=checked_text(words["segmenter"]),
            guess=self.guess(),
            fit=Fit(words["category"], self.code("fit.code"), self.pose("fit.pose"), steps),
            metrics=metrics,
            views=self.views(view_size),
            view_size=view_size,
            palette=self.palette("palette", batch=()),
            segments=self.segments(),
            mask_edited=words.get("mask_edited") is True,
            layers=self.layers(),
        )

    def segments(self) -> tuple[ArchivedSegment, ...]:
        """Return the segments in order; older archives have none."""
        given = checked_list(self.words.get("segments", []), lambda part: part, MOST_STEPS)
        found = tuple(self.segment(f"start.{place:02d}", part) for place, part in enumerate(given))
        if any(later.first_step <= before.first_step for before, later in pairwise(found)):
            raise ValueError("the segments are not in order")
        return found

    def segment(self, name: str, part: dict) -> ArchivedSegment:
        code, pose = (self.code(f"{name}.code"), self.pose(f"{name}.pose")) if part["moved"] else (None, None)
        first = int(checked_number(part["first_step"], 0, MOST_STEPS))
        return ArchivedSegment(
            first, checked_number(part["first_seconds"], 0, 1e9), read_config(part["config"]), code, pose
        )

    def layers(self) -> bytes | None:
        """Return the textured surface, after checking that it is whole and has as many colours as the fit;
        None in older archives."""
        data = self.contents.get(LAYERS)
        if data is not None and len(layers_from(data).palette) != self.generator.config.values:
            raise ValueError("this surface has other colours than the fit")
        return data

    def guess(self) -> Guess:
        outcome = checked_list(self.words["guess_outcome"], Outcome, 1)
        if len(outcome) != 1:
            raise ValueError("the first guess has no outcome")
        return Guess(
            nocs=self.tensors("guess.nocs", (1, self.size, self.size, 3), -100, 100),
            mask=self.tensors("guess.mask", (1, self.size, self.size), -0.01, 1.01),
            code=self.code("guess.code"),
            pose=self.pose("guess.pose"),
            pnp_error=self.tensors("guess.pnp_error", (1,), 0, float("inf")),
            outcome=outcome,
        )

    def code(self, name: str) -> Code:
        rows, width = self.generator.num_ws, self.generator.config.w_dim
        kept = self.tensors.shape(f"{name}.w")[1:2]
        w = self.tensors(f"{name}.w", (1, 1 if kept == (1,) else rows, width), -1e3, 1e3)
        return Code(w, self.palette(f"{name}.palette"))

    def palette(self, name: str, batch: tuple[int, ...] = (1,)) -> Tensor | None:
        shape = (*batch, self.generator.config.values, 3)
        return self.tensors(name, shape, -10, 10) if name in self.tensors else None

    def pose(self, name: str) -> Pose:
        length = self.tensors(f"{name}.quaternion", (1, 4), -1.1, 1.1).norm()
        if not 0.99 <= length <= 1.01:
            raise ValueError("this quaternion is no rotation")
        orthographic = self.category.orthographic
        return Pose(
            z0=None if orthographic else self.tensors(f"{name}.z0", (1,), -Z0_LIMIT, Z0_LIMIT),
            shift=self.tensors(f"{name}.shift", (1, 2), -100, 100),
            scale=self.tensors(f"{name}.scale", (1,), 1e-4, 1e4),
            quaternion=self.tensors(f"{name}.quaternion", (1, 4), -1.1, 1.1),
        )

    def steps(self) -> tuple[Step, ...]:
        """Return the steps of the trajectory in order."""
        outcomes = checked_list(
            self.words["step_outcomes"], lambda told: checked_list(told, checked_text, 1), MOST_STEPS
        )
        count = len(outcomes)
        if not count:
            raise ValueError("there is no step")
        indices = self.tensors("steps.index", (count,), 0, 1e6, torch.int64).tolist()
        seconds = self.tensors("steps.seconds", (count,), 0, 1e9, torch.float64).tolist()
        if any(later <= earlier for earlier, later in zip(indices, indices[1:], strict=False)):
            raise ValueError("the steps are not in order")
        return tuple(
            self.step(f"step.{place:02d}", f"steps/{place:02d}.png", index, spent, outcome)
            for place, (index, spent, outcome) in enumerate(zip(indices, seconds, outcomes, strict=True))
        )

    def step(self, name: str, file: str, index: int, seconds: float, outcome: tuple[str, ...]) -> Step:
        rgb, alpha = step_picture(self.contents[file], self.size, self.latest)
        pose = self.pose(f"{name}.pose")
        loss = self.tensors(f"{name}.loss", (1,), -1e9, 1e9)
        code, momentum = self.code(f"{name}.code"), self.momentum(f"{name}.momentum", pose)
        if momentum is not None and len(outcome) != 1:
            raise ValueError("this step has a momentum but no outcome")
        return Step(index, code, pose, rgb, alpha, loss, seconds, outcome, momentum)

    def momentum(self, name: str, pose: Pose) -> OptimizerState | None:
        """Return the optimiser's state, shaped as the leaves of the inversion: the shape as a whole, its
        rows, the palette's row, the pose."""
        if f"{name}.leaves.0" not in self.tensors:
            return None
        rows, width = self.generator.num_ws, self.generator.config.w_dim
        shapes = [(1, 1, width), (1, rows - 1, width), (1, 1, width)]
        if f"{name}.leaves.3" in self.tensors:
            shapes += [tuple(part.shape) for part in (pose.z0, pose.shift, pose.scale) if part is not None]
            shapes.append((1, 4))

        def part(kind: str, low: float | int) -> tuple[Tensor, ...]:
            names = (f"{name}.{kind}.{place}" for place in range(len(shapes)))
            return tuple(self.tensors(*leaf, low, 1e9) for leaf in zip(names, shapes, strict=True))

        return OptimizerState(part("leaves", -1e9), part("means", -1e9), part("squares", 0))

    def views(self, size: int) -> tuple[bytes, ...]:
        """Return the packed views, after checking that each file holds whole ones."""
        names = sorted(name for name in self.contents if name.startswith("orbit/"))
        parts = [self.contents[name] for name in names]
        count = 0
        for part in parts:
            count += len(decode_attention(part, self.generator.config.values, size, size))
            if count > MOST_VIEWS:
                raise ValueError("there are too many views")
        return tuple(parts)

"""Write a session as one ZIP with everything to look at and everything needed to continue (section 5,
"Results").

Pictures, films and meshes are for people. `reader.read_archive` restores the photo, `mask.png`, the key
"restore" of `run.json`, `fit.safetensors`, `layers.safetensors`, `steps/` and `orbit/`. Nothing is pickled.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from spir.categories import Category
from spir.outputs.panels import nocs_picture
from spir.outputs.views import png_bytes, to_uint8
from spir.outputs.zip import zip_bytes
from spir.session.archive.pictures import mask_bytes, step_bytes
from spir.session.archive.segments import ArchivedSegment, segment_record
from spir.types import Cutout, Fit, Guess, Movable

FORMAT = 1
"""The format's version, which rises when an older reader would misunderstand the archive."""
MAGIC = (
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"\x89PNG", "png"),
    (8, b"WEBP", "webp"),
    (0, b"GIF8", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tif"),
    (0, b"MM\0*", "tif"),
    (4, b"ftyp", "heic"),
)
"""The offset and the magic bytes of each kind of picture file, and its usual file extension."""
ANY_ENDING = "picture"
LAYERS = "layers.safetensors"


@dataclass(frozen=True)
class SessionArchive:
    """An archive has everything of a run (batch of 1): `write_archive` packs it and `read_archive` restores
    it."""

    photo: bytes
    """The bytes of the file as it was sent."""
    mask: Float[Tensor, "height width"]
    """The mask in [0, 1], at the size of the decoded photo; values of at least one half are the object."""
    margin: float
    """The room around the object in the cut-out, as a fraction of its box."""
    segmenter: str
    guess: Guess
    fit: Fit
    """The fit with the code and pose in use, and every step."""
    metrics: tuple[dict[str, float], ...] = ()
    """One dictionary per step."""
    views: tuple[bytes, ...] = ()
    """The views all round the fit in use: files of `outputs.attention_maps.encode_attention`."""
    view_size: int = 128
    """The number of pixels along a side of one view."""
    palette: Float[Tensor, "values 3"] | None = None
    """The visitor's colours in [-1, 1], where they are not the fit's own."""
    segments: tuple[ArchivedSegment, ...] = ()
    """The segments of the trajectory; empty in older archives, which had one from the first guess."""
    mask_edited: bool = False
    """Whether the mask was painted on."""
    layers: bytes | None = None
    """The fit's surface with the photo's detail, in the fit's own colours (`outputs.layer_file`)."""


def write_archive(
    kept: SessionArchive,
    cutout: Cutout,
    category: Category,
    record: dict,
    files: Mapping[str, bytes] | None = None,
    lean: bool = False,
) -> bytes:
    """Return the bytes of the ZIP, always the same for the same run. Code, pose and momentum are exact.

    `record` is that of `record.run_record`, with whatever else run.json shall contain (the verdict); `files`
    are further entries by name, such as films and meshes. `lean` drops the momentum, so that no run can
    continue bit for bit, and halves the precision of the NOCS map and of the codes of earlier steps."""
    if lean:
        kept = compacted(kept)
    contents = {f"photo.{picture_ending(kept.photo)}": kept.photo, "mask.png": mask_bytes(kept.mask)}
    contents["crop.png"] = png_bytes(to_uint8(cutout.rgb[0]))
    alpha = kept.guess.mask[0].float()
    nocs = nocs_picture(kept.guess.nocs[0].float() * alpha[..., None], alpha, category.scene_range)
    contents["nocs.png"] = png_bytes(nocs)
    contents["run.json"] = json.dumps(record | restore_part(kept, record), indent=1, allow_nan=False).encode()
    contents["fit.safetensors"] = save(tensors_of(kept))
    if kept.layers is not None:
        contents[LAYERS] = kept.layers
    for number, step in enumerate(kept.fit.trajectory):
        contents[f"steps/{number:02d}.png"] = step_bytes(step)
    for number, part in enumerate(kept.views):
        contents[f"orbit/{number:02d}.webp"] = part
    return zip_bytes(contents | dict(files or {}))


def restore_part(kept: SessionArchive, record: dict) -> dict:
    """Return what run.json has beside the record: "restore" for the reader of ZIPs, and the rest for
    people."""
    restore = {
        "format": FORMAT,
        "category": kept.fit.category,
        "weights": record["weights"],
        "margin": kept.margin,
        "segmenter": kept.segmenter,
        "mask_edited": kept.mask_edited,
        "segments": [segment_record(segment) for segment in kept.segments],
        "guess_outcome": [outcome.value for outcome in kept.guess.outcome],
        "step_outcomes": [list(step.outcome) for step in kept.fit.trajectory],
        "metrics": [
            {name: float(value) for name, value in row.items() if math.isfinite(value)}
            for row in kept.metrics
        ],
        "view_size": kept.view_size,
    }
    return {"repeat": repeat_command(kept), "restore": restore}


def repeat_command(kept: SessionArchive) -> str:
    """Return the command line that repeats the run from the files in the ZIP. It does not repeat later
    segments and mixing."""
    last = max((step.index for step in kept.fit.trajectory), default=0)
    photo = f"photo.{picture_ending(kept.photo)}"
    return (
        f"python -m spir {photo} --mask mask.png --margin {kept.margin:g} "
        f"--category {kept.fit.category} --steps {last}"
    )


def compacted(kept: SessionArchive) -> SessionArchive:
    """Return the archive without momentum, and with the NOCS map and the codes in float16 except the code in
    use and the last one."""
    guess, fit = kept.guess, kept.fit
    steps = [replace(step, momentum=None) for step in fit.trajectory]
    for number, step in enumerate(steps[:-1]):
        if not torch.equal(step.code.w, fit.code.w):
            steps[number] = replace(step, code=replace(step.code, w=step.code.w.half()))
    guess = replace(guess, nocs=guess.nocs.half(), mask=guess.mask.half())
    return replace(kept, guess=guess, fit=replace(fit, trajectory=tuple(steps)))


def tensors_of(kept: SessionArchive) -> dict[str, Tensor]:
    """Return all tensors of the run but its pictures by name, such as "step.03.pose.scale"."""
    found = (
        flattened(kept.guess, "guess")
        | flattened(kept.fit.code, "fit.code")
        | flattened(kept.fit.pose, "fit.pose")
    )
    for number, step in enumerate(kept.fit.trajectory):
        found |= flattened(step, f"step.{number:02d}", leave=("rgb", "alpha"))
    for number, segment in enumerate(kept.segments):
        if segment.code is not None and segment.pose is not None:
            found |= flattened(segment.code, f"start.{number:02d}.code") | flattened(
                segment.pose, f"start.{number:02d}.pose"
            )
    steps = kept.fit.trajectory
    found["steps.index"] = torch.tensor([step.index for step in steps], dtype=torch.int64)
    found["steps.seconds"] = torch.tensor([step.seconds for step in steps], dtype=torch.float64)
    if kept.palette is not None:
        found["palette"] = kept.palette
    # Rows of one tensor may share their memory, which the format forbids.
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in found.items()}


def flattened(value: Movable, name: str, leave: Sequence[str] = ()) -> dict[str, Tensor]:
    """Return the tensors of a bundle and of the bundles in it, by their dotted path; strings and numbers are
    left out."""
    found = {}
    for field in fields(value):  # pyright: ignore[reportArgumentType]
        inner = getattr(value, field.name)
        parts = enumerate(inner) if isinstance(inner, tuple) else ()
        here = f"{name}.{field.name}"
        if field.name in leave:
            continue
        if isinstance(inner, Movable):
            found |= flattened(inner, here)
        elif isinstance(inner, Tensor):
            found[here] = inner
        found |= {f"{here}.{place}": part for place, part in parts if isinstance(part, Tensor)}
    return found


def picture_ending(data: bytes) -> str:
    """Return the file extension of a picture from its first bytes; "picture" where they are not known."""
    return next((end for at, mark, end in MAGIC if data[at : at + len(mark)] == mark), ANY_ENDING)

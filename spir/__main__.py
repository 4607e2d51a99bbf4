"""The command line (§3.3 "Reconstruction"): photos in, a folder of pictures, films and meshes each.

python -m spir PHOTO... [--category car] [--steps 10] [--out DIR]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from spir.categories import CATEGORIES
from spir.outputs.folder import film_files, mesh_files, picture_files, record_file, step_metrics
from spir.outputs.mesh import EmptySurfaceError
from spir.photo import PREFERENCES, PhotoError, read_mask, read_photo
from spir.photo.cutout import MARGIN
from spir.pipeline import DEVICES, Reconstructor, preset
from spir.types import Cutout, Fit, Guess, Photo, Step
from spir.weights import WEIGHTS, WeightsError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic")
MASK_ENDING = ".mask.png"
"""NAME.mask.png beside NAME.jpg is its mask."""


@dataclass(frozen=True)
class Job:
    """A photo on the way to its folder."""

    photo: Path
    mask: Path | None
    folder: Path


@dataclass(frozen=True)
class Row:
    """A line of the table at the end; `failure` is empty where the photo succeeded."""

    name: str
    iou: float = 0.0
    psnr: float = 0.0
    loss: float = 0.0
    seconds: float = 0.0
    pose: str = ""
    failure: str = ""


def parser() -> argparse.ArgumentParser:
    """Every option of the command line."""
    options = argparse.ArgumentParser(
        "python -m spir", description="One photo in, an editable 3D object out."
    )
    options.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="picture files, or folders of")
    options.add_argument("--category", choices=sorted(CATEGORIES), default="car")
    options.add_argument("--steps", type=int, default=10, help="of the inversion; 0 = the encoder only")
    options.add_argument("--mask", type=Path, help="white on the object; else NAME.mask.png, else automatic")
    options.add_argument("--margin", type=float, default=MARGIN, help="room around the object, of its box")
    options.add_argument("--out", type=Path, default=Path("out"), help="holds one folder a photo")
    options.add_argument("--device", default="auto", help=" or ".join(DEVICES))
    options.add_argument("--segmenter", choices=PREFERENCES, default="auto")
    options.add_argument("--loss", choices=("auto", "lpips", "encoder"), default="auto")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--mesh-resolution", type=int, default=128, help="samples along the cube's side")
    options.add_argument("--frames", type=int, default=36, help="of the turntable")
    options.add_argument("--no-mesh", action="store_true")
    options.add_argument("--no-turntable", action="store_true")
    options.add_argument("--weights", type=Path, default=WEIGHTS, help="folder with one folder a category")
    return options


def check(options: argparse.Namespace) -> str:
    """What is wrong with the options, or nothing."""
    if options.steps < 0:
        return "--steps cannot be negative"
    if options.mesh_resolution < 8 or options.frames < 1:
        return "--mesh-resolution must be at least 8 and --frames at least 1"
    if not 0 <= options.margin <= 1:
        return "--margin must be between 0 and 1"
    if options.mask and (len(options.photos) > 1 or options.photos[0].is_dir()):
        return "--mask is for a single photo; put NAME.mask.png beside each of several"
    return ""


def jobs(photos: Sequence[Path], mask: Path | None, out: Path) -> list[Job]:
    """One per photo, folders opened, names made unique."""
    files = []
    for path in photos:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [
            file
            for file in inside
            if file == path or (file.suffix.lower() in ENDINGS and not file.name.endswith(MASK_ENDING))
        ]
    taken, found = set(), []
    for file in files:
        name, number = file.stem, 2
        while name in taken:
            name, number = f"{file.stem}-{number}", number + 1
        taken.add(name)
        beside = file.with_name(file.stem + MASK_ENDING)
        found.append(Job(file, mask or (beside if beside.is_file() else None), out / name))
    return found


def cut(reconstructor: Reconstructor, job: Job, margin: float) -> tuple[Photo, Cutout, str]:
    """The photo, its object, and who cut it out."""
    photo = read_photo(job.photo)
    if job.mask is None:
        found = reconstructor.find(photo)
        return photo, reconstructor.cut(photo, found.mask, margin), found.segmenter
    mask = read_mask(job.mask, photo)
    return photo, reconstructor.cut(photo, mask, margin), f"mask {job.mask.name}"


def process(reconstructor: Reconstructor, job: Job, options: argparse.Namespace, bar: tqdm) -> Row:
    """Reconstruct one photo and write its folder; the bar advances by one a step. May raise anything."""
    began = time.perf_counter()
    photo, cutout, segmenter = cut(reconstructor, job, options.margin)
    config = replace(preset(options.steps), seed=options.seed)
    for item in reconstructor.reconstruct(cutout, config):
        if isinstance(item, Guess):
            outcome = item.outcome[0]
        elif isinstance(item, Step):
            bar.set_postfix_str(f"{job.photo.name} step {item.index} loss {float(item.loss):.3f}")
            bar.update()
        else:
            fit = item
    seconds = time.perf_counter() - began
    metrics = step_metrics(fit.trajectory, cutout)
    record = reconstructor.record(
        fit,
        segmenter=segmenter,
        seed=options.seed,
        metrics=metrics,
        outcome=outcome,
        notes={"photo": job.photo.name, "seconds_with_first_guess": round(seconds, 3)},
    )
    write(job.folder, files(reconstructor, photo, cutout, fit, options) | record_file(record))
    last = fit.trajectory[-1]
    return Row(job.photo.name, **metrics[-1], loss=float(last.loss), seconds=seconds, pose=outcome)


def files(
    reconstructor: Reconstructor, photo: Photo, cutout: Cutout, fit: Fit, options: argparse.Namespace
) -> dict[str, bytes]:
    """Everything there is to keep of a fit; the mesh is left out where there is no surface."""
    category = reconstructor.category
    seen = reconstructor.render(fit, cutout.mask.shape[1])
    found = picture_files(photo, cutout, fit, seen, category.scene_range)
    if not options.no_turntable:
        found |= film_files(reconstructor.turntable(fit, options.frames), category.background)
    if not options.no_mesh:
        try:
            surface = reconstructor.mesh(fit, options.mesh_resolution)
            found |= mesh_files(surface, reconstructor.camera(fit.pose))
        except EmptySurfaceError as problem:
            tqdm.write(f"no mesh: {problem}", file=sys.stderr)
    return found


def write(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def table(rows: Sequence[Row]) -> str:
    """One line a photo, aligned."""
    width = max(len("photo"), *(len(row.name) for row in rows))
    lines = [f"{'photo':{width}}    IoU  PSNR dB    loss  seconds  pose"]
    for row in rows:
        numbers = f"{row.iou:7.3f}{row.psnr:9.2f}{row.loss:8.3f}{row.seconds:9.1f}  {row.pose}"
        lines.append(f"{row.name:{width}}{'  failed: ' + row.failure if row.failure else numbers}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 = all went well, 1 = some photo or the weights failed; bad usage exits with 2."""
    usage = parser()
    options = usage.parse_args(arguments)
    work = jobs(options.photos, options.mask, options.out)
    fault = check(options) or ("" if work else "there is no photo to work on")
    if fault:
        usage.error(fault)
    try:
        reconstructor = Reconstructor.load(
            options.category,
            options.device,
            options.weights,
            segmenter=options.segmenter,
            loss=options.loss,
        )
    except ValueError as problem:
        usage.error(str(problem))
    except (WeightsError, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 1
    rows = []
    with tqdm(total=len(work) * (options.steps + 1), unit="step", dynamic_ncols=True) as bar:
        for number, job in enumerate(work, start=1):
            try:
                rows.append(process(reconstructor, job, options, bar))
            except Exception as problem:
                # Whatever ails one photo, the others still get their turn.
                reason = str(problem) if isinstance(problem, PhotoError) else repr(problem)
                tqdm.write(f"{job.photo}: {reason}", file=sys.stderr)
                rows.append(Row(job.photo.name, failure=reason))
            bar.update(number * (options.steps + 1) - bar.n)
    print(table(rows))
    return 1 if any(row.failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

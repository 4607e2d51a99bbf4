"""Run the command line (§3.3 "Reconstruction"): every photo gets a folder of pictures, films and meshes.

python -m spir PHOTO... [--category car] [--steps 10] [--out DIR] [--workers 1] [--engine local]
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from spir.batch.jobs import Job, jobs
from spir.batch.plan import Plan, exclusive_lock
from spir.batch.process import process_job
from spir.batch.process_pool import run_pool
from spir.batch.ray_engine import run_ray
from spir.batch.report import write_report
from spir.batch.rows import Row, summary, table
from spir.batch.settings import DEFAULT_TEXTURE, QUALITIES, TEXTURE_SIZES, Settings
from spir.batch.store import Store, resolve
from spir.categories import CATEGORIES
from spir.errors import EngineError, WeightsError
from spir.photo import PREFERENCES
from spir.photo.cutout import MARGIN
from spir.pipeline import FINE_STEPS, LOSS_BACKENDS
from spir.runtime import DEVICES, choose_device
from spir.types import Step
from spir.weights import WEIGHTS

INTERRUPTED = 130
"""The exit code that shells use for Ctrl-C."""


def parser() -> argparse.ArgumentParser:
    """Return the parser with every option of the command line."""
    options = argparse.ArgumentParser(
        "python -m spir", description="One photo in, an editable 3D object out."
    )
    options.add_argument("photos", nargs="+", metavar="PHOTO", help="picture files, or folders of; also URLs")
    options.add_argument("--category", choices=sorted(CATEGORIES), default="car")
    options.add_argument("--steps", type=int, default=10, help="of the inversion; 0 = the encoder only")
    options.add_argument(
        "--quality",
        choices=QUALITIES,
        default=QUALITIES[0],
        help="fine: ten more steps at twice the size, slow",
    )
    options.add_argument("--mask", help="white on the object, for a single photo")
    options.add_argument("--margin", type=float, default=MARGIN, help="room around the object, of its box")
    options.add_argument("--out", default="out", help="holds one folder a photo; also s3://... and the like")
    options.add_argument("--device", default="auto", help=" or ".join(DEVICES))
    options.add_argument(
        "--segmenter",
        choices=PREFERENCES,
        default="auto",
        help="who cuts out; auto takes NAME.mask.png where it lies beside the photo",
    )
    options.add_argument("--loss", choices=LOSS_BACKENDS, default="auto")
    options.add_argument(
        "--as-published", action="store_true", help="the authors' guess, steps and renderer, for comparison"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--mesh-resolution", type=int, default=128, help="samples along the cube's side")
    options.add_argument(
        "--texture",
        choices=(*map(str, TEXTURE_SIZES), "none"),
        default=str(DEFAULT_TEXTURE),
        help="texels a side of the photo's detail on the mesh; the larger has a finer mesh, too",
    )
    options.add_argument("--frames", type=int, default=36, help="of the turntable")
    options.add_argument("--no-mesh", action="store_true")
    options.add_argument("--no-turntable", action="store_true")
    options.add_argument("--weights", type=Path, default=WEIGHTS, help="folder with one folder a category")
    options.add_argument("--workers", type=int, default=1, help="processes, or actors of the cluster")
    options.add_argument("--engine", choices=("local", "ray"), default="local")
    options.add_argument("--address", help="of a Ray cluster; without, one is started on this machine")
    options.add_argument("--retry-failed", action="store_true", help="try photos again that failed earlier")
    return options


def check(options: argparse.Namespace) -> str:
    """Return what is wrong with the options, or an empty string."""
    if options.steps < 0:
        return "--steps cannot be negative"
    if options.mesh_resolution < 8 or options.frames < 1:
        return "--mesh-resolution must be at least 8 and --frames at least 1"
    if options.quality == "fine" and (options.as_published or not options.steps):
        return "--quality fine goes on behind the usual steps: give --steps, and leave out --as-published"
    if not 0 <= options.margin <= 1:
        return "--margin must be between 0 and 1"
    if options.workers < 1:
        return "--workers must be at least 1"
    if options.address and options.engine != "ray":
        return "--address is for --engine ray"
    if options.mask and (len(options.photos) > 1 or is_folder(options.photos[0])):
        return "--mask is for a single photo; put NAME.mask.png beside each of several"
    if options.mask and options.segmenter != "auto":
        return "--mask is the cut-out itself: leave out --segmenter, or --mask"
    if (options.workers > 1 or options.engine == "ray") and not Store(options.out).shared:
        return "several processes cannot share memory://; choose another --out"
    return ""


def is_folder(photo: str) -> bool:
    files, path = resolve(photo)
    return files.isdir(path)


def plan(options: argparse.Namespace) -> Plan:
    """Return the plan that every worker gets. Raises ValueError where the device is not available."""
    if not options.address:
        choose_device(options.device)
    settings = Settings(
        options.category,
        options.steps,
        options.seed,
        options.margin,
        options.segmenter,
        options.loss,
        options.as_published,
        0 if options.no_mesh else options.mesh_resolution,
        0 if options.no_turntable else options.frames,
        0 if options.texture == "none" else int(options.texture),
        options.quality,
        options.device,
        str(options.weights.absolute()),
    )
    out = options.out if "://" in options.out else str(Path(options.out).absolute())
    return Plan(settings, out, options.workers, options.retry_failed)


def one_by_one(work: Sequence[Job], chosen: Plan, bar: tqdm) -> Iterator[Row]:
    """Process the jobs in this process and yield their rows; the progress bar advances by one per step."""
    context = chosen.context()
    for job in work:

        def progress(step: Step, name: str = job.name) -> None:
            bar.set_postfix_str(f"{name} step {step.index} loss {float(step.loss):.3f}")
            bar.update()

        yield process_job(context, job, progress)


def engine(options: argparse.Namespace, work: Sequence[Job], chosen: Plan, bar: tqdm) -> Iterator[Row]:
    """Return an iterator over the rows of the chosen engine, in the order in which they are ready."""
    if options.engine == "ray":
        return run_ray(work, chosen, options.address)
    return run_pool(work, chosen) if chosen.workers > 1 else one_by_one(work, chosen, bar)


def follow(options: argparse.Namespace, work: Sequence[Job], chosen: Plan, rows: dict[str, Row]) -> None:
    """Fill `rows`, keyed by folder, and show the progress."""
    alone_here = options.engine == "local" and chosen.workers == 1
    more = FINE_STEPS.steps if options.quality == "fine" else 0
    pieces, unit = (options.steps + more + 1, "step") if alone_here else (1, "photo")
    with tqdm(total=len(work) * pieces, unit=unit, dynamic_ncols=True) as bar:
        for row in engine(options, work, chosen, bar):
            rows[row.folder] = row
            for told in (row.failure, row.remark):
                if told and not row.earlier:
                    tqdm.write(f"{row.name}: {told}", file=sys.stderr)
            bar.update(len(rows) * pieces - bar.n)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 where all succeeded, 1 where a photo or the weights
    failed. Bad usage exits with 2."""
    usage = parser()
    options = usage.parse_args(arguments)
    try:
        fault = check(options)
        # Who names a segmenter wants to see its masks, also where others lie beside the photos.
        work = [] if fault else jobs(options.photos, options.mask, masks_beside=options.segmenter == "auto")
        chosen, store = plan(options), Store(options.out)
    except (ValueError, ImportError) as problem:
        # The device or the kind of URL is not available here, or needs another package.
        usage.error(str(problem))
    if not work:
        usage.error(fault or "there is no photo to work on")
    rows, began = {}, time.perf_counter()
    try:
        with exclusive_lock(store):
            follow(options, work, chosen, rows)
            told = [rows[job.folder] for job in work]
            print(table(told), summary(told, time.perf_counter() - began), sep="\n\n")
            write_report(store)
    except KeyboardInterrupt:
        print(
            f"Stopped after {len(rows)} of {len(work)} photos. The same command goes on from there.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except (EngineError, WeightsError, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"All of it: {options.out.rstrip('/')}/index.html")
    return 1 if any(row.failure for row in told) else 0


if __name__ == "__main__":
    sys.exit(main())

"""§4 and §5 as one command: `python -m spir.evaluate car --photos DIR --eth80 DIR --procedural 128`."""

import argparse
import sys
from pathlib import Path

from spir.categories import CATEGORIES
from spir.errors import WeightsError
from spir.evaluate.appearance.sheet import save_pages
from spir.evaluate.benchmarks.realism import save_sample_sheet
from spir.evaluate.notebook import ResultLog
from spir.evaluate.options import Options
from spir.evaluate.reports.report import markdown, to_json
from spir.evaluate.reports.sheet import save_sheet
from spir.evaluate.suite import evaluate, load
from spir.pipeline import LOSS_BACKENDS
from spir.weights import WEIGHTS


def step_list(text: str) -> tuple[int, ...]:
    """ "0,10,30" -> (0, 10, 30), ascending, without repetition."""
    steps = tuple(sorted({int(part) for part in text.split(",")}))
    if not steps or steps[0] < 0:
        raise ValueError(text)
    return steps


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m spir.evaluate", description=__doc__)
    add = made.add_argument
    add("category", choices=sorted(CATEGORIES))
    add("--photos", type=Path, metavar="DIR", help="NAME.jpg|png with optional NAME.mask.png")
    add("--own-cutout", action="store_true", help="ignore these masks, cut out as the app does")
    add("--verdict", action="store_true", help="also judge the photos' fits among those of eight bad photos")
    add("--eth80", type=Path, metavar="DIR", help="ETH-80 toy cars: folders 1 to 5")
    add("--eth80-novel", action="store_true", help="also lay fits over the other photos of the same toy")
    add("--eth80-kept", action="store_true", help="also bootstrap the toys' poses: are those kept right?")
    add("--collection", type=Path, metavar="PHOTOS", help="tar or folder of many photos with masks")
    add("--fronts", type=Path, metavar="FILE", help="sides to which fronts of the collection point")
    add("--realism", action="store_true", help="random samples against the collection's last 1000 photos")
    add(
        "--poses",
        type=Path,
        metavar="FILE",
        help="table of spir.data.poses.bootstrap: cameras of these samples",
    )
    add(
        "--judge",
        type=Path,
        default=Options.judge,
        metavar="FILE",
        help="encoder of the feature distance and FID",
    )
    add("--samples", type=int, default=Options.samples, metavar="COUNT")
    add("--sample-sheet", type=Path, metavar="FILE.png", help="64 random objects from four views")
    add(
        "--meshes",
        type=Path,
        metavar="DIR",
        help="shapes that others modelled: novel views (axes.tsv in it: how)",
    )
    add("--procedural", type=int, nargs="?", const=128, default=0, metavar="COUNT", help="novel views")
    add("--recolour", type=int, nargs="?", const=32, default=0, metavar="COUNT", help="body paint recoloured")
    add("--bench", action="store_true", help="fast against reference renderer, on the first photos")
    add("--bench-photos", type=int, default=3, metavar="COUNT")
    add("--steps", type=step_list, default=(0, 10, 30), metavar="N,N", help="default 0,10,30")
    add("--appearance", action="store_true", help="also textured objects, of all that is given")
    add("--appearance-only", action="store_true", help="nothing but textured objects")
    add(
        "--appearance-sheet",
        type=Path,
        metavar="FILE.png",
        help="textured photos: FILE-1.png, FILE-2.png, ...",
    )
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="beside it FILE.items.jsonl has every item at once, and stays",
    )
    add("--resume", action="store_true", help="take the items of FILE.items.jsonl, measure the others")
    add("--markdown", type=Path, metavar="FILE")
    add("--sheet", type=Path, metavar="FILE.png", help="contact sheet of the photos")
    add("--loss", choices=LOSS_BACKENDS, default="auto", help="the perceptual distance of the inversion")
    add("--device", default="auto")
    add("--weights", type=Path, default=WEIGHTS, metavar="ROOT", help="folder of CATEGORY/*.safetensors")
    add("--workers", type=int, default=1, help="processes; more than one makes the seconds meaningless")
    return made


def options(argv: list[str] | None = None) -> tuple[Options, argparse.Namespace]:
    """Return the requested options; exits with a message where they are inconsistent."""
    made = parser()
    args = made.parse_args(argv)
    for folder in (args.photos, args.eth80, args.meshes):
        if folder and not folder.is_dir():
            made.error(f"there is no folder {folder}")
    if (args.bench or args.sheet or args.verdict) and not args.photos:
        made.error("--bench, --sheet and --verdict need --photos DIR")
    if (args.realism or args.fronts) and not args.collection:
        made.error("--realism and --fronts need --collection PHOTOS")
    if args.realism and not args.poses:
        made.error("--realism needs --poses FILE, a table made with python -m spir.data.poses")
    if (args.eth80_novel or args.eth80_kept) and not args.eth80:
        made.error("--eth80-novel and --eth80-kept need --eth80 DIR")
    if args.appearance_sheet and not args.photos:
        made.error("--appearance-sheet needs --photos DIR")
    if args.resume and not args.json:
        made.error("--resume needs --json FILE, the report of the run to go on with")
    textured = args.appearance or args.appearance_only or args.appearance_sheet is not None
    if textured and not any((args.photos, args.eth80, args.meshes, args.recolour)):
        made.error("--appearance needs --photos, --eth80 or --meshes DIR, or --recolour")
    wanted = (args.photos, args.eth80, args.meshes, args.procedural, args.recolour, args.realism, args.fronts)
    nothing = not any((*wanted, args.sample_sheet))
    return Options(
        category=args.category,
        steps=args.steps,
        photos=args.photos,
        own_cutout=args.own_cutout,
        verdict=args.verdict,
        eth80=args.eth80,
        eth80_novel=args.eth80_novel,
        eth80_kept=args.eth80_kept,
        collection=args.collection,
        fronts=args.fronts,
        realism=args.realism,
        poses=args.poses,
        judge=args.judge,
        samples=args.samples,
        meshes=args.meshes,
        # The one evaluation that needs no data.
        procedural=128 if nothing else args.procedural,
        recolour=args.recolour,
        bench=args.bench_photos if args.bench else 0,
        sheet=args.sheet is not None,
        appearance=textured,
        appearance_only=args.appearance_only,
        appearance_sheet=args.appearance_sheet is not None,
        notebook=notebook(args.json, args.resume),
        loss=args.loss,
        device=args.device,
        weights=args.weights,
        workers=args.workers,
    ), args


def notebook(report: Path | None, resume: bool) -> ResultLog | None:
    """Return the notebook beside the report, or None where no report is written."""
    return None if report is None else ResultLog(report.with_name(f"{report.name}.items.jsonl"), resume)


def main(argv: list[str] | None = None) -> None:
    chosen, args = options(argv)
    try:
        report = evaluate(chosen)
    except (WeightsError, FileNotFoundError, ValueError) as problem:
        sys.exit(f"Nothing was evaluated: {problem}")
    text = markdown(report)
    print(text)
    for path, content in ((args.json, to_json(report)), (args.markdown, text)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if args.sheet:
        save_sheet(args.sheet, report["items"]["photos"], chosen.steps)
    if args.appearance_sheet:
        save_pages(args.appearance_sheet, report["items"]["appearance_photos"])
    if args.sample_sheet:
        save_sample_sheet(
            args.sample_sheet, load(chosen.category, chosen.device, chosen.weights, chosen.loss)
        )


if __name__ == "__main__":
    main()

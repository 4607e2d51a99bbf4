"""Runs the evaluations of textured objects on the same data as the other evaluations."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from spir.categories import CATEGORIES
from spir.evaluate.appearance import eth80, meshes, photos, recolour
from spir.evaluate.benchmarks.meshes import files_of
from spir.evaluate.benchmarks.photos import photo_files
from spir.evaluate.benchmarks.procedural import ProceduralSubject
from spir.evaluate.items import Prepare, Record, Score, keep, measure
from spir.evaluate.judge import judge
from spir.evaluate.options import Options


def evaluate_appearance(report: Record, options: Options, prepare: Prepare) -> None:
    """Run all requested evaluations under "appearance". Raises JudgeError where the judge is not installed."""
    if not options.appearance:
        return
    if options.meshes or options.eth80:
        judge()
    report["appearance"] = {}
    for part in (evaluate_photos, evaluate_meshes, evaluate_eth80, evaluate_recolour):
        part(report, options, prepare)


def evaluate_photos(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate photos from their own cameras, and make the sheet's tiles."""
    if options.photos:
        found = photo_files(options.photos, options.own_cutout)
        score = partial(photos.score_photo, pictures=options.appearance_sheet)
        records = measured(report, options, prepare, "photos", score, found, options.appearance_sheet)
        report["appearance"]["photos"] = photos.summary(records)


def evaluate_meshes(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate unseen shapes from all around."""
    if options.meshes:
        found = meshes.subjects(files_of(options.meshes, CATEGORIES[options.category].kind))
        score = partial(meshes.score_mesh, root=options.meshes)
        records = measured(report, options, prepare, "meshes", score, found)
        report["appearance"]["meshes"] = meshes.summary(records)


def evaluate_eth80(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate toys against their other photos."""
    if options.eth80:
        records = measured(report, options, prepare, "eth80", eth80.score_toy, eth80.toys(options.eth80))
        report["appearance"]["eth80"] = eth80.summary(records)


def evaluate_recolour(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate another paint on painted meshes, where the folder holds cars, and on procedural objects."""
    if not options.recolour:
        return
    report["appearance"]["recolour"] = {"meshes": {}, "procedural": {}}
    asked: list[tuple[str, Callable, Sequence[Any]]] = []
    if options.meshes:
        files = files_of(options.meshes, CATEGORIES[options.category].kind)
        painted = meshes.subjects([file for file in files if file.car])
        asked.append(("meshes", partial(recolour.score_mesh, root=options.meshes), painted))
    objects = [ProceduralSubject(options.category, number) for number in range(options.recolour)]
    asked.append(("procedural", recolour.score_procedural, objects))
    for name, score, found in asked:
        records = measured(report, options, prepare, f"recolour_{name}", score, found)
        report["appearance"]["recolour"][name] = recolour.summary(records)


def measured(
    report: Record,
    options: Options,
    prepare: Prepare,
    part: str,
    score: Score,
    found: Sequence[Any],
    pictures: bool = False,
) -> list[Record]:
    """Measure one part and store its records beside the summary; with `pictures`, no record is reused from an
    earlier run's notebook."""
    notebook = options.notebook.afresh() if options.notebook and pictures else options.notebook
    records = measure(score, prepare, found, f"appearance, {part}", options.workers, notebook)
    keep(report, f"appearance_{part}", records)
    return records

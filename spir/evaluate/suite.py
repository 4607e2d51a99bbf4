"""§4 and §5: chooses and runs the evaluations, and collects all results in one dictionary."""

import hashlib
import platform
import sys
from functools import cache, partial
from pathlib import Path

import torch

from spir.categories import CATEGORIES
from spir.evaluate import bench
from spir.evaluate.appearance.suite import evaluate_appearance
from spir.evaluate.benchmarks import (
    eth80,
    eth80_kept,
    eth80_views,
    fronts,
    meshes,
    novel_views,
    photos,
    procedural,
    realism,
    recolour,
    verdicts,
)
from spir.evaluate.items import Prepare, Record, keep, measure, peak_rss_mb
from spir.evaluate.judge import NAME, why_no_judge
from spir.evaluate.options import Options
from spir.pipeline import Reconstructor
from spir.session.record import versions

RECOLOUR_STEPS = 10


@cache
def load(category: str, device: str, weights: Path, loss: str) -> Reconstructor:
    """Load one set of networks for all evaluations of a process."""
    return Reconstructor.load(category, device, weights, loss=loss)


def evaluate(options: Options) -> Record:
    """Run everything requested. The report is that of `--json`, and "pictures" are stored in the photos' items."""
    prepare = partial(load, options.category, options.device, options.weights, options.loss)
    report: Record = {
        "photos": {}, "eth80": {}, "meshes": {}, "procedural": {}, "items": {}, "failures": {}
    }  # fmt: skip
    if problem := why_no_judge():
        print(f"The judge's columns stay empty: {problem}", file=sys.stderr)
    if options.notebook:
        options.notebook.begin(circumstances(options, prepare))
    others = (
        evaluate_photos, evaluate_verdict, evaluate_eth80, evaluate_collection, evaluate_meshes,
        evaluate_procedural, evaluate_recolour,
    )  # fmt: skip
    for part in (*(() if options.appearance_only else others), evaluate_appearance):
        part(report, options, prepare)
    report["peak_rss_mb"] = peak_rss_mb()
    if options.bench:
        assert options.photos
        # Run in this process only, and after the peak memory was read: the reference needs far more memory.
        files = photos.photo_files(options.photos, options.own_cutout)[: options.bench]
        records = measure(bench.score_bench, prepare, files, "renderers", notebook=options.notebook)
        report["bench"] = bench.summary(records)
        keep(report, "bench", records)
    report["meta"] = meta(options, prepare)
    return report


def evaluate_photos(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate the reconstruction of real photos in their own pictures."""
    if not options.photos:
        return
    files = photos.photo_files(options.photos, options.own_cutout)
    score = partial(photos.score_photo, steps=options.steps, judge=options.judge, pictures=options.sheet)
    notebook = options.notebook.afresh() if options.notebook and options.sheet else options.notebook
    records = measure(score, prepare, files, "photos", options.workers, notebook)
    report["photos"] = photos.summary(records, options.steps)
    report["photo_counts"] = photos.counts(records, options.steps)
    keep(report, "photos", records)


def evaluate_verdict(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate the verdict on bad photos among good ones."""
    if not (options.verdict and options.photos):
        return
    found = verdicts.judged_photos(options.photos, options.own_cutout)
    records = measure(verdicts.score_verdict, prepare, found, "verdict", options.workers, options.notebook)
    report["verdict"] = verdicts.summary(records)
    keep(report, "verdict", records)


def evaluate_eth80(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate the toy cars: rotation, which poses bootstrapping would keep, other views."""
    if not options.eth80:
        return
    found = eth80.views(options.eth80)
    records = measure(eth80.score_view, prepare, found, "ETH-80", options.workers, options.notebook)
    report["eth80"] = eth80.summary(records)
    keep(report, "eth80", records)
    if options.eth80_kept:
        records = measure(
            eth80_kept.score_kept, prepare, found, "ETH-80, kept", options.workers, options.notebook
        )
        report["eth80_kept"] = eth80_kept.summary(records)
        keep(report, "eth80_kept", records)
    if options.eth80_novel:
        score = partial(eth80_views.score_input, folder=options.eth80, steps=options.steps)
        found = eth80_views.inputs(options.eth80)
        records = measure(score, prepare, found, "ETH-80, other views", options.workers, options.notebook)
        report["eth80_novel"] = eth80_views.summary(records, options.steps)
        keep(report, "eth80_novel", records)


def evaluate_collection(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate a collection of photos: front or back, and random samples against them."""
    if options.fronts:
        assert options.collection
        found = fronts.labelled_photos(options.collection, options.fronts)
        records = measure(fronts.score_front, prepare, found, "fronts", options.workers, options.notebook)
        report["fronts"] = fronts.summary(records)
        keep(report, "fronts", records)
    if options.realism:
        assert options.collection and options.poses
        report["realism"] = realism.score_realism(
            prepare(), options.collection, options.poses, options.judge, options.samples
        )


def evaluate_meshes(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate unseen shapes, together and each."""
    if not options.meshes:
        return
    score = partial(meshes.score_mesh, root=options.meshes, steps=options.steps)
    found = meshes.subjects(meshes.files_of(options.meshes, CATEGORIES[options.category].kind))
    records = measure(score, prepare, found, "meshes", options.workers, options.notebook)
    report["meshes"] = novel_views.summary(records, options.steps)
    report["per_mesh"] = meshes.per_mesh(records, options.steps)
    keep(report, "meshes", records)


def evaluate_procedural(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate novel views of procedural objects."""
    if not options.procedural:
        return
    score = partial(procedural.score_subject, steps=options.steps)
    records = measure(
        score, prepare, subjects(options, options.procedural), "procedural", options.workers, options.notebook
    )
    report["procedural"] = novel_views.summary(records, options.steps)
    keep(report, "procedural", records)


def evaluate_recolour(report: Record, options: Options, prepare: Prepare) -> None:
    """Evaluate what recolouring the body paint changes."""
    if not options.recolour:
        return
    score = partial(recolour.score_recolour, steps=RECOLOUR_STEPS)
    records = measure(
        score, prepare, subjects(options, options.recolour), "recolour", options.workers, options.notebook
    )
    report["recolour"] = recolour.summary(records)
    keep(report, "recolour", records)


def subjects(options: Options, count: int) -> list[procedural.ProceduralSubject]:
    return [procedural.ProceduralSubject(options.category, number) for number in range(count)]


def circumstances(options: Options, prepare: Prepare) -> Record:
    """Return the conditions that must be equal for items of two runs to appear in one report."""
    return {
        "category": options.category,
        "steps": list(options.steps),
        "own_cutout": options.own_cutout,
        "weights": prepare().weights_hash,
        "loss": prepare().loss_backend,
        "judge": hashlib.sha256(options.judge.read_bytes()).hexdigest() if options.judge.is_file() else "",
        "judge_network": "" if why_no_judge() else NAME,
    }


def meta(options: Options, prepare: Prepare) -> Record:
    """Return the conditions needed to compare these numbers with others."""
    reconstructor = prepare()
    return {
        **circumstances(options, prepare),
        "feature_distance": photos.judged_by(options.judge, reconstructor.device).name,
        "device": str(reconstructor.device),
        "threads": torch.get_num_threads(),
        "workers": options.workers,
        "machine": platform.machine(),
        "versions": versions(),
    }

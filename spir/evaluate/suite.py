"""§4 and §5: which evaluations to run, on what, and everything that they found in one dictionary."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch

from spir.evaluate import bench, eth80, photos, procedural, recolour
from spir.evaluate.items import Prepare, Record, failures, measure, peak_rss_mb
from spir.outputs.record import versions
from spir.pipeline import Reconstructor
from spir.weights import WEIGHTS

RECOLOUR_STEPS = 10


@dataclass(frozen=True)
class Options:
    """What to evaluate; an absent folder and a count of 0 leave an evaluation out."""

    category: str
    steps: tuple[int, ...] = (0, 10, 30)
    """Any N, all of them looks at one run."""
    photos: Path | None = None
    own_cutout: bool = False
    eth80: Path | None = None
    procedural: int = 0
    recolour: int = 0
    bench: int = 0
    """Photos, of the folder's first."""
    sheet: bool = False
    """Also make the pictures of the contact sheet."""
    device: str = "auto"
    weights: Path = WEIGHTS
    workers: int = 1


@cache
def load(category: str, device: str, weights: Path) -> Reconstructor:
    """One set of networks for all evaluations of a process."""
    return Reconstructor.load(category, device, weights)


def evaluate(options: Options) -> Record:
    """Run everything asked for. The report is that of `--json`, and "pictures" lies in the photos' items."""
    prepare = partial(load, options.category, options.device, options.weights)
    report: Record = {"photos": {}, "eth80": {}, "procedural": {}, "items": {}, "failures": {}}
    if options.photos:
        evaluate_photos(report, options, prepare)
    if options.eth80:
        found = eth80.views(options.eth80)
        records = measure(eth80.score_view, prepare, found, "ETH-80", options.workers)
        report["eth80"] = eth80.summary(records)
        keep(report, "eth80", records)
    if options.procedural:
        score = partial(procedural.score_subject, steps=options.steps)
        records = measure(
            score, prepare, subjects(options, options.procedural), "procedural", options.workers
        )
        report["procedural"] = procedural.summary(records, options.steps)
        keep(report, "procedural", records)
    if options.recolour:
        score = partial(recolour.score_recolour, steps=RECOLOUR_STEPS)
        records = measure(score, prepare, subjects(options, options.recolour), "recolour", options.workers)
        report["recolour"] = recolour.summary(records)
        keep(report, "recolour", records)
    report["peak_rss_mb"] = peak_rss_mb()
    if options.bench:
        # Alone, whatever the workers, and after the peak was read: the reference needs far more memory.
        files = photos.photo_files(options.photos, options.own_cutout)[: options.bench]
        records = measure(bench.score_bench, prepare, files, "renderers")
        report["bench"] = bench.summary(records)
        keep(report, "bench", records)
    report["meta"] = meta(options, prepare)
    return report


def evaluate_photos(report: Record, options: Options, prepare: Prepare) -> None:
    """The photos' part of the report."""
    files = photos.photo_files(options.photos, options.own_cutout)
    score = partial(photos.score_photo, steps=options.steps, pictures=options.sheet)
    records = measure(score, prepare, files, "photos", options.workers)
    report["photos"] = photos.summary(records, options.steps)
    report["photo_counts"] = photos.counts(records, options.steps)
    keep(report, "photos", records)


def subjects(options: Options, count: int) -> list[procedural.Subject]:
    return [procedural.Subject(options.category, number) for number in range(count)]


def keep(report: Record, part: str, records: Sequence[Record]) -> None:
    """Put the single items, and the names of those that failed, beside the summary."""
    report["items"][part] = records
    report["failures"][part] = failures(records)


def meta(options: Options, prepare: Prepare) -> Record:
    """What one must know to compare these numbers with others."""
    reconstructor = prepare()
    return {
        "category": options.category,
        "steps": list(options.steps),
        "own_cutout": options.own_cutout,
        "weights": reconstructor.weights_hash,
        "feature_distance": reconstructor.loss_backend,
        "device": str(reconstructor.device),
        "threads": torch.get_num_threads(),
        "workers": options.workers,
        "machine": platform.machine(),
        "versions": versions(),
    }

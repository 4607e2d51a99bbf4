"""Does the verdict tell bad results from good ones? It is measured on photos of cars and eight that cannot become any.

The numbers of `spir.session.verdict.CRITERIA` were chosen on 40 photos of the training collection, spread evenly,
16 procedural scenes, photos of chairs and birds, other half cars, cars on their roofs and scenes without a car;
the 24 cars and 8 bad photos of `--verdict` had no part in it.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from spir.evaluate.benchmarks.bad_photos import CARS_NEEDED, BadPhoto, bad_photos
from spir.evaluate.benchmarks.photos import PhotoFile, load, photo_files
from spir.evaluate.items import Record, finished
from spir.evaluate.reports.tables import number, table
from spir.evaluate.runs import run
from spir.photo import read_mask, read_photo
from spir.pipeline import Reconstructor
from spir.session.verdict import compute_verdict
from spir.types import Fit

STEPS = 10
LEVELS = ("good", "fair", "poor")


def judged_photos(folder: Path, own_cutout: bool = False) -> list[PhotoFile | BadPhoto]:
    """Return the folder's photos, taken as good, and eight bad ones made of the first three that have masks.

    Raises FileNotFoundError where there is no photo, ValueError where fewer than three have masks."""
    masked = [(file.picture, file.mask) for file in photo_files(folder) if file.mask][:CARS_NEEDED]
    photos = [(read_photo(picture), mask) for picture, mask in masked]
    cars = [(photo, read_mask(mask, photo)) for photo, mask in photos]
    return [*photo_files(folder, own_cutout), *bad_photos(cars)]


def score_verdict(reconstructor: Reconstructor, item: PhotoFile | BadPhoto) -> Record:
    """Return the verdict on the photo's fit after ten steps, as run.json has it."""
    bad = isinstance(item, BadPhoto)
    photo, cutout = (
        (item.photo, reconstructor.cut(item.photo, item.mask)) if bad else load(reconstructor, item)[:2]
    )
    done = run(reconstructor, cutout, (0, STEPS))
    last = done.steps[STEPS]
    fit = Fit(reconstructor.category.name, last.code, last.pose, (done.steps[0], last))
    height, width = photo.rgb.shape[:2]
    seen = reconstructor.render(fit, cutout.mask.shape[1])
    verdict = compute_verdict(cutout, done.guess, fit, (height, width), reconstructor.category, seen)
    return {"bad": bad, **verdict.record()}


def roc_area(bad: Sequence[float], good: Sequence[float]) -> float | None:
    """Return the probability that a bad item has a higher number than a good one, in [0, 1]; ties count half.

    Returns None where one of the two groups is empty."""
    if not bad or not good:
        return None
    bads, goods = torch.tensor(bad).double()[:, None], torch.tensor(good).double()
    return ((bads > goods).double() + (bads == goods).double() / 2).mean().item()


def summary(records: Sequence[Record]) -> Record:
    """Return the area under the ROC curve of "bad" by 1 - score, and how many good and bad items got each level."""
    done = finished(records)
    if not done:
        return {}
    kinds = {"photos": [r for r in done if not r["bad"]], "bad": [r for r in done if r["bad"]]}
    scores = {name: [1 - record["score"] for record in some] for name, some in kinds.items()}
    counts = {
        name: {level: sum(r["level"] == level for r in some) for level in LEVELS}
        for name, some in kinds.items()
    }
    return {"roc_area": roc_area(scores["bad"], scores["photos"]), **counts}


def verdict_part(report: Record) -> str:
    """Tabulate all items, the worst first."""
    result = report.get("verdict")
    if not result:
        return ""
    note = (
        f'N = {STEPS}; bad photos made by `spir.evaluate.benchmarks.bad_photos`. Area under the ROC curve of "bad" by '
        f"1 - score: {number(result['roc_area'], 3)}."
    )
    counts = [(name, *(result[name][level] for level in LEVELS)) for name in ("photos", "bad")]
    rows = [
        (
            r["name"],
            "bad" if r["bad"] else "",
            number(r["score"]),
            r["level"],
            ", ".join(r["reasons"]),
            r["action"],
        )
        for r in sorted(finished(report["items"]["verdict"]), key=lambda r: r["score"])
    ]
    head = ("item", "made bad", "score", "level", "reasons", "action")
    return "\n\n".join(("## Verdict", note, table(("", *LEVELS), counts), table(head, rows)))

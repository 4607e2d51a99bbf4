"""§4, the metrics in the form of the paper's two tables, beside the paper's own numbers where they are known."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from spir.evaluate.items import Record, failures, finished
from spir.evaluate.reports.tables import number, table
from spir.metrics.fid import frechet_distance, statistics

PAPER = {
    "shapenet_cars": {"novel_psnr": 19.55, "rotation_deg": 10.84},
    "shapenet_chairs": {"novel_psnr": 19.36, "rotation_deg": 7.29},
    "carla": {"rotation_deg": 1.08, "fid_front": 5.97},
}
"""The paper's reported numbers for its slow hybrid inversion, taken from public listings; which of CARLA's distances is
meant is not certain. A missing cell is a number that we have not read."""
INPUTS = ("fid_front", "fid_random", "iou", "psnr", "ssim", "distance")
OTHER_VIEWS = ("novel_psnr", "novel_ssim", "novel_distance", "rotation_deg")
HEADS = {
    "fid_front": "FID, input view",
    "fid_random": "FID, random view",
    "iou": "IoU",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "distance": "perceptual distance",
    "novel_psnr": "novel PSNR",
    "novel_ssim": "novel SSIM",
    "novel_distance": "novel perceptual distance",
    "rotation_deg": "rotation error, mean deg",
}
DIGITS = {"psnr": 2, "novel_psnr": 2, "fid_front": 2, "fid_random": 2, "rotation_deg": 2}


def summary(records: Sequence[Record], features: dict[str, Tensor], steps: Sequence[int]) -> Record:
    """Return the means over the pictures and the Fréchet distances, after every N."""
    done = finished(records)
    result: Record = {
        "pictures": len(records),
        "finished": len(done),
        "failures": failures(records),
        "steps": {},
    }
    for count in map(str, steps):
        rows = [record[count] for record in done]
        names = sorted(set().union(*rows)) if rows else []
        means = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
        for view in ("front", "random"):
            seen = features.get(f"{count}/{view}")
            if seen is not None and len(seen) > 1:
                means[f"fid_{view}"] = frechet_distance(statistics(seen), statistics(features["true"]))
        result["steps"][count] = means
    return result


def markdown(report: Record) -> str:
    """Return both tables, an explanation, and the failures."""
    about, paper = report["settings"], PAPER.get(report["settings"]["category"], {})
    steps = report["steps"]
    text = [
        f"# {about['category']} on {about['data']} ({about['split']}), protocol {about['protocol']}"
        + (", as published" if about["as_published"] else ""),
        f"{report['finished']} of {report['pictures']} pictures. Distance: {about['distance']}; "
        f"Fréchet distance: {about['features']}; comparable with the paper's only where these are its own "
        "(LPIPS, Inception), and the weights too.",
    ]
    for title, names in (
        ("## The pictures that went in", INPUTS),
        ("## Pose, and views of the same object", OTHER_VIEWS),
    ):
        there = [name for name in names if any(name in row for row in steps.values())]
        if there:
            rows = [(f"N = {count}", *(cell(row, name) for name in there)) for count, row in steps.items()]
            rows.append(("the paper", *(cell(paper, name) for name in there)))
            text += [title, table(("", *(HEADS[name] for name in there)), rows)]
    seconds = ", ".join(f"{number(row['seconds'])} (N = {count})" for count, row in steps.items() if row)
    text.append(f"Seconds a picture: {seconds}. Weights `{about['weights'][:16]}`.")
    if report["failures"]:
        text += ["## Failures", table(("picture", "reason"), list(report["failures"].items()))]
    return "\n\n".join(text) + "\n"


def cell(row: Record, name: str) -> str:
    return number(row[name], DIGITS.get(name, 3)) if name in row else ""

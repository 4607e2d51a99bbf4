"""§4 and §5, the tables: writes the report as JSON for programs and as Markdown for people."""

import json

from spir.evaluate.appearance.report import appearance_part
from spir.evaluate.benchmarks.verdicts import verdict_part
from spir.evaluate.judge import HOW_TO_GET_IT, JudgeFeatures
from spir.evaluate.notebook import Record, plain
from spir.evaluate.reports.novel_views import meshes_part, procedural_part
from spir.evaluate.reports.tables import number, percent, table


def to_json(report: Record) -> str:
    """Return the report as JSON without pictures; numbers that JSON cannot represent become null."""
    return json.dumps(plain(report), indent=1)


def markdown(report: Record) -> str:
    """Return every part that was run, as tables."""
    parts = (
        photos_part, verdict_part, eth80_part, eth80_kept_part, eth80_novel_part, fronts_part, meshes_part, realism_part,
        procedural_part, recolour_part, appearance_part, bench_part, failures_part, meta_part,
    )  # fmt: skip
    return "\n\n".join(text for text in (part(report) for part in parts) if text) + "\n"


def photos_part(report: Record) -> str:
    """Tabulate photos at each N (mean and median), then each photo at the last N."""
    if "photo_counts" not in report:
        return ""
    counts = report["photo_counts"]
    first, last = counts["loss_fell_between"]
    text = [
        "## Photos",
        f"{counts['finished']} of {counts['photos']} finished; pose solved on {counts['pose_solved']}; "
        f"loss fell from N = {first} to {last} on {counts['loss_fell']}.",
    ]
    if not report["photos"]:
        return "\n\n".join(text)
    rows = [
        (
            count,
            *pair(row, "iou", 3),
            *pair(row, "judge", 3),
            number(row["sharpness"]),
            *pair(row, "psnr", 2),
            number(row["ssim"], 3),
            *pair(row, "feature_distance", 4),
            number(row["seconds"]),
            number(row["iou_in_photo"], 3) if "iou_in_photo" in row else "",
        )
        for count, row in report["photos"].items()
    ]
    distance = report["meta"]["feature_distance"]
    head = (
        "N",
        "IoU",
        "median",
        "judge's distance",
        "median",
        "sharpness",
        "PSNR in mask, dB",
        "median",
        "SSIM",
        f"distance ({distance})",
        "median",
        "s, median",
        "IoU in the photo with the given mask",
    )
    text.append(table(head, rows))
    counts_run = list(report["photos"])
    final = counts_run[-1]
    head = (
        "photo",
        *(f"IoU {count}" for count in counts_run),
        f"judge {final}",
        f"PSNR {final}",
        "s",
        "pose",
    )
    rows = [
        (
            record["name"],
            *(number(record[count]["iou"], 3) for count in counts_run),
            number(record[final]["judge"], 3),
            number(record[final]["psnr"]),
            number(record[final]["seconds"]),
            record["outcome"],
        )
        for record in report["items"]["photos"]
        if "error" not in record
    ]
    text.append(table(head, rows))
    return "\n\n".join(text)


def pair(row: Record, name: str, digits: int) -> tuple[str, str]:
    return number(row[name], digits), number(row[f"{name}_median"], digits)


def eth80_part(report: Record) -> str:
    """Tabulate the rotation error, for all cars and for each."""
    result = report["eth80"]
    if not result:
        return ""
    rows = [("all", result), *result["per_car"].items()]
    head = ("car", "rotation error, median deg", "at most 30 deg", "flips (azimuth over 135 deg)")
    cells = [
        (name, number(row["median_deg"], 1), percent(row["under_30"]), percent(row["flips"]))
        for name, row in rows
    ]
    note = (
        f"N = 0, {result['finished']} of {result['views']} views finished; the view from straight above "
        "(PPP = 000, one a car) is left out. True roll is 0; no rotation is fitted."
    )
    return "\n\n".join(("## ETH-80 toy cars", note, table(head, cells)))


def eth80_kept_part(report: Record) -> str:
    """Tabulate the bootstrapped poses of the toys."""
    result = report.get("eth80_kept")
    if not result:
        return ""
    rows = [(name, percent(row["kept"]), percent(row["right"])) for name, row in result.items()]
    head = ("", "kept", "of these within 30 deg")
    return "\n\n".join(("## ETH-80, bootstrapped poses", table(head, rows)))


def eth80_novel_part(report: Record) -> str:
    """Tabulate the silhouettes of fits against the toys' other photos."""
    result = report.get("eth80_novel")
    if not result:
        return ""
    rows = [(f"all, N = {count}", number(value, 3)) for count, value in result["iou"].items()]
    rows += [(f"car {car}", number(value, 3)) for car, value in result["per_car"].items()]
    note = (
        f"{result['inputs']} photos in, the 39 or 40 other photos of the same toy out; pose, size and place "
        "aligned, so that shape alone counts."
    )
    return "\n\n".join(("## ETH-80, other views of the toy", note, table(("", "mean IoU"), rows)))


def fronts_part(report: Record) -> str:
    """Tabulate front or back on real photos."""
    result = report.get("fronts")
    if not result:
        return ""
    rows = [("all", percent(result["right"])), *((k, percent(v)) for k, v in result["per_side"].items())]
    note = f"N = 0, {result['photos']} photos; the side to which the front points was written down by eye."
    return "\n\n".join(("## Fronts", note, table(("front points", "found there"), rows)))


def realism_part(report: Record) -> str:
    """Tabulate random samples against photos."""
    result = report.get("realism")
    if not result:
        return ""
    note = (
        f"{result['samples']} random objects from {result['poses']} bootstrapped cameras, against "
        f"{result['photos']} photos kept out of training."
    )
    rows = [(result["name"], number(result["distance"])), (JudgeFeatures.name, number(result["judge_fid"]))]
    return "\n\n".join(("## Random samples", note, table(("", "Fréchet distance"), rows)))


def recolour_part(report: Record) -> str:
    """Tabulate what recolouring the body paint changes."""
    result = report.get("recolour")
    if not result:
        return ""
    names = {
        "paint": "body paint (its share of the true colour is the largest)",
        "others": "others (less than a tenth of the true colour is body paint)",
        "rest": "all that is not mostly body paint, mixtures with shade and sky included",
        "rest_true": "the same pixels, if the true object is recoloured",
    }
    rows = [(text, percent(result[name])) for name, text in names.items()]
    note = f'Palette entry "body paint" to a contrasting colour after N = 10, {result["objects"]} objects.'
    return "\n\n".join(("## Recolouring", note, table(("pixels", "changed by more than 0.1"), rows)))


def bench_part(report: Record) -> str:
    """Tabulate the fast against the reference renderer."""
    result = report.get("bench")
    if not result:
        return ""
    rows = [
        (name, number(row["seconds"], 3), number(row["processor_seconds"], 3), number(row["iou"], 3))
        for name, row in ((name, result[name]) for name in ("fast", "reference"))
    ]
    head = ("renderer", "s a step, median", "processor s a step, least", "final IoU")
    note = (
        f"The reference is {number(result['ratio'], 1)} times slower a step "
        f"({number(result['processor_ratio'], 1)} times in processor time); "
        f"final IoU fast - reference: mean {number(result['iou_difference'], 4)}, "
        f"worst {number(result['iou_difference_worst'], 4)}."
    )
    return "\n\n".join(("## Fast and reference renderer", table(head, rows), note))


def failures_part(report: Record) -> str:
    """List everything that failed, by name."""
    rows = [
        (part, name, reason.replace("|", "\\|").replace("\n", " "))
        for part, failed in report["failures"].items()
        for name, reason in failed.items()
    ]
    return "## Failures\n\n" + table(("part", "item", "reason"), rows) if rows else ""


def meta_part(report: Record) -> str:
    """List the conditions of the measurement."""
    about = report["meta"]
    return "\n".join(
        (
            "## About this run",
            "",
            f"* category {about['category']}, weights `{about['weights'][:16]}`",
            f"* {about['device']}, {about['threads']} threads, {about['workers']} worker(s), "
            f"{about['machine']}, torch {about['versions']['torch']}",
            f"* judge: {about['judge_network'] or f'not installed ({HOW_TO_GET_IT})'}",
            f"* feature distance: {about['feature_distance']}, by weights `{about['judge'][:16]}`",
            f"* cut-out: {'the app' if about['own_cutout'] else 'masks of the folder where there are any'}",
            f"* peak memory {number(report['peak_rss_mb'], 0)} MB (without the reference renderer)",
        )
    )

"""§4, novel views with a known truth: the tables of meshes and of procedural objects."""

from spir.evaluate.items import Record
from spir.evaluate.reports.tables import number, percent, table
from spir.evaluate.scores import BY_BAND

NOVEL_HEAD = (
    "judge's distance",
    "novel view PSNR, dB",
    "SSIM",
    "novel IoU",
    "rotation error, median deg",
    "flips",
    "IoU",
    "s, median",
)


def novel_cells(row: Record) -> tuple[str, ...]:
    """Return one row of `novel_views.summary`, in the order of `NOVEL_HEAD`."""
    return (
        number(row["judge"], 3),
        number(row["psnr"]),
        number(row["ssim"], 3),
        number(row["novel_iou"], 3),
        number(row["median_deg"], 1),
        percent(row["flips"]),
        number(row["iou"], 3),
        number(row["seconds"]),
    )


def meshes_part(report: Record) -> str:
    """Tabulate novel views of meshes at each N, also by angle, then each mesh at the last N."""
    if not report.get("meshes"):
        return ""
    last = list(report["meshes"])[-1]
    note = (
        f"{len(report['items']['meshes'])} photos of cars that others modelled, in random paint and light; one "
        "picture in, pose estimated, 24 views around out from their true cameras, 128 pixels, grey background."
    )
    return "\n\n".join(
        (
            "## Unseen shapes",
            note,
            table(("N", *NOVEL_HEAD), [(n, *novel_cells(row)) for n, row in report["meshes"].items()]),
            angle_table(report["meshes"]),
            table(
                (f"mesh, N = {last}", *NOVEL_HEAD),
                [(name, *novel_cells(row[last])) for name, row in report["per_mesh"].items()],
            ),
        )
    )


def angle_table(summary: Record) -> str:
    """Tabulate a summary of novel views by the angle between the photo's direction of view and theirs, at each N."""
    titles = {"judge": ("judge's distance", 3), "psnr": ("PSNR, dB", 2)}
    columns = [(name, band) for name in titles for band in BY_BAND]
    head = ("N; degrees from the photo", *(f"{titles[name][0]}, {band}" for name, band in columns))
    rows = [
        (n, *(number(row["by_angle"][name][band], titles[name][1]) for name, band in columns))
        for n, row in summary.items()
    ]
    return table(head, rows)


def procedural_part(report: Record) -> str:
    """Tabulate novel views of procedural objects at each N."""
    if not report["procedural"]:
        return ""
    rows = [(count, *novel_cells(row)) for count, row in report["procedural"].items()]
    note = (
        f"{len(report['items']['procedural'])} objects never trained on; one picture in, pose estimated, "
        "another view out from its true camera, 128 pixels, grey background."
    )
    return "\n\n".join(("## Procedural objects", note, table(("N", *NOVEL_HEAD), rows)))

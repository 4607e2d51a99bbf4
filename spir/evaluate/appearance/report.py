"""Writes the tables of textured objects."""

from spir.evaluate.appearance.meshes import PHOTO_SIZE, TARGET_SIZE
from spir.evaluate.appearance.scores import LOOKS
from spir.evaluate.items import Record, finished
from spir.evaluate.reports.tables import number, percent, table
from spir.evaluate.scores import BY_BAND

TITLES = {"textured": "textured", "rendering": "volume rendering, 128 px, enlarged"}


def appearance_part(report: Record) -> str:
    """Return the tables of every part of the evaluation that was run."""
    if not report.get("appearance"):
        return ""
    parts = (photos_table(report), meshes_table(report), eth80_table(report), recolour_table(report))
    return "\n\n".join(("## Textured objects", *(text for text in parts if text)))


def photos_table(report: Record) -> str:
    """Tabulate photos from their own cameras."""
    result = report["appearance"].get("photos")
    if not result:
        return ""
    rows = [
        (TITLES[look], number(result[f"{start}psnr"]), number(result[f"{start}sharpness"]))
        for look, start in LOOKS.items()
    ]
    note = (
        f"{len(report['items']['appearance_photos'])} photos against their own crops of 256 px, inside the mask, N = 10; "
        "sharpness: brightness from pixel to pixel, relative to the photo's."
    )
    return "\n\n".join(("### In their own photos", note, table(("", "PSNR in mask, dB", "sharpness"), rows)))


def meshes_table(report: Record) -> str:
    """Tabulate unseen shapes, over all views and per band."""
    result = report["appearance"].get("meshes")
    if not result:
        return ""
    head = ("", "PSNR, dB", "SSIM", *(f"distance {band}" for band in BY_BAND), "sharpness")
    rows = [
        (
            TITLES[look],
            number(result[f"{start}psnr"]),
            number(result[f"{start}ssim"], 3),
            *(number(result[f"{start}distance"][band], 3) for band in BY_BAND),
            number(result[f"{start}sharpness"]),
        )
        for look, start in LOOKS.items()
    ]
    records = report["items"]["appearance_meshes"]
    views = len(finished(records)[0]["angle_deg"])
    note = (
        f"{len(records)} meshes, one photo of {PHOTO_SIZE} px in, {views} views of {TARGET_SIZE} px out from their true "
        "cameras, pose estimated, N = 10. Distance: of EfficientNet-Lite2's features within the silhouettes, by degrees "
        "from the photo's direction; sharpness: relative to the truth."
    )
    return "\n\n".join(("### Unseen shapes", note, table(head, rows)))


def eth80_table(report: Record) -> str:
    """Tabulate toys against their other photos."""
    result = report["appearance"].get("eth80")
    if not result:
        return ""
    rows = [
        (TITLES[look], number(result[f"{start}distance"], 3), number(result[f"{start}sharpness"]))
        for look, start in LOOKS.items()
    ]
    note = (
        f"{len(report['items']['appearance_eth80'])} photos of toys in, up to seven others of each out, 192 px; pose, size "
        "and place aligned."
    )
    return "\n\n".join(
        ("### ETH-80, other photos of the toy", note, table(("", "distance", "sharpness"), rows))
    )


def recolour_table(report: Record) -> str:
    """Tabulate what another paint changes."""
    result = report["appearance"].get("recolour")
    if not result:
        return ""
    rows = [
        (name, percent(shares["paint"]), percent(shares["others"]))
        for name, shares in result.items()
        if shares
    ]
    note = (
        'Palette entry "body paint" to a clearly different colour, in the photo\'s own view: pixels that change by more '
        "than 0.1. Others: glass, tyres and lamps; pixels on a border between parts are left out."
    )
    return "\n\n".join(("### Recolouring with detail", note, table(("", "paint", "others"), rows)))

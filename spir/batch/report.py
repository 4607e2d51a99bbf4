"""Write the report on a folder of results: `index.html`, which needs only the folder, and `table.csv`.

Both cover everything in the store, so they include every run that wrote there. File names are untrusted.
"""

import csv
from collections.abc import Sequence
from html import escape
from io import StringIO
from statistics import median
from string import Template
from urllib.parse import quote

from spir.batch.process import OVERVIEW, OVERVIEW_SHOWS
from spir.batch.rows import Row, number
from spir.batch.store import DONE, Record, Store

PER_PAGE = 500
COLUMNS = (
    *("photo", "folder", "iou", "psnr_db", "loss", "seconds", "pose", "verdict", "reasons", "steps"),
    *("azimuth_deg", "elevation_deg", "segmenter", "device", "weights", "remark", "failure"),
)
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>spir: $count photos</title><style>
:root { color-scheme: light dark; --ink: #1f2937; --paper: #fff; --soft: #4b5563; --line: #d1d5db; --link: #3730a3 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e5e7eb; --paper: #111827; --soft: #9ca3af; --line: #374151; --link: #a5b4fc } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  padding: 16px; max-width: 1700px }
a { color: var(--link) } h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); gap: 14px }
article { border: 1px solid var(--line); border-radius: 8px; padding: 12px }
img { width: 100%; height: auto; aspect-ratio: 796 / 136; border-radius: 4px; margin: 8px 0 }
p { margin: 4px 0; overflow-wrap: anywhere } small, .soft { color: var(--soft) } nav a { margin-right: 10px }
.failures { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 14px 0 }
</style></head><body>
<h1>$count photos</h1>
<p>$told. <a href="table.csv">All numbers as a table</a></p>
<p class="soft">From left to right: $shows.</p>
$failures<nav aria-label="Pages">$pages</nav>
<main>
$cards
</main></body></html>
""")


def write_report(store: Store) -> None:
    """Write the pages and the table anew from everything in the store."""
    found = list(read_results(store))
    store.write("table.csv", csv_table(found).encode())
    pages = max(1, -(-len(found) // PER_PAGE))
    for page in range(pages):
        store.write(page_name(page), html_page(found, page, pages).encode())


def read_results(store: Store) -> list[tuple[Row, Record]]:
    """Return the row and the record of every photo that is done or failed, sorted by folder; records of
    another form are skipped."""
    found = []
    for folder, record in store.records():
        try:
            found.append((Row.of(folder, record), record))
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    return found


def page_name(page: int) -> str:
    return f"index-{page + 1}.html" if page else "index.html"


def csv_table(found: Sequence[tuple[Row, Record]]) -> str:
    """Return the CSV with one line per photo under `COLUMNS`; unknown values are empty."""
    text = StringIO()
    lines = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    lines.writeheader()
    for row, record in found:
        told = {"photo": row.name, "folder": row.folder, "failure": row.failure}
        if not row.failure:
            told |= {**record, **record["pose"], **vars(row), "pose": row.pose, "psnr_db": row.psnr}
            told |= {"photo": row.name, "reasons": " ".join(reasons(record))}
        lines.writerow(told)
    return text.getvalue()


def reasons(record: Record) -> list[str]:
    return record["notes"]["verdict"]["reasons"]


def html_page(found: Sequence[tuple[Row, Record]], page: int, pages: int) -> str:
    """Return one of the HTML pages; all failures are on the first."""
    good = [(row, record) for row, record in found if not row.failure]
    bad = [row for row, _ in found if row.failure]
    ious = [row.iou for row, _ in good if row.iou is not None]
    told = f"{len(good)} done, {len(bad)} failed"
    told += f"; IoU {median(ious):.3f} in the median" if ious else ""
    links = "".join(f'<a href="{page_name(other)}">{other + 1}</a>' for other in range(pages))
    return PAGE.substitute(
        count=len(found),
        told=told,
        shows=", ".join(OVERVIEW_SHOWS),
        failures="" if page else failures(bad),
        pages=links if pages > 1 else "",
        cards="\n".join(card(*pair) for pair in good[page * PER_PAGE : (page + 1) * PER_PAGE]),
    )


def failures(rows: Sequence[Row]) -> str:
    """Return the HTML section of the photos that failed, with the reasons."""
    if not rows:
        return ""
    lines = "".join(f"<p><b>{escape(row.name)}</b> {escape(row.failure)}</p>\n" for row in rows)
    return f'<section class="failures"><h2>Failed</h2>\n{lines}</section>\n'


def card(row: Row, record: Record) -> str:
    """Return the HTML card of one photo that is done."""
    name, steps = escape(row.name), record["steps"]
    first = record["trajectory"][0]["iou"]
    numbers = (
        f"IoU {number(first, 3)} → {number(row.iou, 3)} in {steps} steps, PSNR {number(row.psnr, 1)} dB, "
        f"{number(row.seconds, 1)} s, pose {escape(row.pose)}, cut out by {escape(row.segmenter)}"
    )
    why = ", ".join(reason.replace("_", " ") for reason in reasons(record))
    verdict = escape(f"{row.verdict}: {why}" if why else row.verdict)
    files = " ".join(
        f'<a href="{link(row.folder, file)}">{escape(file)}</a>' for file in [*record["notes"]["files"], DONE]
    )
    remark = f"<p>{escape(row.remark)}</p>" if row.remark else ""
    return (
        f'<article><h2>{name}</h2><img loading="lazy" src="{link(row.folder, OVERVIEW)}" '
        f'alt="{name}: {", ".join(OVERVIEW_SHOWS)}"><p>{numbers}</p><p>Verdict: {verdict}</p>{remark}'
        f"<details><summary>Files</summary><small>{files}</small></details></article>"
    )


def link(folder: str, file: str) -> str:
    """Return a relative URL, quoted so that no name can end the attribute or begin a scheme."""
    return f"{quote(folder, safe='')}/{quote(file, safe='')}"

"""Summarise each photo as a row, from its record in the store, and format the table for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from spir.batch.store import Record


@dataclass(frozen=True)
class Row:
    """A row is the result of one photo; `failure` is empty where it succeeded, and the numbers are None where
    it failed."""

    name: str
    folder: str
    iou: float | None = None
    psnr: float | None = None
    """The PSNR inside the mask, in dB."""
    loss: float | None = None
    seconds: float | None = None
    """The seconds that the fit took, with the first guess and without writing files."""
    pose: str = ""
    segmenter: str = ""
    """Who cut the object out."""
    verdict: str = ""
    remark: str = ""
    """What is missing although the photo succeeded."""
    failure: str = ""
    earlier: bool = False
    """Whether the result is from an earlier run."""

    @classmethod
    def of(cls, folder: str, record: Record, earlier: bool = False) -> "Row":
        """Return the row of a `run.json` or `failed.json` of `spir.batch.process`. Raises KeyError for
        anything else."""
        if "failure" in record:
            return cls(record["photo"], folder, failure=record["failure"], earlier=earlier)
        notes, last = record["notes"], record["trajectory"][-1]
        return cls(
            notes["photo"],
            folder,
            last["iou"],
            last["psnr"],
            last["loss"],
            notes["seconds_with_first_guess"],
            record["pose_outcome"],
            record["segmenter"],
            notes["verdict"]["level"],
            notes["remark"],
            earlier=earlier,
        )


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table(rows: Sequence[Row]) -> str:
    """Return an aligned table with one line per photo."""
    width = max(len("photo"), *(len(row.name) for row in rows))
    poses = max(len("pose"), *(len(row.pose) for row in rows))
    lines = [f"{'photo':{width}}    IoU  PSNR dB    loss  seconds  {'pose':{poses}}  cut out by"]
    for row in rows:
        numbers = f"{number(row.iou, 3):>7}{number(row.psnr, 2):>9}{number(row.loss, 3):>8}"
        told = f"{numbers}{number(row.seconds, 1):>9}  {row.pose:{poses}}  {row.segmenter}"
        told = f"  failed: {row.failure}" if row.failure else told
        lines.append(f"{row.name:{width}}{told}{' (earlier)' if row.earlier else ''}")
    return "\n".join(lines)


def summary(rows: Sequence[Row], seconds: float) -> str:
    """Return the counts, and the new photos that succeeded per hour of the total `seconds`."""
    new = [row for row in rows if not row.earlier]
    failed = sum(bool(row.failure) for row in rows)
    told = f"{len(rows)} photos: {len(new)} new, {len(rows) - len(new)} from earlier, {failed} failed"
    found = [row.iou for row in rows if row.iou is not None]
    told += f"; IoU {median(found):.3f} in the median" if found else ""
    made = sum(not row.failure for row in new)
    if made and seconds > 0:
        told += f"; {3600 * made / seconds:.0f} photos per hour"
    return told

"""Writes items to disk as soon as they are measured, one per line, so that an interrupted evaluation can be resumed."""

import json
import math
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""The result of an item, ready for JSON: "name" always, "error" where it failed."""
ABOUT = "about"
"""Replaces a part's name in the first line, which says under which conditions the items were measured."""


def plain(value: Any) -> Any:
    """Convert to plain values recursively, without pictures and infinities."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items() if key != "pictures"}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


class ResultLog:
    """A file of JSON lines {"part": ..., "record": {...}}, in the order in which items finished."""

    def __init__(self, path: Path, resume: bool = False):
        """With `resume`, existing lines are kept; else the file is overwritten."""
        self.path = path
        self.resume = resume

    def begin(self, about: Record) -> None:
        """Open the file for a run under these conditions.

        Raises ValueError where the existing items come from a run under other conditions."""
        lines = self.lines() if self.resume else []
        for line in lines:
            if line["part"] == ABOUT and line["record"] != plain(about):
                raise ValueError(f"{self.path} is of another evaluation than this one; leave out --resume")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Also mends a last line that an interruption cut short.
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if not lines:
            self.write(ABOUT, about)

    def afresh(self) -> "ResultLog":
        """Return the same file for items that must all be measured, because their pictures are requested."""
        return ResultLog(self.path)

    def known(self, part: str) -> dict[str, Record]:
        """Return the part's items by name, from the earlier run that is resumed; those that failed are measured again."""
        if not self.resume:
            return {}
        records = [line["record"] for line in self.lines() if line["part"] == part]
        return {record["name"]: record for record in records if "error" not in record}

    def write(self, part: str, record: Record) -> None:
        """Append an item, without its pictures."""
        with self.path.open("a") as file:
            file.write(json.dumps({"part": part, "record": plain(record)}) + "\n")

    def lines(self) -> list[Record]:
        """Return the existing lines, without an incomplete last one."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found

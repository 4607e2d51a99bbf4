"""Items on disk as soon as they are measured, a line each, so that an interrupted evaluation can go on."""

import json
import math
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""What is known of an item, ready for JSON: "name" always, "error" where it failed."""
ABOUT = "about"
"""Instead of a part's name in the first line, which says what the items were measured with."""


def plain(value: Any) -> Any:
    """Dictionaries and lists all the way down; no pictures, no infinities."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items() if key != "pictures"}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


class Notebook:
    """A file of lines {"part": ..., "record": {...}}, in the order in which items finished."""

    def __init__(self, path: Path, resume: bool = False):
        """`resume`: what is there counts; else it is overwritten."""
        self.path = path
        self.resume = resume

    def begin(self, about: Record) -> None:
        """Open the file for a run with these circumstances.

        Raises ValueError where the items that are there come from a run with others."""
        lines = self.lines() if self.resume else []
        for line in lines:
            if line["part"] == ABOUT and line["record"] != plain(about):
                raise ValueError(f"{self.path} is of another evaluation than this one; leave out --resume")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Also mends a last line that an interruption cut short.
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if not lines:
            self.write(ABOUT, about)

    def afresh(self) -> "Notebook":
        """The same file for items that must all be measured, because their pictures are asked for."""
        return Notebook(self.path)

    def known(self, part: str) -> dict[str, Record]:
        """The part's items by name, of an earlier run that this one goes on with; those that failed are tried again."""
        if not self.resume:
            return {}
        records = [line["record"] for line in self.lines() if line["part"] == part]
        return {record["name"]: record for record in records if "error" not in record}

    def write(self, part: str, record: Record) -> None:
        """Add an item, without its pictures."""
        with self.path.open("a") as file:
            file.write(json.dumps({"part": part, "record": plain(record)}) + "\n")

    def lines(self) -> list[Record]:
        """What is there, without a last line that is not whole."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found

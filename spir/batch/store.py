"""Store the results: one folder per photo under a root that is a local folder, `memory://` or any other
fsspec URL.

A folder is complete when it has a readable `run.json`: that file is written last and atomically. A photo that
failed has only `failed.json`.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from spir.outputs.export.plain import EXPORTS
from spir.outputs.export.textured import TEXTURED
from spir.outputs.files import textured_name

DONE, FAILED = "run.json", "failed.json"
STALE_FILES = {
    *(FAILED, "turntable.mp4", "turntable.gif"),
    *(f"mesh.{ending}" for ending in EXPORTS),
    *map(textured_name, TEXTURED),
}
"""The files that an earlier run with other settings may have written and this one need not replace."""
READ_AT_ONCE = 16

Record = dict[str, Any]


def resolve(place: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a path or URL, and the absolute path within it. Only "://" makes a URL."""
    return url_to_fs(place) if "://" in place else (LocalFileSystem(), Path(place).absolute().as_posix())


class Store:
    """The store has the folders of all photos; it is cheap to create, and every process opens its own."""

    def __init__(self, root: str):
        """Open the store at `root`, which need not exist yet. Raises ImportError or ValueError for a URL of
        an unknown kind."""
        self.files, self.root = resolve(root)

    @property
    def local(self) -> bool:
        return isinstance(self.files, LocalFileSystem)

    @property
    def shared(self) -> bool:
        """Whether another process sees the same files."""
        return self.files.protocol != "memory"

    def record(self, folder: str) -> Record | None:
        """Return `run.json` of a photo that is done, `failed.json` of one that failed, otherwise None."""
        return self.read(f"{folder}/{DONE}") or self.read(f"{folder}/{FAILED}")

    def read(self, name: str) -> Record | None:
        """Return a JSON object; None where the file is missing or is not valid JSON."""
        try:
            found = json.loads(self.files.cat_file(f"{self.root}/{name}"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def save(self, folder: str, contents: dict[str, bytes], record: Record) -> None:
        """Fill a photo's folder; the photo is done only once the record, written last, is there."""
        path = f"{self.root}/{folder}"
        self.clear(folder, STALE_FILES - set(contents) | {DONE})
        self.files.makedirs(path, exist_ok=True)
        for name, data in contents.items():
            self.files.pipe_file(f"{path}/{name}", data)
        self.write(f"{folder}/{DONE}", json.dumps(record, indent=1, allow_nan=False).encode())

    def save_failure(self, folder: str, record: Record) -> None:
        """Store why a photo failed; other files in its folder may be those of a half-finished run."""
        self.clear(folder, {DONE})
        self.files.makedirs(f"{self.root}/{folder}", exist_ok=True)
        self.write(f"{folder}/{FAILED}", json.dumps(record, indent=1).encode())

    def clear(self, folder: str, names: set[str]) -> None:
        """Remove these files where they exist, and no others."""
        for name in sorted(names):
            with suppress(FileNotFoundError):
                self.files.rm_file(f"{self.root}/{folder}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically, so that readers see all of it or nothing; buckets do so by themselves."""
        path = f"{self.root}/{name}"
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if self.local:
            Path(f"{path}.part").write_bytes(data)
            os.replace(f"{path}.part", path)
        else:
            self.files.pipe_file(path, data)

    def records(self) -> Iterator[tuple[str, Record]]:
        """Yield (folder, record) of every photo that is done or failed, by name."""
        if not self.files.isdir(self.root):
            return
        self.files.invalidate_cache()
        entries = self.files.ls(self.root, detail=True)
        folders = sorted(
            entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory"
        )
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            for folder, record in zip(folders, pool.map(self.record, folders), strict=True):
                if record is not None:
                    yield folder, record

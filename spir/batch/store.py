"""Where results lie: one folder a photo under a root that is a local folder, `memory://` or any other fsspec URL.

A folder is complete when it has a `run.json` that can be read: that file is written last, and appears whole. A
photo that failed leaves `failed.json` alone.
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
OPTIONAL = {
    *(FAILED, "turntable.mp4", "turntable.gif"),
    *(f"mesh.{ending}" for ending in EXPORTS),
    *map(textured_name, TEXTURED),
}
"""What an earlier run with other settings may have left behind and this one need not write again."""
READ_AT_ONCE = 16

Record = dict[str, Any]


def located(place: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a path or URL, and the path within it, absolute. Only "://" makes a URL."""
    return url_to_fs(place) if "://" in place else (LocalFileSystem(), Path(place).absolute().as_posix())


class Store:
    """The folders of all photos; as cheap as its root, and every process opens its own."""

    def __init__(self, root: str):
        """`root` may be there or not. Raises ImportError or ValueError for a URL of an unknown kind."""
        self.files, self.root = located(root)

    @property
    def local(self) -> bool:
        return isinstance(self.files, LocalFileSystem)

    @property
    def shared(self) -> bool:
        """Whether another process sees the same files."""
        return self.files.protocol != "memory"

    def known(self, folder: str) -> Record | None:
        """`run.json` of a photo that is done, `failed.json` of one that failed, else nothing."""
        return self.read(f"{folder}/{DONE}") or self.read(f"{folder}/{FAILED}")

    def read(self, name: str) -> Record | None:
        """A JSON object, or nothing where there is none, whole and readable."""
        try:
            found = json.loads(self.files.cat_file(f"{self.root}/{name}"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, folder: str, contents: dict[str, bytes], record: Record) -> None:
        """Fill a photo's folder; it is not done until the record, written last, is there."""
        path = f"{self.root}/{folder}"
        self.clear(folder, OPTIONAL - set(contents) | {DONE})
        self.files.makedirs(path, exist_ok=True)
        for name, data in contents.items():
            self.files.pipe_file(f"{path}/{name}", data)
        self.write(f"{folder}/{DONE}", json.dumps(record, indent=1, allow_nan=False).encode())

    def fail(self, folder: str, record: Record) -> None:
        """Only the reason stays in the folder of a photo that failed; other files in it are half a run."""
        self.clear(folder, {DONE})
        self.files.makedirs(f"{self.root}/{folder}", exist_ok=True)
        self.write(f"{folder}/{FAILED}", json.dumps(record, indent=1).encode())

    def clear(self, folder: str, names: set[str]) -> None:
        """Remove these files where they are there; never anything that is not ours."""
        for name in sorted(names):
            with suppress(FileNotFoundError):
                self.files.rm_file(f"{self.root}/{folder}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """A file that is there whole or not at all, as objects in a bucket are anyway."""
        path = f"{self.root}/{name}"
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if self.local:
            Path(f"{path}.part").write_bytes(data)
            os.replace(f"{path}.part", path)
        else:
            self.files.pipe_file(path, data)

    def records(self) -> Iterator[tuple[str, Record]]:
        """(folder, what is known) of everything done or failed, by name."""
        if not self.files.isdir(self.root):
            return
        self.files.invalidate_cache()
        entries = self.files.ls(self.root, detail=True)
        folders = sorted(
            entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory"
        )
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            for folder, record in zip(folders, pool.map(self.known, folders), strict=True):
                if record is not None:
                    yield folder, record

"""Lists the meshes of a folder and how they stand in their files, by a table in the folder or by
convention."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from spir.data.meshes.read import MeshError, MeshFile, axis

TABLES = ("axes.tsv", "INDEX.tsv")
"""The first of these that is there is read. Tab-separated, with a head: `path`, a file or a pattern such as
*/*.glb, or `model` and `obj`, a folder and the file in it; where given `up` and `front`, axes as +y, and
`modelRotation`, nine numbers of a matrix that turns the file's points first."""
ENDINGS = (".obj", ".glb", ".dae")
UP, FRONT = "+y", "+z"
STANDING = {"planes_flightgear": ("+y", "-x"), "animals_0ad": ("+y", "-z")}
"""Up and front in known collections without a table, by the folder's name."""
BY_LENGTH = ("car",)
"""Kinds that are fitted by their length; all others are fitted by their longest side."""


def mesh_files(root: Path, kind: str) -> list[MeshFile]:
    """The meshes of the folder's table, else all that lie below it. Raises MeshError where there are none."""
    table = next((root / name for name in TABLES if (root / name).is_file()), None)
    if table:
        found = [file for row in rows(table) for file in files_of_row(root, table, row)]
    else:
        up, front = STANDING.get(root.resolve().name, (UP, FRONT))
        found = [MeshFile(path, up, front) for path in below(root, "**/*")]
    if not found:
        raise MeshError(f"there is no mesh in {root}: no {', '.join(ENDINGS)}, and no {' or '.join(TABLES)}")
    found = [replace(file, car=kind in BY_LENGTH) for file in dict.fromkeys(found)]
    alike = Counter(file.name for file in found)
    return [replace(file, label=long_name(file)) if alike[file.name] > 1 else file for file in found]


def long_name(file: MeshFile) -> str:
    """A name from the file's folders and its own, for files whose own name is not unique."""
    return "-".join(PurePosixPath(file.path).with_suffix("").parts)


def rows(table: Path) -> list[dict[str, str]]:
    """The rows of the table as dictionaries without their empty cells."""
    with table.open(newline="") as file:
        return [
            {key: cell.strip() for key, cell in row.items() if key and cell and cell.strip()}
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def files_of_row(root: Path, table: Path, row: dict[str, str]) -> list[MeshFile]:
    """The meshes of one row. Raises MeshError where it names none, or axes that are none."""
    pattern = row.get("path") or "/".join(row[name] for name in ("model", "obj") if name in row)
    if not pattern:
        raise MeshError(f"{table}: a row has neither `path` nor `model` and `obj`: {row}")
    up, front = row.get("up", UP), row.get("front", FRONT)
    try:
        if axis(up) @ axis(front) != 0:
            raise MeshError(f"up {up} and front {front} must be two different axes")
        turned = tuple(float(value) for value in row.get("modelRotation", "").split())
    except ValueError as problem:
        raise MeshError(f"{table}, {pattern}: {problem}") from problem
    if len(turned) not in (0, 9):
        raise MeshError(f"{table}, {pattern}: modelRotation has {len(turned)} numbers, not nine")
    found = [MeshFile(path, up, front, rotation=turned) for path in below(root, pattern)]
    if not found:
        raise MeshError(f"{table}: there is no mesh {pattern} in {root}")
    return found


def below(root: Path, pattern: str) -> list[str]:
    """Paths of the meshes that match a pattern, relative to the folder."""
    return [
        path.relative_to(root).as_posix()
        for path in sorted(root.glob(pattern))
        if path.is_file() and path.suffix.lower() in ENDINGS
    ]

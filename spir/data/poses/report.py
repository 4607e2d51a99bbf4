"""A report of bootstrapped poses for people: a page of numbers, and contact sheets of what was kept and
dropped."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from spir.categories import Category
from spir.data.poses.table import SECTORS, PoseTable
from spir.data.sources.picture import Collection
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose
from spir.outputs.panels import sheet
from spir.outputs.views import to_uint8
from spir.photo import cutout

SHOWN, COLUMNS = 60, 10
"""Number of photos on a contact sheet, and in a row of it."""
CELL = 96
"""Side of a photo on a sheet, pixels."""
AXES = ((0, "blue"), (1, "lime"), (2, "red"))
"""Colours of the axes that are drawn: to the object's left side, up, and to its front."""


def write_report(
    folder: Path, table: PoseTable, collection: Collection, category: Category, limits: Any
) -> None:
    """Write `folder/README.md`, `kept.png` and `dropped.png`; `limits` is the dataclass of limits that was
    applied."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(summary(table, limits))
    for name, rows in (("kept", table.kept), ("dropped", ~table.kept)):
        chosen = rows.nonzero()[:, 0][:SHOWN].tolist()
        if chosen:
            cells = [cell(table, row, collection, category) for row in chosen]
            lines = [cells[first : first + COLUMNS] for first in range(0, len(cells), COLUMNS)]
            Image.fromarray(sheet(lines)).save(folder / f"{name}.png")


def summary(table: PoseTable, limits: Any) -> str:
    """A Markdown page: the share that was kept, the distribution of each score, and where the cameras
    stood."""
    total, kept = len(table), int(table.kept.sum())
    lines = [
        f"# Poses\n\n{kept} of {total} photos kept ({kept / total:.0%}).\n",
        "| score | limit | 10 % | median | 90 % |",
    ]
    lines.append("|---|---|---|---|---|")
    for name, limit in asdict(limits).items():
        low, middle, high = getattr(table, name).float().quantile(torch.tensor((0.1, 0.5, 0.9))).tolist()
        lines.append(f"| {name} | {limit:g} | {low:.3f} | {middle:.3f} | {high:.3f} |")
    lines += ["\n| azimuth from, degrees | kept | dropped |", "|---|---|---|"]
    good, bad = (torch.bincount(table.sectors[rows], minlength=SECTORS) for rows in (table.kept, ~table.kept))
    lines += [f"| {360 // SECTORS * k - 180} | {good[k]} | {bad[k]} |" for k in range(len(good))]
    return "\n".join(lines) + "\n"


def cell(
    table: PoseTable, row: int, collection: Collection, category: Category
) -> UInt8[np.ndarray, "h w 3"]:
    """A photo's cut-out with its scores and with the object's axes, drawn where the pose puts them."""
    photo = collection[collection.names.index(table.names[row])].photo
    if photo.alpha is None:
        rgb = torch.zeros(CELL, CELL, 3)
    else:
        rgb = cutout(photo, photo.alpha.float() / 255, category, CELL).rgb[0]
    image = Image.fromarray(to_uint8(rgb))
    draw = ImageDraw.Draw(image)
    points = 0.8 * torch.cat((torch.zeros(1, 3), torch.eye(3)))
    place, _ = project(camera_from_pose(table.pose[row : row + 1]), points[None])
    pixels = ((place[0] * place.new_tensor((1, -1)) + 0.5) * CELL).tolist()
    for axis, colour in AXES:
        draw.line((*pixels[0], *pixels[1 + axis]), fill=colour, width=3)
    draw.text((1, 1), f"{table.iou[row]:.2f} {table.loss[row]:.2f} {table.spread[row]:.2f}", fill="black")
    return np.array(image)

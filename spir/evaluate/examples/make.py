"""The page's examples, computed once: every scene of `example_scenes` through the user's pipeline, one ZIP each.

python -m spir.evaluate.examples car --out assets/examples [--only NAME ...]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image

from spir.categories import CATEGORIES
from spir.evaluate.examples.scenes import SCENES, ExampleScene, photographed
from spir.outputs.views import jpeg_bytes
from spir.photo import read_photo
from spir.photo.cutout import MARGIN
from spir.pipeline import Reconstructor, preset
from spir.session import actions, surfaces
from spir.session.archive.convert import to_archive
from spir.session.archive.writer import write_archive
from spir.session.record import run_record
from spir.session.session import Session
from spir.types import Segmentation

THUMBNAIL = (120, 90)
SEGMENTER = "the true outline"
QUALITY = 88
HEAD = """# Examples of the page

Made by `python -m spir.evaluate.examples {category}` from code alone: no picture of anybody's is in them. Each ZIP
is what the page's download would be, without films, meshes and momentum, its codes on the way in float16.
Weights `{weights}`.

| Name | How it was made | What it shows |
|---|---|---|
"""


def example(engine: Reconstructor, scene: ExampleScene) -> dict[str, bytes]:
    """Return the ZIP of the finished run and a small picture, by file name."""
    taken = photographed(scene)
    upload = jpeg_bytes(taken.rgb.numpy(), QUALITY)
    mask = (taken.mask * 255).round() / 255
    photo = read_photo(upload)
    found = Segmentation(mask, SEGMENTER)
    cut = engine.cut(photo, mask, MARGIN)
    session = Session(engine.category.name, photo, upload, found, mask, MARGIN, cut, SEGMENTER)
    *_, session = actions.run(engine, session, preset(scene.steps), compare=True)
    *_, session = surfaces.turn(engine, session)
    session = surfaces.texture(engine, session)
    record = run_record(engine, session, {"example": scene.title, "failure": scene.failure})
    data = write_archive(to_archive(session), cut, engine.category, record, lean=True)
    return {f"{scene.name}.zip": data, f"{scene.name}.jpg": thumbnail(upload)}


def thumbnail(photo: bytes) -> bytes:
    """Return a small JPEG of a picture."""
    file = BytesIO()
    Image.open(BytesIO(photo)).resize(THUMBNAIL, Image.Resampling.LANCZOS).save(file, "JPEG", quality=82)
    return file.getvalue()


def index(scenes: Sequence[ExampleScene]) -> str:
    """Return what the page needs to know of its examples, as JSON."""
    rows = [
        {"name": scene.name, "title": scene.title, "alt": scene.alt, "failure": scene.failure}
        for scene in scenes
    ]
    return json.dumps(rows, indent=1) + "\n"


def readme(scenes: Sequence[ExampleScene], category: str, weights: str) -> str:
    """Return the folder's README, one row per example."""
    rows = [f"| {scene.name} | {scene.how}, N = {scene.steps} | {scene.alt} |\n" for scene in scenes]
    return HEAD.format(category=category, weights=weights[:16]) + "".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code, always 0; a scene that fails raises."""
    options = argparse.ArgumentParser("python -m spir.evaluate.examples", description=__doc__)
    options.add_argument("category", choices=sorted(CATEGORIES))
    options.add_argument("--out", type=Path, default=Path("assets/examples"))
    options.add_argument("--only", nargs="*", default=[], help="names of scenes; else all")
    chosen = options.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    # The page shows them on machines of any kind; made on the CPU they are the same everywhere.
    engine = Reconstructor.load(chosen.category, "cpu", loss="imagenet")
    for scene in SCENES:
        if chosen.only and scene.name not in chosen.only:
            continue
        files = example(engine, scene)
        for name, data in files.items():
            (chosen.out / name).write_bytes(data)
        print(
            f"{scene.name}: {', '.join(f'{len(data) / 1000:.0f} kB' for data in files.values())}", flush=True
        )
    (chosen.out / "index.json").write_text(index(SCENES))
    (chosen.out / "README.md").write_text(readme(SCENES, chosen.category, engine.weights_hash))
    return 0


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())

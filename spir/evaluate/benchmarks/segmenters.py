"""§4, masks: compares our segmenter with others on photos with given masks, and counts false cars in scenes without one.

    python -m spir.evaluate.benchmarks.segmenters --photos DIR [--teacher DEEPLAB.onnx] [--backgrounds SCENES.tar]

DIR holds folders cars, birds, chairs of NAME.jpg with NAME.mask.png; the scenes are the 60 kept out of training.
Where rembg's network is on the disk, it is measured alone and together with ours.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from spir.categories import CAR
from spir.data.segmentation.deeplab import DeepLab
from spir.data.segmentation.split import read_scenes, scene_names
from spir.evaluate.benchmarks.photos import photo_files
from spir.evaluate.items import Record
from spir.metrics.images import iou
from spir.photo import Segmenter, read_mask, read_photo
from spir.photo.segmenters.grabcut import GrabCutSegmenter
from spir.photo.segmenters.onnx import FILE, OnnxSegmenter
from spir.photo.segmenters.rembg import RembgSegmenter
from spir.types import Photo, Segmentation

FOLDERS = {"cars": "car", "birds": "bird", "chairs": "chair"}
Find = Callable[[Photo], Segmentation]


def blind(segmenter: Segmenter) -> Find:
    """Return how a segmenter finds the object that classifies nothing and takes any object."""
    return lambda photo: Segmentation(segmenter(photo, CAR), segmenter.name)


def together(photo: Photo) -> Segmentation:
    """Segment by the geometric mean of our network's mask and rembg's."""
    masks = [segmenter(photo, CAR) for segmenter in (OnnxSegmenter(), RembgSegmenter())]
    return Segmentation((masks[0] * masks[1]).sqrt(), "ours and rembg")


def score(find: Find, folder: Path, kind: str) -> Record:
    """Return mean and worst IoU, how often the class is right, and the median seconds."""
    overlaps, right, seconds = [], [], []
    for file in photo_files(folder):
        if file.mask is None:
            raise FileNotFoundError(f"{file.picture} has no mask to compare with")
        photo = read_photo(file.picture)
        truth = read_mask(file.mask, photo)
        start = time.perf_counter()
        found = find(photo)
        seconds.append(time.perf_counter() - start)
        overlaps.append(iou((found.mask >= 0.5).float()[None], (truth >= 0.5).float()[None]).item())
        right.append(found.kind == kind)
    return {
        "photos": len(overlaps),
        "iou": float(np.mean(overlaps)),
        "worst": min(overlaps),
        "kind": float(np.mean(right)),
        "ms": 1000 * float(np.median(seconds)),
    }


def false_cars(find: Find, tar: Path) -> float:
    """Return the share of the held-out scenes that are taken for a car."""
    scenes = read_scenes(tar, scene_names(tar)[1])
    return float(np.mean([find(Photo(torch.from_numpy(scene))).kind == "car" for scene in scenes]))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--segmenter", type=Path, default=FILE)
    args = parser.parse_args(argv)
    finders: dict[str, Find] = {"ours": OnnxSegmenter(args.segmenter).segment}
    if args.teacher:
        finders["DeepLab"] = DeepLab(args.teacher).segment
    blinds = {"GrabCut": blind(GrabCutSegmenter())}
    if RembgSegmenter().at_hand():
        blinds |= {"rembg": blind(RembgSegmenter()), "ours and rembg": together}
    print("| segmenter | photos | mean IoU | worst | kind right | ms |\n|---|---|---|---|---|---|")
    for name, find in (finders | blinds).items():
        for folder, kind in FOLDERS.items():
            if (args.photos / folder).is_dir():
                row = score(find, args.photos / folder, kind)
                told = f"{row['kind']:.0%}" if name in finders else ""
                print(
                    f"| {name} | {row['photos']} {folder} | {row['iou']:.3f} | {row['worst']:.3f} | {told} "
                    f"| {row['ms']:.0f} |",
                    flush=True,
                )
    for name, find in finders.items():
        if args.backgrounds:
            print(f"{name}: {false_cars(find, args.backgrounds):.1%} of 60 scenes taken for a car")


if __name__ == "__main__":
    main()

"""The small segmenter that ships, trained from scratch on composites of photos, synthetic objects and scenes.

    python -m spir.train.segmenter --photos CARS.tar --backgrounds SCENES.tar --objects OBJECTS.npz \\
        [--teacher DEEPLAB.onnx] [--minutes 60] [--resume] [--export weights/shared/segmenter.onnx]

OBJECTS.npz is made by `spir.train.segmenter.objects`; the teacher gives masks to the animals of the scenes. The
export needs the package onnx. The last 1,000 photos and 60 scenes are held out; the columns held_* of log.csv
come from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from spir.data.segmentation.deeplab import DeepLab
from spir.data.segmentation.source_images import SourceImages, read_animals, read_cars, read_objects
from spir.data.segmentation.split import photo_names, read_scenes, scene_names
from spir.generator.precision import half_is_fast
from spir.train.options import ResumeOptions, parse
from spir.train.provenance import provenance
from spir.train.run import TrainingRun
from spir.train.segmenter.config import SegmenterTrainingConfig
from spir.train.segmenter.dataset import SegmenterBatch, SegmenterDataset, validation_batches
from spir.train.segmenter.losses import losses, validate
from spir.train.segmenter.network import ExportedSegmenter, SegmenterNetwork, SegmenterOutput, export
from spir.train.segmenter.teacher_labels import TeacherLabels
from spir.train.segmenter.warm_start import load_onnx_weights

MODULE = "spir.train.segmenter"
STATISTICS = 4
"""The statistics of a loaded network's features are measured on so many batches."""


@dataclass(frozen=True, kw_only=True)
class Options(ResumeOptions):
    """The command line."""

    photos: Path
    """Tar of NAME.jpg with masks NAME.png."""
    backgrounds: Path
    """Tar of scenes without objects."""
    objects: Path
    """File of spir.train.segmenter.objects."""
    teacher: Path | None = None
    """DeepLab file: finds the animals of the scenes, names what is seen."""
    out: Path = Path("runs/segmenter")
    """Folder of the run."""
    steps: int = 8000
    batch: int = SegmenterTrainingConfig.batch
    rate: float = SegmenterTrainingConfig.rate
    """Learning rate."""
    start: Path | None = None
    """Go on from this file of an earlier training."""


def load_sources(options: Options) -> tuple[SourceImages, SourceImages]:
    """The source images of the training and of the validation."""
    photos, photos_held = photo_names(options.photos)
    scenes, scenes_held = scene_names(options.backgrounds)
    objects = read_objects(options.objects)
    found = []
    for cars, places in ((photos, scenes), (photos_held[::10], scenes_held)):
        shown, animals = read_scenes(options.backgrounds, places), []
        if options.teacher:
            shown, animals = read_animals(shown, DeepLab(options.teacher))
        found.append(SourceImages(read_cars(options.photos, cars), shown, objects, animals))
    return found[0], found[1]


def preview(path: Path, network: SegmenterNetwork, batch: SegmenterBatch) -> None:
    """Write a picture of a batch, and of the masks that the network finds in it."""
    with torch.no_grad():
        mask = network(batch.rgb)[0][:, :1].sigmoid()
    rgb = F.avg_pool2d((batch.rgb + 1) / 2, 2)
    rows = torch.cat((rgb, rgb * (0.25 + 0.75 * mask)), 2).permute(2, 0, 3, 1).flatten(1, 2)
    Image.fromarray((rows.clamp(0, 1) * 255).byte().numpy()).save(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    config = SegmenterTrainingConfig(batch=options.batch, rate=options.rate)
    network = SegmenterNetwork().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, betas=(0.9, 0.99), weight_decay=0.01)
    run = TrainingRun(
        options.out, network, optimiser, options.steps, ema_decay=0.998, clip=2.0, save_every=250
    )
    if options.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    sources, held_sources = load_sources(options)
    print(f"{len(sources.cars)} cars, {len(sources.scenes)} scenes, {len(sources.animals)} animals")
    held = validation_batches(held_sources, config)
    labels = None
    if options.teacher:
        labels = TeacherLabels(sources, DeepLab(options.teacher), config.teacher_pictures)
        labels = labels.cached(options.out / "teacher_labels.npz")
    batches = SegmenterDataset(sources, config, options.steps, options.seed, labels)
    if options.start and not run.step:
        load_onnx_weights(network, options.start, torch.cat([batch.rgb for batch in held[:STATISTICS]]))
        run.ema.load_state_dict(network.state_dict())
    loader = iter(DataLoader(batches, batch_size=None, sampler=range(run.step, options.steps), num_workers=1))

    half = half_is_fast("cpu")

    def body(step: int) -> dict[str, float]:
        batch = next(loader)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = network(batch.rgb.contiguous(memory_format=torch.channels_last))
        terms = losses(SegmenterOutput(*(part.float() for part in out)), batch, config)
        run.update(cast(Tensor, sum(terms.values())))
        row = {name: float(term.detach()) for name, term in terms.items()}
        if (step + 1) % config.check_every == 0:
            row |= validate(run.ema, held)
        return row

    run.iterate(body, options.minutes, lambda path: preview(path, run.ema, held[0]), 500)
    if options.export:
        exported = ExportedSegmenter(run.ema.eval())
        # Every second scene is enough to calibrate with.
        exported.calibrate(sources.scenes[::2], config.false_objects, config.false_cars)
        export(options.export, exported, provenance(MODULE, argv, options, config))


if __name__ == "__main__":
    main()

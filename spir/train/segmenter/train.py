"""The small segmenter that we ship, taught from nothing on composites of car photos, made-up objects and scenes.

    python -m spir.train.segmenter --photos CARS.tar --backgrounds SCENES.tar --objects OBJECTS.npz \\
        [--teacher DEEPLAB.onnx] [--minutes 60] [--resume] [--export weights/shared/segmenter.onnx]

OBJECTS.npz is made by `spir.train.segmenter.objects`; the teacher gives masks to the animals of the scenes. The export
needs the package onnx. The last 1,000 photos and 60 scenes are kept out; what log.csv calls held comes from them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from spir.data.segmentation import composites
from spir.data.segmentation.composites import Sample
from spir.data.segmentation.deeplab import NAMES, DeepLab
from spir.data.segmentation.material import CAR, NOTHING, Material, read_animals, read_cars, read_objects
from spir.data.segmentation.split import photo_names, read_scenes, scene_names
from spir.generator.precision import half_is_fast
from spir.photo.finding import KINDS
from spir.train.run import Run
from spir.train.segmenter.network import Answer, SegmenterNetwork, Shipped, as_input, export
from spir.train.segmenter.teacher_labels import Lessons
from spir.train.segmenter.warm_start import begin_with

STATISTICS = 4
"""Batches whose pictures tell how large the features of a file's network are."""


@dataclass(frozen=True)
class SegmenterTraining:
    """Every number of this training."""

    batch: int = 32
    sides: tuple[int, ...] = (160, 192, 192, 224, 256)
    """Of the pictures, one a step: objects of all sizes, and small pictures teach faster."""
    rate: float = 2e-3
    overlap_weight: float = 0.7
    objects_weight: float = 0.3
    kind_weight: float = 0.6
    names_weight: float = 0.3
    softness: float = 3.0
    """By how much the teacher's logits are divided: what it thinks of the less likely names is heard as well."""
    lessons: int = 6000
    """Pictures that the teacher is asked about, before the first step."""
    taught: float = 0.5
    """Share of a batch that comes from them."""
    doubt: float = 0.05
    """Probability that no answer about the kind may go beyond."""
    rim: float = 4.0
    """How much more a pixel next to the outline counts."""
    false_objects: float = 0.5
    false_cars: float = 0.03
    """Shares of the scenes to train on that the shipped network takes for one of our kinds, and for a car."""
    held: int = 128
    check_every: int = 250


@dataclass(frozen=True)
class Batch:
    rgb: Float[Tensor, "batch 3 side side"]
    masks: Float[Tensor, "batch 2 half half"]
    """Of the largest object, and of all."""
    counts: Float[Tensor, "batch 1 half half"]
    """0 far from the object of a photo that may show more of them; else 1."""
    kind: Int[Tensor, " batch"]
    natural: Bool[Tensor, " batch"]
    """A photo as it was taken, without one of our kinds."""
    names: Float[Tensor, "taught names cells cells"]
    """The teacher's logits for the first pictures of the batch, which may be none."""


def collate(samples: list[Sample]) -> Batch:
    """Samples as the network and its losses want them."""
    both = torch.from_numpy(np.stack([(s.mask, s.objects) for s in samples]))
    small = F.avg_pool2d(both, 2)
    reach = small.shape[-1] // 10
    near = F.max_pool2d(small[:, :1], 2 * reach + 1, 1, reach) > 0.5
    known = torch.tensor([s.known for s in samples])
    kind = torch.tensor([s.kind for s in samples])
    return Batch(
        rgb=as_input(np.stack([s.rgb for s in samples])),
        masks=small,
        counts=(near | known[:, None, None, None]).float(),
        kind=kind,
        natural=~known & (kind == NOTHING),
        names=told_names([s.names for s in samples if s.names is not None], samples[0].mask.shape[0] // 16),
    )


def told_names(
    names: list[Float[ndarray, "names cells cells"]], cells: int
) -> Float[Tensor, "taught names cells2 cells2"]:
    """The teacher's logits in as many cells as the network has."""
    if not names:
        return torch.zeros(0, NAMES, cells, cells)
    found = torch.from_numpy(np.stack(names)).float()
    return F.interpolate(found, (cells, cells), mode="bilinear", align_corners=False)


def overlaps(
    first: Float[Tensor, "batch half half"],
    second: Float[Tensor, "batch half half"],
    counts: Float[Tensor, "batch half half"],
) -> Float[Tensor, " batch"]:
    """Intersection over union of soft masks, where it counts."""
    both = (first * second * counts).sum((1, 2))
    return both / ((first + second - first * second) * counts).sum((1, 2)).clamp(min=1)


def losses(out: Answer, batch: Batch, config: SegmenterTraining) -> dict[str, Float[Tensor, ""]]:
    """The pixels of both masks, the largest object's overlap with the truth, the kind, and the teacher's names."""
    logits, kind, names = out
    truth, counts = batch.masks, batch.counts
    rim = F.avg_pool2d(truth, 9, 1, 4, count_include_pad=False)
    weight = counts * (1 + config.rim * 4 * rim * (1 - rim))
    pixels = F.binary_cross_entropy_with_logits(logits, truth, weight, reduction="none").mean((0, 2, 3))
    shown = (counts * truth[:, :1]).amax((1, 2, 3)) > 0.5
    overlap = overlaps(logits[:, 0].sigmoid(), truth[:, 0], counts[:, 0])
    return {
        "mask": pixels[0],
        "objects": config.objects_weight * pixels[1],
        "overlap": config.overlap_weight * ((1 - overlap) * shown).sum() / shown.sum().clamp(min=1),
        "kind": config.kind_weight * kind_loss(kind, batch, config.doubt),
        "names": config.names_weight * names_loss(names, batch.names, config.softness),
    }


def names_loss(
    names: Float[Tensor, "batch names cells cells"],
    told: Float[Tensor, "taught names cells cells"],
    softness: float,
) -> Float[Tensor, ""]:
    """Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015: what the teacher thinks of every
    name, likely or not, is more than its answer. Divergence a cell of both, softened."""
    if not len(told):
        return names.sum() * 0
    mine, its = (each.div(softness).log_softmax(1) for each in (names[: len(told)], told))
    return softness**2 * (its.exp() * (its - mine)).sum(1).mean()


def kind_loss(kind: Float[Tensor, "batch kinds"], batch: Batch, doubt: float) -> Float[Tensor, ""]:
    """Cross entropy; but of a natural photo only that it shows no car.

    Of birds and chairs there are renderings alone. If photos were always something else, whatever looks like a photo would
    be no bird."""
    told = F.cross_entropy(kind, batch.kind, label_smoothing=doubt, reduction="none")
    without_car = torch.cat((kind[:, :CAR], kind[:, CAR + 1 :]), 1)
    no_car = kind.logsumexp(1) - without_car.logsumexp(1)
    return torch.where(batch.natural, no_car, told).mean()


@torch.no_grad()
def held_out(network: SegmenterNetwork, batches: list[Batch]) -> dict[str, float]:
    """Mean IoU of the masks of cars and of all else; how often the kind is right; false cars."""
    cars, others, right, false = [], [], [], []
    for batch in batches:
        logits, kind, _ = network(batch.rgb)
        told = kind.argmax(1)
        overlap = overlaps((logits[:, 0] > 0).float(), (batch.masks[:, 0] > 0.5).float(), batch.counts[:, 0])
        shown = batch.masks[:, 0].amax((1, 2)) > 0.5
        car = batch.kind == KINDS.index("car")
        cars += overlap[shown & car].tolist()
        others += overlap[shown & ~car].tolist()
        right += (told == batch.kind)[~batch.natural].tolist()
        false += (told == KINDS.index("car"))[batch.kind == NOTHING].tolist()
    values = {"held_cars": cars, "held_others": others, "held_kind": right, "held_false": false}
    return {name: float(np.mean(each)) for name, each in values.items() if each}


def materials(args: argparse.Namespace) -> tuple[Material, Material]:
    """To train on, and to check with."""
    photos, photos_held = photo_names(args.photos)
    scenes, scenes_held = scene_names(args.backgrounds)
    objects = read_objects(args.objects)
    found = []
    for cars, places in ((photos, scenes), (photos_held[::10], scenes_held)):
        shown, animals = read_scenes(args.backgrounds, places), []
        if args.teacher:
            shown, animals = read_animals(shown, DeepLab(args.teacher))
        found.append(Material(read_cars(args.photos, cars), shown, objects, animals))
    return found[0], found[1]


@dataclass(frozen=True)
class Batches(Dataset):
    """One batch for each number of a step, always the same."""

    material: Material
    config: SegmenterTraining
    steps: int
    seed: int
    lessons: Lessons | None = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng((self.seed, step))
        side = int(random.choice(self.config.sides))
        taught = round(self.config.taught * self.config.batch) if self.lessons else 0
        samples = [self.lessons.pick(random, side) for _ in range(taught)]
        samples += [composites.draw(self.material, random, side) for _ in range(self.config.batch - taught)]
        return collate(samples)


def checks(material: Material, config: SegmenterTraining) -> list[Batch]:
    """The same samples at every check."""
    random = np.random.default_rng(0)
    samples = [composites.draw(material, random) for _ in range(config.held)]
    return [collate(samples[start : start + 16]) for start in range(0, len(samples), 16)]


def sheet(path: Path, network: SegmenterNetwork, batch: Batch) -> None:
    """Pictures and found masks, one above the other."""
    with torch.no_grad():
        mask = network(batch.rgb)[0][:, :1].sigmoid()
    rgb = F.avg_pool2d((batch.rgb + 1) / 2, 2)
    rows = torch.cat((rgb, rgb * (0.25 + 0.75 * mask)), 2).permute(2, 0, 3, 1).flatten(1, 2)
    Image.fromarray((rows.clamp(0, 1) * 255).byte().numpy()).save(path)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = made.add_argument
    add("--photos", type=Path, required=True, help="tar of NAME.jpg with masks NAME.png")
    add("--backgrounds", type=Path, required=True, help="tar of scenes without objects")
    add("--objects", type=Path, required=True, help="file of spir.train.segmenter.objects")
    add("--teacher", type=Path, help="DeepLab file: finds the animals of the scenes, names what is seen")
    add("--out", type=Path, default=Path("runs/segmenter"))
    add("--steps", type=int, default=8000)
    add("--batch", type=int, default=SegmenterTraining.batch)
    add("--rate", type=float, default=SegmenterTraining.rate)
    add("--start", type=Path, help="go on from this file of an earlier training")
    add("--minutes", type=float, help="stop this call after so many minutes; --resume goes on")
    add("--resume", action="store_true")
    add("--export", type=Path, help="write the averaged network here when this call ends")
    add("--seed", type=int, default=0)
    return made


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    torch.manual_seed(args.seed)
    config = SegmenterTraining(batch=args.batch, rate=args.rate)
    network = SegmenterNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, betas=(0.9, 0.99), weight_decay=0.01)
    run = Run(args.out, network, optimiser, args.steps, ema_decay=0.998, warm_up=200, clip=2.0)
    run.save_every = 250
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    material, kept = materials(args)
    print(f"{len(material.cars)} cars, {len(material.scenes)} scenes, {len(material.animals)} animals")
    held = checks(kept, config)
    lessons = None
    if args.teacher:
        lessons = Lessons(material, DeepLab(args.teacher), config.lessons).held(args.out / "lessons.npz")
    batches = Batches(material, config, args.steps, args.seed, lessons)
    if args.start and not run.step:
        begin_with(network, args.start, torch.cat([batch.rgb for batch in held[:STATISTICS]]))
        run.average.load_state_dict(network.state_dict())
    loader = iter(DataLoader(batches, batch_size=None, sampler=range(run.step, args.steps), num_workers=1))

    half = half_is_fast("cpu")

    def body(step: int) -> dict[str, float]:
        batch = next(loader)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = network(batch.rgb.contiguous(memory_format=torch.channels_last))
        terms = losses(Answer(*(part.float() for part in out)), batch, config)
        run.update(sum(terms.values()))
        row = {name: float(term.detach()) for name, term in terms.items()}
        if (step + 1) % config.check_every == 0:
            row |= held_out(run.average, held)
        return row

    run.iterate(body, args.minutes, lambda path: sheet(path, run.average, held[0]), 500)
    if args.export:
        # Every second scene is enough to tell.
        shipped = Shipped(run.average.eval())
        shipped.calibrate(material.scenes[::2], config.false_objects, config.false_cars)
        export(args.export, shipped)


if __name__ == "__main__":
    main()

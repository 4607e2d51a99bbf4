"""The losses of the segmenter, and the numbers of its validation."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.data.segmentation.source_images import CAR, NOTHING
from spir.photo.segmenters.onnx import KINDS
from spir.train.segmenter.config import SegmenterTrainingConfig
from spir.train.segmenter.dataset import SegmenterBatch
from spir.train.segmenter.network import SegmenterNetwork, SegmenterOutput


def overlaps(
    first: Float[Tensor, "batch half half"],
    second: Float[Tensor, "batch half half"],
    counts: Float[Tensor, "batch half half"],
) -> Float[Tensor, " batch"]:
    """Intersection over union of soft masks, over the pixels that count."""
    both = (first * second * counts).sum((1, 2))
    return both / ((first + second - first * second) * counts).sum((1, 2)).clamp(min=1)


def losses(
    out: SegmenterOutput, batch: SegmenterBatch, config: SegmenterTrainingConfig
) -> dict[str, Float[Tensor, ""]]:
    """The loss terms: pixels of both masks, overlap of the largest object, kind, and the teacher's names."""
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
        "kind": config.kind_weight * kind_loss(kind, batch, config.label_smoothing),
        "names": config.names_weight * names_loss(names, batch.names, config.temperature),
    }


def names_loss(
    names: Float[Tensor, "batch names cells cells"],
    teacher: Float[Tensor, "taught names cells cells"],
    temperature: float,
) -> Float[Tensor, ""]:
    """The divergence of the network's names from the teacher's, mean over the cells that the teacher has
    labelled.

    Both are softened by the temperature (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural
    Network", 2015)."""
    if not len(teacher):
        return names.sum() * 0
    ours, theirs = (each.div(temperature).log_softmax(1) for each in (names[: len(teacher)], teacher))
    return temperature**2 * (theirs.exp() * (theirs - ours)).sum(1).mean()


def kind_loss(
    kind: Float[Tensor, "batch kinds"], batch: SegmenterBatch, label_smoothing: float
) -> Float[Tensor, ""]:
    """Cross entropy of the kind; natural photos are only known to show no car.

    Of birds and chairs there are renderings alone. If photos were always something else, whatever looks like
    a photo would be no bird."""
    known = F.cross_entropy(kind, batch.kind, label_smoothing=label_smoothing, reduction="none")
    without_car = torch.cat((kind[:, :CAR], kind[:, CAR + 1 :]), 1)
    no_car = kind.logsumexp(1) - without_car.logsumexp(1)
    return torch.where(batch.natural, no_car, known).mean()


@torch.no_grad()
def validate(network: SegmenterNetwork, batches: list[SegmenterBatch]) -> dict[str, float]:
    """The mean IoU of cars and of all else, the share of right kinds, and the share of false cars."""
    cars, others, right, false = [], [], [], []
    for batch in batches:
        logits, kind, _ = network(batch.rgb)
        predicted = kind.argmax(1)
        overlap = overlaps((logits[:, 0] > 0).float(), (batch.masks[:, 0] > 0.5).float(), batch.counts[:, 0])
        shown = batch.masks[:, 0].amax((1, 2)) > 0.5
        car = batch.kind == KINDS.index("car")
        cars += overlap[shown & car].tolist()
        others += overlap[shown & ~car].tolist()
        right += (predicted == batch.kind)[~batch.natural].tolist()
        false += (predicted == KINDS.index("car"))[batch.kind == NOTHING].tolist()
    values = {"held_cars": cars, "held_others": others, "held_kind": right, "held_false": false}
    return {name: float(np.mean(each)) for name, each in values.items() if each}

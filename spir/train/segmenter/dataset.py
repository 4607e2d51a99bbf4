"""Batches of composites for the segmenter's training and validation."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from spir.data.segmentation import composites
from spir.data.segmentation.composites import Composite
from spir.data.segmentation.deeplab import NAMES
from spir.data.segmentation.source_images import NOTHING, SourceImages
from spir.train.segmenter.config import SegmenterTrainingConfig
from spir.train.segmenter.network import as_input
from spir.train.segmenter.teacher_labels import TeacherLabels


@dataclass(frozen=True)
class SegmenterBatch:
    """Pictures with their labels, as the network and its losses take them."""

    rgb: Float[Tensor, "batch 3 side side"]
    masks: Float[Tensor, "batch 2 half half"]
    """Masks of the largest object, and of all, at half the side."""
    counts: Float[Tensor, "batch 1 half half"]
    """Weight of each pixel: 0 far from the object of a photo that may show more of them, else 1."""
    kind: Int[Tensor, " batch"]
    natural: Bool[Tensor, " batch"]
    """Whether the picture is a photo as it was taken, without one of our kinds."""
    names: Float[Tensor, "taught names cells cells"]
    """The teacher's logits for the first pictures of the batch, which may be none."""


def collate(samples: list[Composite]) -> SegmenterBatch:
    """Collate composites of one size to a batch."""
    both = torch.from_numpy(np.stack([(s.mask, s.objects) for s in samples]))
    small = F.avg_pool2d(both, 2)
    reach = small.shape[-1] // 10
    near = F.max_pool2d(small[:, :1], 2 * reach + 1, 1, reach) > 0.5
    known = torch.tensor([s.known for s in samples])
    kind = torch.tensor([s.kind for s in samples])
    return SegmenterBatch(
        rgb=as_input(np.stack([s.rgb for s in samples])),
        masks=small,
        counts=(near | known[:, None, None, None]).float(),
        kind=kind,
        natural=~known & (kind == NOTHING),
        names=resize_teacher_logits(
            [s.names for s in samples if s.names is not None], samples[0].mask.shape[0] // 16
        ),
    )


def resize_teacher_logits(
    names: list[Float[ndarray, "names cells cells"]], cells: int
) -> Float[Tensor, "taught names cells2 cells2"]:
    """The teacher's logits at the network's resolution of `cells` x `cells`."""
    if not names:
        return torch.zeros(0, NAMES, cells, cells)
    found = torch.from_numpy(np.stack(names)).float()
    return F.interpolate(found, (cells, cells), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class SegmenterDataset(Dataset):
    """One batch for each step; seed and step decide what is in it."""

    sources: SourceImages
    config: SegmenterTrainingConfig
    steps: int
    seed: int
    labels: TeacherLabels | None = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> SegmenterBatch:
        random = np.random.default_rng((self.seed, step))
        side = int(random.choice(self.config.sides))
        labels = self.labels
        taught = round(self.config.teacher_share * self.config.batch) if labels else 0
        samples = [labels.sample(random, side) for _ in range(taught)] if labels else []
        samples += [
            composites.sample_composite(self.sources, random, side) for _ in range(self.config.batch - taught)
        ]
        return collate(samples)


def validation_batches(sources: SourceImages, config: SegmenterTrainingConfig) -> list[SegmenterBatch]:
    """Batches of composites that are the same at every validation."""
    random = np.random.default_rng(0)
    samples = [composites.sample_composite(sources, random) for _ in range(config.held)]
    return [collate(samples[start : start + 16]) for start in range(0, len(samples), 16)]

"""Pictures whose cells the segmenter's teacher labels once, before the training begins."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from spir.data.segmentation import composites
from spir.data.segmentation.composites import Composite
from spir.data.segmentation.deeplab import DeepLab
from spir.data.segmentation.source_images import SourceImages
from spir.photo.segmenters.onnx import SIDE

CELLS = SIDE // 16
"""The teacher's logits are kept for so many cells along a picture's side."""
SHARES = (0.4, 0.25)
"""Shares of composites and of photos with their object; scenes, which show most, are more than in the rest of
a batch."""
SEED = 77
"""Seed of the pictures, so that they can be drawn again."""


@dataclass(frozen=True)
class TeacherLabels(Dataset):
    """Numbered pictures and the teacher's logits of them; pictures are drawn again from their number when
    needed."""

    sources: SourceImages
    teacher: DeepLab
    count: int
    logits: Float[ndarray, "count names cells cells"] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.count

    def picture(self, index: int) -> Composite:
        """The picture of that number."""
        return composites.sample_composite(self.sources, np.random.default_rng((SEED, index)), shares=SHARES)

    def __getitem__(self, index: int) -> Float[ndarray, "names cells cells"]:
        """The teacher's mean logits of every cell of that picture."""
        logits = self.teacher.logits(self.picture(index).rgb)
        return F.adaptive_avg_pool2d(torch.from_numpy(logits).permute(2, 0, 1), CELLS).half().numpy()

    def cached(self, path: Path) -> "TeacherLabels":
        """The same with all logits, which are read from `path` or computed and written there: 11 KB a
        picture."""
        if path.is_file():
            logits = np.load(path)["logits"]
        else:
            loader = DataLoader(self, batch_size=None, num_workers=2)
            logits = np.stack([np.asarray(each) for each in tqdm(loader, "teacher labels", mininterval=10)])
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, logits=logits)
        return replace(self, count=len(logits), logits=logits)

    def sample(self, random: np.random.Generator, side: int) -> Composite:
        """A random picture of that side with its logits, mirrored half of the time."""
        assert self.logits is not None
        index = int(random.integers(self.count))
        sample = composites.to_square(self.picture(index), side)
        names = self.logits[index]
        sample.names = names
        if random.random() < 0.5:
            sample = replace(
                sample,
                rgb=np.ascontiguousarray(sample.rgb[:, ::-1]),
                mask=sample.mask[:, ::-1],
                objects=sample.objects[:, ::-1],
                names=names[..., ::-1],
            )
        return sample

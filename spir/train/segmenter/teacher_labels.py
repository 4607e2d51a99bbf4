"""Pictures about which the segmenter's teacher was asked what it sees in every cell, before the training begins."""

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
from spir.data.segmentation.composites import Sample
from spir.data.segmentation.deeplab import DeepLab
from spir.data.segmentation.material import Material
from spir.photo.segmenters.onnx import SIDE

CELLS = SIDE // 16
"""Of a picture's side; the teacher's answer is held for each."""
SHARES = (0.4, 0.25)
"""Of composites, and of photos with their object: more scenes than in the rest of the training, they show most."""
SEED = 77


@dataclass(frozen=True)
class Lessons(Dataset):
    """The pictures are drawn again from their number whenever they are shown; only the answers are kept."""

    material: Material
    teacher: DeepLab
    count: int
    answers: Float[ndarray, "count names cells cells"] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int) -> Sample:
        """The picture of that number."""
        return composites.draw(self.material, np.random.default_rng((SEED, index)), shares=SHARES)

    def __getitem__(self, index: int) -> Float[ndarray, "names cells cells"]:
        """What the teacher says of it, mean logits of every cell."""
        logits = self.teacher.logits(self.sample(index).rgb)
        return F.adaptive_avg_pool2d(torch.from_numpy(logits).permute(2, 0, 1), CELLS).half().numpy()

    def held(self, path: Path) -> "Lessons":
        """With all answers, those of an earlier call where `path` has them: 11 KB a picture."""
        if path.is_file():
            answers = np.load(path)["answers"]
        else:
            loader = DataLoader(self, batch_size=None, num_workers=2)
            answers = np.stack([np.asarray(answer) for answer in tqdm(loader, "lessons", mininterval=10)])
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, answers=answers)
        return replace(self, count=len(answers), answers=answers)

    def pick(self, random: np.random.Generator, side: int) -> Sample:
        """One of them, of that side, mirrored half of the time, with its answer."""
        index = int(random.integers(self.count))
        sample = composites.framed(self.sample(index), side)
        sample.names = self.answers[index]
        if random.random() < 0.5:
            sample = replace(
                sample,
                rgb=np.ascontiguousarray(sample.rgb[:, ::-1]),
                mask=sample.mask[:, ::-1],
                objects=sample.objects[:, ::-1],
                names=sample.names[..., ::-1],
            )
        return sample

"""§4, how real random objects look as a distribution: the Fréchet distance of samples to held-out photos."""

import math
from pathlib import Path

import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.data.collection import open_collection
from spir.data.poses.bootstrap import cutouts
from spir.data.poses.table import load_table
from spir.evaluate.items import Record
from spir.evaluate.judge import JudgeFeatures, judge, why_no_judge
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.metrics import fid
from spir.outputs.panels import sheet
from spir.outputs.views import to_uint8
from spir.pipeline import Reconstructor
from spir.rendering.renderer import render
from spir.weights import load

HELD_OUT = 1000
"""The number of held-out photos: the last of a collection, by name, which no training may see."""
SHEET, SHEET_SIZE = 64, 96
VIEWS_DEG = ((35.0, 10.0), (125.0, 10.0), (-145.0, 10.0), (-55.0, 30.0))
"""(azimuth, elevation) in degrees of the sheet's views: front, back and both sides of every sample."""


@torch.no_grad()
def score_realism(
    reconstructor: Reconstructor, photos: Path, poses: Path, encoder: Path, count: int
) -> Record:
    """Return the distance of `count` samples, rendered from the kept poses of the table, to the held-out photos, and
    the same by the judge's features (NaN where it is not installed).

    `encoder` gives the features where Inception is not available; it must be the same for all that is compared."""
    collection, table = open_collection(photos), load_table(poses)
    category, device = reconstructor.category, reconstructor.device
    network = load(encoder, Encoder, EncoderConfig)[0].to(device)
    features, size = fid.choose_features(network, device), network.config.size
    networks = [features] if why_no_judge() else [features, JudgeFeatures(judge())]

    last = range(len(collection))[-HELD_OUT:]
    real = (cut.to(device) for _, cut in cutouts(collection, last, reconstructor, fid.AT_ONCE))
    kept = table.pose.map(lambda part: part[table.kept])
    shown = fid.look_at(networks, ((cut.rgb, cut.mask) for cut in real))
    drawn = fid.look_at(networks, fid.samples(reconstructor.generator, kept, category, count, size))
    distance, *by_judge = [fid.frechet_distance(*pair) for pair in zip(drawn, shown, strict=True)]
    return {
        "name": features.name,
        "distance": distance,
        "judge_fid": by_judge[0] if by_judge else math.nan,
        "samples": count,
        "photos": shown[0].count,
        "poses": len(kept.scale),
    }


@torch.no_grad()
def sample_sheet(reconstructor: Reconstructor, count: int = SHEET) -> UInt8[ndarray, "height width 3"]:
    """Draw random objects from four views each, two objects per row."""
    generator, device = reconstructor.generator, reconstructor.device
    z = torch.randn(count, generator.config.z_dim, generator=torch.Generator().manual_seed(0)).to(device)
    azimuth, elevation = (torch.tensor(values, device=device) for values in zip(*VIEWS_DEG, strict=True))
    like = torch.ones_like(azimuth)
    camera = camera_from_pose(look_at_pose(azimuth, elevation, focal=2.5 * like, scale=0.8 * like))
    cells = []
    for row in range(count):
        field = generator.field(generator.code(z[row : row + 1]))
        cells += [to_uint8(rgb) for rgb in render(field, camera, reconstructor.render_config(SHEET_SIZE)).rgb]
    across = 2 * len(VIEWS_DEG)
    return sheet([cells[first : first + across] for first in range(0, len(cells), across)])


def save_sample_sheet(path: Path, reconstructor: Reconstructor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sample_sheet(reconstructor)).save(path)

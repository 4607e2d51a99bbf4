"""Trainings without one part of the method: what is gone is gone, and the rest is the same."""

import torch

from spir.train.gan.ablation import ABLATIONS, WHOLE, DirectColours
from spir.train.gan.config import SMALL
from spir.types import Code
from tests.tiny import GENERATOR


def test_only_the_named_part_is_taken_away():
    assert WHOLE(SMALL) == SMALL
    assert (
        ABLATIONS["path-length"](SMALL).path == 0 and ABLATIONS["path-length"](SMALL).eikonal == SMALL.eikonal
    )
    without = ABLATIONS["sdf"](SMALL)
    assert without.eikonal == without.variation == without.entropy == without.sphere_steps == 0
    assert without.path == SMALL.path and ABLATIONS["colour-mapping"](SMALL) == SMALL


def test_direct_colours_come_from_the_decoder_alone():
    torch.manual_seed(0)
    generator = DirectColours(GENERATOR)
    w = torch.randn(2, generator.num_ws, GENERATOR.w_dim)
    points = torch.rand(2, 50, 3) - 0.5
    with torch.no_grad():
        field = generator.field(Code(w))
        seen = field(points)
        outputs = field.decoder(field.features(points))[1]
        repainted = w.clone()
        repainted[:, -1] += 1
        again = generator.field(Code(repainted))(points)
    assert seen.attention is None and torch.allclose(seen.rgb, outputs[..., :3].tanh())
    assert torch.equal(again.rgb, seen.rgb) and torch.equal(again.sdf, seen.sdf)
    assert not generator.palette(Code(w)).any()

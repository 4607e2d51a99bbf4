"""Random objects become as frequent as real ones: optimal transport, and a mapping network that learns it."""

import pytest
import torch

from spir import weights
from spir.data.poses.table import PoseTable, save_table
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.mapping import MappingNetwork
from spir.geometry.pose import look_at_pose
from spir.metrics.fid import frechet_distance, statistics
from spir.train.autodecoder import latent_prior
from tests.tiny import GENERATOR, tiny_generator, tiny_weights


def samples() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    source = torch.randn(4000, 6) @ torch.randn(6, 6) + 1
    target = torch.randn(900, 6) @ torch.diag(torch.tensor([3.0, 1, 1, 0.3, 0.1, 2])) - 2
    return source, target


def test_the_way_ends_in_the_other_distribution_and_costs_the_frechet_distance():
    source, target = (statistics(each) for each in samples())
    matrix, shift = latent_prior.transport(source, target)
    before = samples()[0].double()
    after = before @ matrix + shift
    found = statistics(after)
    assert torch.allclose(found.mean, target.mean) and torch.allclose(found.covariance, target.covariance)
    cost = (after - before).square().sum(1).mean() * len(before) / (len(before) - 1)
    assert float(cost) == pytest.approx(frechet_distance(source, target), rel=1e-3)


def test_the_network_spreads_as_the_codes_do():
    torch.manual_seed(0)
    network = MappingNetwork(8, 32)
    codes = torch.randn(500, 6) @ torch.randn(6, 32) * 0.3 + 1
    z = torch.randn(4000, 8)

    def apart() -> float:
        with torch.no_grad():
            return frechet_distance(statistics(network(z)), statistics(codes))

    before = apart()
    share = latent_prior.match_codes(network, 8, codes, steps=300, batch=256)
    assert share > 0.8 and apart() < 0.1 * before


def table(rows: int, layers: int) -> PoseTable:
    like = torch.ones(rows)
    pose = look_at_pose(80 * like, 5 * like, focal=2 * like, scale=0.7 * like)
    names = tuple(f"photo{row}" for row in range(rows))
    scores = (like.clone() for _ in range(4))
    return PoseTable(names, pose, torch.randn(rows, layers, 16), *scores, like > 0, like > 0)


def test_the_command_changes_the_mapping_alone(tmp_path):
    start = tmp_path / "start.safetensors"
    weights.save(start, tiny_generator(), GENERATOR, stage="fit", provenance={"command": "earlier"})
    save_table(tmp_path / "found.safetensors", table(40, 1))
    call = ["car", "--start", str(start), "--steps", "5", "--device", "cpu"]
    out = tmp_path / "prior.safetensors"
    latent_prior.main([*call, "--poses", str(tmp_path / "found.safetensors"), "--export", str(out)])
    before, after = (weights.load(path, Generator, GeneratorConfig)[0].state_dict() for path in (start, out))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("mapping_network") for name in moved)
    extra = weights.load(out, Generator, GeneratorConfig)[1]
    assert extra["prior"] == 40 and extra["stage"] == "fit"
    record = extra["provenance"]
    assert record["options"]["steps"] == 5 and record["start"] == {"command": "earlier"}


def test_codes_of_every_layer_are_refused(tmp_path):
    start = tiny_weights(tmp_path / "weights") / "car" / "generator.safetensors"
    save_table(tmp_path / "poses.safetensors", table(4, Generator(GENERATOR).num_ws))
    call = ["car", "--start", str(start), "--export", str(tmp_path / "none.safetensors"), "--poses"]
    with pytest.raises(SystemExit, match="a w for every layer"):
        latent_prior.main([*call, str(tmp_path / "poses.safetensors")])
    with pytest.raises(SystemExit, match="is no table of poses"):
        latent_prior.main([*call, str(start.parent / "encoder.safetensors")])

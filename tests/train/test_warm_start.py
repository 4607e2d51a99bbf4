"""Going on from a segmenter's file."""

import pytest
import torch

from spir.train.provenance import read_provenance
from spir.train.segmenter.network import ExportedSegmenter, SegmenterNetwork, export
from spir.train.segmenter.warm_start import layer_name, load_onnx_weights

# The old exporter, which OpenCV can read, says that it is old.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def pictures():
    return torch.nn.functional.avg_pool2d(torch.rand(6, 3, 64, 64, generator=draws()) * 6 - 3, 5, 1, 2)


def draws():
    return torch.Generator().manual_seed(5)


@pytest.fixture(scope="module")
def known(pictures):
    """A network whose norms have seen something."""
    torch.manual_seed(1)
    network = SegmenterNetwork()
    for name, parameter in network.named_parameters():
        if name.endswith("second.1.weight"):
            parameter.data.fill_(0.5)
    for _ in range(3):
        network(pictures)
    return network.eval().requires_grad_(False)


def test_it_is_the_network_that_was_written(known, pictures, tmp_path):
    export(tmp_path / "a.onnx", ExportedSegmenter(known), {"command": "a"})
    assert read_provenance(tmp_path / "a.onnx") == {"command": "a"}
    network = SegmenterNetwork()
    load_onnx_weights(network, tmp_path / "a.onnx", pictures)
    assert network.training
    expected = known(pictures)
    with torch.no_grad():
        found = network.eval()(pictures)
        learning = network.train()(pictures)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
    # Norms of the batch's own statistics: the same up to the difference between n and n - 1.
    torch.testing.assert_close(learning.masks, expected.masks, atol=0.05, rtol=0.05)


def test_names_of_nodes_are_places_in_the_network():
    assert layer_name("/network/stages.1/blocks/blocks.0/first/first.0/Conv") == "stages.1.blocks.0.first.0"
    assert layer_name("/network/around/Gemm") == "around" and layer_name("/network/side.3/Conv") == "side.3"


def test_another_network_is_refused(tmp_path, pictures):
    torch.onnx.export(
        torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1)), (pictures,), str(tmp_path / "b.onnx"), dynamo=False
    )
    with pytest.raises(ValueError, match="another network"):
        load_onnx_weights(SegmenterNetwork(), tmp_path / "b.onnx", pictures)

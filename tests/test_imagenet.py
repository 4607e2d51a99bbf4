"""EfficientNet-Lite with folded batch norms against the published implementation."""

import pytest
import torch

from spir.imagenet import LITE0, LITE2, available, frozen, pretrained

LAST_BLOCKS = {LITE0: (0, 2, 4, 10, 15), LITE2: (0, 3, 6, 14, 20)}


@pytest.mark.parametrize("config", [LITE0, LITE2], ids=["lite0", "lite2"])
def test_features_are_those_of_the_published_network(config):
    published = pytest.importorskip("efficientnet_lite_pytorch")
    name = "efficientnet-" + config.package.split("_")[1]
    reference = published.EfficientNet.from_name(name, image_size=None).eval()
    module = pytest.importorskip(config.package)
    path = getattr(module, config.weights).get_model_file_path()
    reference.load_state_dict(torch.load(path, weights_only=True))
    torch.manual_seed(0)
    picture = 2 * torch.rand(1, 3, 96, 96) - 1
    expected = []
    with torch.no_grad():
        x = reference._swish(reference._bn0(reference._conv_stem(picture)))
        for index, block in enumerate(reference._blocks):
            x = block(x)
            if index in LAST_BLOCKS[config]:
                expected.append(x)
        found = frozen(config, "cpu")(picture)
    assert tuple(map.shape[1] for map in found) == config.dims
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().max().item())


def test_more_channels_begin_without_effect():
    assert available(LITE0)
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 64, 64)
    four = torch.cat((picture, torch.rand(1, 1, 64, 64)), 1)
    with torch.no_grad():
        for a, b in zip(pretrained(LITE0)(picture, 2), pretrained(LITE0, 4)(four, 2), strict=True):
            assert torch.allclose(a, b, atol=1e-5)


def test_a_device_has_one_copy_however_it_is_named():
    assert frozen(LITE0, "cpu") is frozen(LITE0, torch.device("cpu"))

"""Which categories the page has unasked."""

import shutil

from spir.weights import default_categories
from spir.weights.import_checkpoint import import_checkpoint
from tests.tiny import tiny_weights
from tests.weights.legacy_files import write_pair


def test_those_whose_weights_are_there_but_no_reference(tmp_path):
    assert default_categories(tmp_path) == ["car"], "which then says what is missing"
    root = tiny_weights(tmp_path)
    shutil.copytree(root / "car", root / "car-synthetic")
    assert default_categories(root) == ["car"]
    import_checkpoint(*write_pair(tmp_path, "carla"), "carla", root)
    assert default_categories(root) == ["car", "carla"]
    shutil.rmtree(root / "car")
    assert default_categories(root) == ["carla"]

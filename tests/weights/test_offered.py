"""Which categories the page has unasked."""

import shutil

from spir.weights import offered
from spir.weights.import_checkpoint import bring
from tests.tiny import tiny_weights
from tests.weights.legacy_files import write_pair


def test_those_whose_weights_are_there_but_no_reference(tmp_path):
    assert offered(tmp_path) == ["car"], "which then says what is missing"
    root = tiny_weights(tmp_path)
    shutil.copytree(root / "car", root / "car-synthetic")
    assert offered(root) == ["car"]
    bring(*write_pair(tmp_path, "carla"), "carla", root)
    assert offered(root) == ["car", "carla"]
    shutil.rmtree(root / "car")
    assert offered(root) == ["carla"]

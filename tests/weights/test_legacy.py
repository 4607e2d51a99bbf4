"""The authors' checkpoints: read without running anything, the same objects in our world."""

import os
import pickle

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spir.bootstrap.encoder import Encoder
from spir.categories import CATEGORIES
from spir.errors import WeightsError
from spir.weights import load_models
from spir.weights.import_checkpoint import import_checkpoint
from spir.weights.legacy import harmless, read_legacy
from tests.weights.legacy_files import AUTHORS, in_their_world, networks, write_pair


@pytest.mark.parametrize("category", AUTHORS)
def test_the_objects_are_the_same(tmp_path, category):
    theirs, _ = networks(category)
    import_checkpoint(*write_pair(tmp_path, category), category, tmp_path / "weights")
    models = load_models(category, tmp_path / "weights")
    frame = CATEGORIES[category].frame
    assert models.category.scene_range == 1 and models.extra["iteration"] in (120000, 300000)
    code = models.generator.code(torch.randn(1, 12))
    points = torch.rand(1, 200, 3) * 2.1 - 1.05
    ways = F.normalize(torch.randn(1, 200, 3), dim=-1)
    axes = torch.tensor(frame.axes, dtype=torch.float32)
    ours = models.generator.field(code)(points, ways)
    expected = theirs.field(code)(in_their_world(points, category), ways @ axes)
    torch.testing.assert_close(ours.sdf, expected.sdf / frame.half_side, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.density, expected.density * frame.half_side, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(ours.rgb, expected.rgb, atol=1e-5, rtol=1e-4)
    grid = models.generator.field(code).sdf_grid(9)
    line = torch.linspace(-1, 1, 9)
    corners = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).view(1, -1, 3)
    torch.testing.assert_close(
        grid.view(1, -1), models.generator.field(code).sdf(corners), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("category", ["carla", "cub", "shapenet_cars"])
def test_the_encoder_sees_the_same_points(tmp_path, category):
    _, theirs = networks(category)
    import_checkpoint(*write_pair(tmp_path, category), category, tmp_path / "weights")
    ours = load_models(category, tmp_path / "weights").encoder
    picture, mask = torch.rand(1, 64, 64, 3) * 2 - 1, torch.ones(1, 64, 64)
    expected, found = theirs(picture, mask), ours(picture, mask)
    torch.testing.assert_close(in_their_world(found.nocs, category), expected.nocs, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.mask, expected.mask)
    torch.testing.assert_close(found.w, expected.w)


class Evil:
    """Code that runs when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("place", ["beside", "inside", "alone"])
def test_a_file_that_would_run_something_is_refused_and_does_not(tmp_path, place):
    first, second = write_pair(tmp_path, "p3d_car")
    trap = tmp_path / "it-ran"
    content = torch.load(first, weights_only=False)
    if place == "beside":
        content["random_state"] = Evil(trap)
    elif place == "inside":
        content["model_ema"]["beta"] = Evil(trap)
    if place == "alone":
        first.write_bytes(pickle.dumps(Evil(trap), protocol=2))
    else:
        torch.save(content, first)
    with pytest.raises(WeightsError, match="refused.*Nothing of it was run"):
        import_checkpoint(first, second, "p3d_car", tmp_path / "weights")
    assert not trap.exists() and not (tmp_path / "weights").exists()


def test_files_of_old_and_new_numpy_are_read(tmp_path):
    """NumPy 1 called the place of its makers numpy.core.multiarray, NumPy 2 numpy._core.multiarray."""
    first, _ = write_pair(tmp_path, "p3d_car")
    content = torch.load(first, weights_only=False)
    names = {"numpy._core.multiarray", "numpy.core.multiarray"}
    raw = pickle.dumps(content["best_fid"], protocol=2)
    assert any(name.encode() in raw for name in names)
    listed = {entry[1] for entry in harmless() if isinstance(entry, tuple)}
    assert {f"{name}.{maker}" for name in names for maker in ("scalar", "_reconstruct")} == listed
    rewritten = rename_module(first, tmp_path / "old.pth")
    _, numbers = read_legacy(rewritten, "model_ema")
    assert numbers == {"iteration": 300000, "best_fid": 9.5}


def rename_module(source, target):
    """The same archive, with NumPy's makers under the other name."""
    import zipfile

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                here, there = b"numpy._core.multiarray", b"numpy.core.multiarray"
                if here not in data:
                    here, there = there, here
                # In protocol 2 a global is two lines of text.
                data = data.replace(b"c" + here + b"\n", b"c" + there + b"\n")
            new.writestr(entry, data)
    return target


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda c: c.pop("model_ema"), "has no 'model_ema'.*other file of the pair"),
        (
            lambda c: c.update(model_ema=without(c["model_ema"], "decoder.net.0.bias")),
            "decoder.net.0.bias is missing",
        ),
        (lambda c: c["model_ema"].update(extra=torch.zeros(1)), "extra is unknown"),
        (
            lambda c: c["model_ema"].update({"mapping_network.class_embedding": torch.zeros(1)}),
            "class labels",
        ),
        (
            lambda c: c.update(
                model_ema={k: v for k, v in c["model_ema"].items() if "texture_mapper" not in k}
            ),
            "no colour mapping",
        ),
        (lambda c: c["model_ema"].update({"decoder.net.0.bias": "words"}), "something else than tensors"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_written(tmp_path, change, told):
    first, second = write_pair(tmp_path, "p3d_car")
    content = torch.load(first, weights_only=False)
    change(content)
    torch.save(content, first)
    with pytest.raises(WeightsError, match=told):
        import_checkpoint(first, second, "p3d_car", tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_pieces_of_files_and_no_files_are_named(tmp_path):
    first, second = write_pair(tmp_path, "p3d_car")
    with pytest.raises(WeightsError, match="other file of the pair"):
        import_checkpoint(second, first, "p3d_car", tmp_path / "weights")
    first.write_bytes(first.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="damaged|refused"):
        import_checkpoint(first, second, "p3d_car", tmp_path / "weights")
    with pytest.raises(WeightsError, match="There is no file"):
        import_checkpoint(tmp_path / "none.pth", None, "p3d_car", tmp_path / "weights")
    with pytest.raises(WeightsError, match="no category 'boat'"):
        import_checkpoint(first, second, "boat", tmp_path / "weights")
    with pytest.raises(WeightsError, match="above 0.5"):
        import_checkpoint(first, second, "p3d_car", tmp_path / "weights", [0.4])


def test_sizes_are_read_off_the_tensors(tmp_path):
    import_checkpoint(*write_pair(tmp_path, "p3d_car"), "p3d_car", tmp_path / "weights", focals=[1.5, 2.0])
    models = load_models("p3d_car", tmp_path / "weights")
    theirs, encoder = networks("p3d_car")
    assert models.encoder.config == encoder.config
    same = ("z_dim", "w_dim", "plane_resolution", "plane_channels", "values", "hidden")
    assert all(getattr(models.generator.config, n) == getattr(theirs.config, n) for n in same)
    assert models.category.focal_guesses == (1.5, 2.0)
    exact = models.encoder.state_dict()["backbone.linear_fuse.weight"]
    assert torch.equal(exact, encoder.state_dict()["backbone.linear_fuse.weight"]), "kept as it came"
    assert isinstance(models.encoder, Encoder) and np.isfinite(models.extra["best_fid"])

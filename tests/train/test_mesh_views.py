"""Pictures of modelled cars for the encoder: linear in attention, known shapes in new proportions."""

import numpy as np
import pytest
import torch

from spir.categories import CAR_PALETTE
from spir.evaluate.benchmarks.meshes import TEST_CARS
from spir.formulas import FORMULAS
from spir.train.encoder import mesh_views as module
from spir.train.encoder import views
from spir.train.encoder.mesh_views import (
    TRAINING_CARS,
    parts_by_shape,
    parts_by_swatch,
    stretch,
    training_car,
    with_rims,
)
from spir.train.encoder.shards import Views, save_shard
from tests.data.shapes import box, joined

TYRES, RIMS = CAR_PALETTE.index("tyres"), CAR_PALETTE.index("rims")
Z_DIM = FORMULAS["car"].z_dim


def wheels():
    """Two axles of boxes that stand on the ground."""
    return [box((0.4, 0.1, 0.1), TYRES, (0.0, -0.3, z)) for z in (-0.6, 0.6)]


@pytest.fixture(scope="module")
def seen():
    torch.manual_seed(0)
    return module.car_views(joined(box(), *wheels()), 6, 48, Z_DIM)


def test_attention_adds_up_to_the_silhouette(seen):
    assert seen.attention.shape == (6, 48, 48, 10) and seen.attention.dtype == np.uint8
    assert np.abs(seen.attention.astype(int).sum(-1) - seen.alpha).max() <= 5
    assert (seen.alpha.max((1, 2)) == 255).all()
    edge = np.concatenate((seen.alpha[:, 0], seen.alpha[:, -1], seen.alpha[:, :, 0], seen.alpha[:, :, -1]))
    assert edge.max() == 0
    body, shade, highlight = (
        seen.attention[..., CAR_PALETTE.index(n)] for n in ("body paint", "shade", "highlight")
    )
    assert body.max() > 100 and shade.max() > 20 and highlight.max() > 0


def test_coordinates_are_canonical_whatever_the_proportions(seen):
    """Premultiplied, within the box; and the long side is 1.8 long in every picture."""
    nocs = seen.nocs.astype(np.float32)
    assert (nocs[seen.alpha == 0] == 0).all() and np.abs(nocs[..., 2]).max() <= 0.9005
    solid = seen.alpha == 255
    widths = [np.abs(nocs[row][solid[row]])[:, 0].max() for row in range(6)]
    assert np.std(widths) > 0.01
    assert not seen.known.any() and seen.known.dtype == bool and seen.z.shape == (6, Z_DIM)


def test_stretching_keeps_the_frame():
    torch.manual_seed(1)
    long = stretch(box(), 0.3).vertices
    assert long.amax(0)[2].item() == pytest.approx(0.9) and (long.amin(0) + long.amax(0)).abs().max() < 1e-6
    assert abs(long.amax(0)[0] / 0.4 - long.amax(0)[1] / 0.3) > 0.01
    assert torch.allclose(stretch(box(), 0.0).vertices, box().vertices)


def test_lamps_are_painted_where_lamps_are():
    car = box()
    torch.manual_seed(2)
    views = module.car_views(car, 12, 48, Z_DIM)
    nocs = views.nocs.astype(np.float32)
    for name, sign in (("headlights", 1), ("tail lights", -1)):
        strong = views.attention[..., CAR_PALETTE.index(name)] > 80
        assert strong.any() and (nocs[strong][:, 2] * sign > 0.5).all()


def test_the_middle_of_a_wheel_is_its_rim():
    hub = box((0.41, 0.03, 0.03), TYRES, (0.0, -0.3, 0.6))
    car = joined(box(), *wheels(), hub)
    parts = with_rims(car, car.parts)
    assert (parts[-12:] == RIMS).sum() == 4 and (parts[:12] == 0).all()
    assert with_rims(box(), box().parts).tolist() == [0] * 12


def test_panels_of_the_cabin_are_glass():
    cabin = box((0.35, 0.1, 0.3), centre=(0.0, 0.2, 0.0))
    roof = box((0.35, 0.01, 0.3), centre=(0.0, 0.31, 0.0))
    parts = parts_by_shape(joined(box((0.4, 0.15, 0.9), centre=(0.0, -0.15, 0.0)), cabin, roof))
    assert (parts[:12] == 0).all() and (parts[-12:] == 0).all()
    assert (parts[12:24] == CAR_PALETTE.index("glass")).sum() == 8


def test_swatches_of_the_colour_map():
    def swatch(mesh, column, row):
        mesh.uv[:] = torch.tensor(((column + 0.5) / 16, (row + 0.5) / 4))
        return mesh

    small = (0.1, 0.1, 0.1)
    car = joined(
        swatch(box(), 9, 2),
        swatch(box(small), 1, 0),
        swatch(box(small), 7, 1),
        swatch(box(small), 13, 1),
        swatch(box(small, TYRES), 5, 1),
        swatch(box(small, TYRES), 7, 1),
        swatch(box(small), 2, 2),
    )
    names = [CAR_PALETTE[part] for part in parts_by_swatch(car)[::12]]
    assert names == ["body paint", "glass", "dark trim", "highlight", "tyres", "rims", "second paint"]
    grey = joined(swatch(box((0.4, 0.1, 0.9)), 7, 1), swatch(box((0.3, 0.2, 0.5)), 13, 1))
    assert [CAR_PALETTE[part] for part in parts_by_swatch(grey)[::12]] == ["body paint", "second paint"]


def test_no_car_is_both_teacher_and_examination():
    taught, asked = {file.path for file, _ in TRAINING_CARS}, {file.path for file in TEST_CARS}
    assert len(taught) == len(TRAINING_CARS) and len(asked) == len(TEST_CARS) == 12
    assert not taught & asked
    assert not any("hatchback_" in path or "Realistic" in path for path in taught)


def test_shards_have_no_empty_entries(tmp_path, seen):
    save_shard(tmp_path / "new", seen)
    save_shard(tmp_path / "new", Views(seen.z, seen.attention, seen.nocs, seen.alpha))
    first, second = (np.load(path) for path in sorted((tmp_path / "new").glob("*.npz")))
    assert set(first) - set(second) == {"known"} and np.array_equal(first["nocs"], seen.nocs)


def test_the_command_writes_shards(tmp_path, monkeypatch):
    from spir.data.meshes.read import MeshFile

    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 3\nv 0 1 3\nf 1 2 3\n")
    table = ((MeshFile("a.obj"), module.parts_by_node),)
    monkeypatch.setattr(module, "TRAINING_CARS", table)
    monkeypatch.setattr(views, "VIEW_SIZE", 16)
    out = tmp_path / "views"
    views.main(f"car --teacher meshes --meshes {tmp_path} --views 2 --out {out} --device cpu".split())
    with np.load(next(out.glob("*.npz"))) as shard:
        assert shard["alpha"].shape == (2, 16, 16) and not shard["known"].any()
    assert training_car(tmp_path, *table[0]).textures == ()
    with pytest.raises(SystemExit, match="needs --meshes DIR"):
        views.main(["car", "--teacher", "meshes"])

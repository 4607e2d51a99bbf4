"""Procedural cars: honest distances, named parts, one palette, the classes they claim."""

import numpy as np
import pytest
import torch

from spir.categories import CATEGORIES
from spir.formulas.car_field import LENGTH_UNITS, CarField, ProceduralCars
from spir.formulas.car_parameters import CLASSES, TABLE
from spir.train.distill.points import pull_to_surface

CARS = ProceduralCars.one_per_class(torch.Generator().manual_seed(3))
OPEN = list(CLASSES).index("convertible")


@pytest.fixture(scope="module")
def field() -> CarField:
    return ProceduralCars.field(CARS)


@pytest.fixture(scope="module")
def points() -> torch.Tensor:
    return torch.rand(len(CLASSES), 800, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_one_of_each_class_is_of_its_class():
    assert (TABLE.class_weights(CARS).argmax(dim=1) == torch.arange(len(CLASSES))).all()
    assert TABLE.class_weights(CARS).amax(dim=1).min() > 0.5


def test_everything_is_finite_even_far_outside(field):
    points = torch.randn(len(CLASSES), 200, 3) * 3
    sample = field(points)
    assert all(torch.isfinite(v).all() for v in (sample.sdf, sample.density, sample.rgb, sample.attention))


def test_closed_cars_are_symmetric(field, points):
    mirrored = points * torch.tensor([-1.0, 1.0, 1.0])
    closed = [i for i in range(len(CLASSES)) if i != OPEN]
    assert torch.allclose(field.sdf(points)[closed], field.sdf(mirrored)[closed], atol=1e-5)


def test_distance_never_promises_much_more_room_than_there_is(field, points):
    """Close to the surface a step of |sdf| may not jump through it: the slope stays near 1 or below."""
    near = points * torch.tensor([0.5, 0.45, 1.0])
    with torch.enable_grad():
        near = near.requires_grad_()
        sdf = field.sdf(near)
        (gradient,) = torch.autograd.grad(sdf.sum(), near)
    slope = gradient.norm(dim=-1)[sdf.abs() < 0.1]
    assert slope.quantile(0.98) < 1.25 and 0.6 < slope.median() < 1.1


def test_every_car_is_as_long_as_promised_and_inside_the_cube(field):
    grid = field.sdf_grid(49) < 0
    axis = torch.linspace(-1, 1, 49)
    for item in grid:
        along = axis[item.any(dim=0).any(dim=0)]
        assert abs((along.max() - along.min()).item() - LENGTH_UNITS) < 2 * (axis[1] - axis[0])
        assert not item[[0, -1]].any() and not item[:, [0, -1]].any() and not item[:, :, [0, -1]].any()


def test_grid_is_the_field_on_a_lattice(field):
    grid = field.sdf_grid(5)
    probe = torch.tensor([[-1.0, 0.5, 0.0]]).expand(len(CLASSES), 1, 3)
    assert torch.allclose(grid[:, 0, 3, 2], field.sdf(probe)[:, 0], atol=1e-5)


def test_colour_is_attention_times_palette(field, points):
    sample = field(points[:, :50])
    assert torch.allclose(sample.attention.sum(dim=-1), torch.ones(len(CLASSES), 50), atol=1e-5)
    assert (sample.attention >= 0).all()
    assert torch.allclose(sample.rgb, sample.attention @ field.palette)
    assert field.palette.abs().max() <= 1 and field.palette.shape == (len(CLASSES), 10, 3)


def test_every_named_part_is_somewhere_on_the_cars(field):
    """By the mean attention of its palette entry over points pulled to the surface."""
    points = torch.rand(len(CLASSES), 1500, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    points = pull_to_surface(field, points * torch.tensor([0.5, 0.4, 1.0]))
    _, normals = field.normals(points)
    shares = field.attention(points, normals).mean(dim=1).amax(dim=0)
    names = CATEGORIES["car"].palette_names
    assert {name for name, share in zip(names, shares, strict=True) if share > 0.005} == set(names)


def test_repainting_keeps_the_shape_and_changes_the_paint(points):
    torch.manual_seed(0)
    other = ProceduralCars.repaint(CARS)
    assert torch.allclose(
        ProceduralCars.field(CARS).sdf(points), ProceduralCars.field(other).sdf(points), atol=1e-4
    )
    assert (ProceduralCars.palette(CARS) - ProceduralCars.palette(other)).abs()[:, 0].mean() > 0.1


def test_classes_have_the_features_of_their_names(field):
    p, names = TABLE.decode(CARS), list(CLASSES)
    height = dict(zip(names, (p["height"] * 1)[:, 0].tolist(), strict=True))
    assert height["van"] > height["saloon"] > height["coupe"]
    # Above the waist in the middle: air in an open car, under the roof in a closed one.
    head = torch.stack([torch.zeros(len(names)), p["height"][:, 0] * 0.45, torch.zeros(len(names))], dim=-1)
    middle = field.sdf(head[:, None] * field.units[..., None])[:, 0]
    assert middle[names.index("convertible")] > 0 > middle[names.index("estate")]
    # Over the load bed: air behind the cabin of a pickup, luggage room in an SUV.
    bed = torch.stack(
        [p["waist"][:, 0] * 0, (p["deck"] - 0.5 * p["height"])[:, 0] - 0.1, -0.38 * p["length"][:, 0]], -1
    )
    load = field.sdf(bed[:, None] * field.units[..., None])[:, 0]
    assert load[names.index("pickup")] > 0 > load[names.index("SUV")]


def test_sheet_command_writes_a_picture(tmp_path, capsys):
    from PIL import Image

    from spir.data.__main__ import VIEWS_DEG, main

    main(["car", "--sheet", str(tmp_path / "sheet.png"), "--size", "24", "--random", "2"])
    with Image.open(tmp_path / "sheet.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (24 * len(VIEWS_DEG), 48, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20

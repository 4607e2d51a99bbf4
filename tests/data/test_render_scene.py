"""Photos of formulas: rays meet the car, the shadow lies under the car, places are where they should be."""

from dataclasses import replace

import pytest
import torch

from spir.data.meshes.render import Light
from spir.data.procedural.backgrounds import TEXTURES, Background, noise, render_background
from spir.data.procedural.render_scene import render_scene, sphere_trace
from spir.formulas import FORMULAS
from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose

LIGHT = Light((0.5, 0.9, 0.6))
PLACE = Background((0.5, 0.5, 0.5), grain=0.0)


@pytest.fixture(scope="module")
def field():
    return FORMULAS["car"].field(
        torch.randn(1, FORMULAS["car"].z_dim, generator=torch.Generator().manual_seed(3))
    )


@pytest.fixture(scope="module")
def camera():
    one = torch.ones(1)
    return camera_from_pose(look_at_pose(35 * one, 12 * one, 0 * one, 1.5 * one, 0.7 * one))


@pytest.fixture(scope="module")
def taken(field, camera):
    return render_scene(field, field.palette[0], camera, PLACE, LIGHT, (48, 48))


def test_rays_meet_the_car_where_dense_samples_find_it(field, camera):
    origins, directions = (part[0] for part in rays(camera, 32, 32))
    with torch.no_grad():
        hit, place = sphere_trace(field, origins[0, 0], directions)
        along = torch.linspace(3.0, 5.6, 500)[:, None, None, None]
        points = (origins + along * directions).reshape(1, -1, 3)
        inside = field.sdf(points).reshape(500, 32, 32).amin(0)
        left = field.sdf(place[None])[0]
    assert left.abs().max() < 0.01
    clear = inside.abs() > 0.01
    assert torch.equal(hit[clear], inside[clear] < 0) and 100 < hit.sum() < 900


def test_same_arguments_same_photo_and_paint_changes_only_the_car(field, camera, taken):
    again = render_scene(field, field.palette[0], camera, PLACE, LIGHT, (48, 48))
    assert torch.equal(again.rgb, taken.rgb) and torch.equal(again.mask, taken.mask)
    red = field.palette[0].clone()
    red[0] = torch.tensor((0.9, -0.9, -0.9))
    other = render_scene(field, red, camera, PLACE, LIGHT, (48, 48))
    assert torch.equal(other.mask, taken.mask)
    changed = (other.rgb != taken.rgb).any(-1)
    assert changed.any() and not changed[taken.mask == 0].any()


def test_the_shadow_is_darkest_under_the_car(field, camera, taken):
    open_ground = taken.rgb[-4:, :4].float().mean()
    below = taken.mask.bool().float().cumsum(0)
    rows = below.argmax(0) + 2
    columns = (taken.mask.amax(0) > 0).nonzero()[:, 0]
    under = torch.stack([taken.rgb[min(int(rows[column]), 47), column] for column in columns]).float().mean()
    assert under < 0.75 * open_ground


def test_a_wide_photo_is_the_square_one_without_top_and_bottom(field, camera, taken):
    wide = render_scene(field, field.palette[0], camera, PLACE, LIGHT, (48, 36))
    assert torch.equal(wide.mask, taken.mask[6:42])


def test_sky_above_and_ground_below(camera):
    origins, directions = (part[0] for part in rays(camera, 24, 32))
    colour, point, on_ground = render_background(origins[0, 0], directions, PLACE, -0.4)
    assert torch.equal(on_ground, directions[..., 1] < -1e-5) or (~on_ground).any()
    assert torch.allclose(point[on_ground][:, 1], torch.tensor(-0.4), atol=1e-2)
    assert colour.isfinite().all() and colour.min() >= 0


def test_a_wall_hides_what_is_behind_it_and_nothing_before_it(camera):
    origins, directions = (part[0] for part in rays(camera, 24, 32))
    walled = replace(PLACE, wall=(0.9, 0.1, 0.1), wall_at=1.5)
    without = render_background(origins[0, 0], directions, PLACE, -0.4)
    within = render_background(origins[0, 0], directions, walled, -0.4)
    lost = without[2] & ~within[2]
    towards = origins[0, 0] * torch.tensor((1.0, 0.0, 1.0)) / origins[0, 0, [0, 2]].norm()
    assert lost.any() and (without[1][lost] @ towards < -1.49).all()
    assert torch.equal(without[0][within[2]], within[0][within[2]])


@pytest.mark.parametrize("paving", TEXTURES)
def test_pavings_are_about_as_bright_as_their_ground(paving):
    places = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) * 8 - 4
    level = TEXTURES[paving](places)
    assert level.shape == (4000,) and level.min() > 0.3 and 0.8 < level.mean() < 1.3


def test_noise_is_seamless_and_about_zero():
    line = torch.stack((torch.linspace(-100, 100, 40001), torch.zeros(40001)), -1)
    values = noise(line, 1)
    assert values.abs().max() < 1.7 and values.mean().abs() < 0.1
    assert values.diff().abs().max() < 0.1
    assert not torch.equal(values, noise(line, 2))

"""The photo on the surface: where it is seen, where its mirror image is, and where nobody saw anything."""

from dataclasses import replace

import pytest
import torch

from spir.appearance.bake import BakeInput, bake_appearance
from spir.appearance.config import AppearanceConfig
from spir.appearance.layers import enlarged, texture
from spir.appearance.view import sample, view
from spir.categories import CATEGORIES
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.outputs.mesh import mesh
from spir.types import Code
from tests.appearance.objects import NAMES, PALETTE, LongBall, photographed, pose, stripes

CONFIG = AppearanceConfig(faces=1500, texture=256, coarse=128)
POSE = pose()
CATEGORY = replace(CATEGORIES["car"], palette_names=NAMES)


def given(**changes) -> BakeInput:
    photo, mask = photographed(POSE)
    box = torch.tensor((0.0, 0.0, 320.0, 320.0))
    plain = BakeInput(
        photo, mask, box, camera_from_pose(POSE), Code(torch.zeros(1, 2, 4)), PALETTE, CATEGORY, None
    )
    return replace(plain, **changes)


def baked(config=CONFIG, **changes):
    return bake_appearance(given(**changes), mesh(LongBall(), 64), LongBall(), config)


@pytest.fixture(scope="module")
def appearance():
    return baked()


def at_vertices(appearance, picture):
    return sample(picture, appearance.uv)


def facing(appearance):
    """The cosine to the viewer of every vertex, and of its mirror image."""
    flip = torch.tensor((-1.0, 1.0, 1.0))
    eye = camera_from_pose(POSE).cam2world[0, :3, 3]
    way = lambda points: torch.nn.functional.normalize(eye - points, dim=-1)  # noqa: E731
    own = (appearance.normals * way(appearance.vertices)).sum(-1)
    return own, (appearance.normals * flip * way(appearance.vertices * flip)).sum(-1)


def errors(appearance, where):
    found = at_vertices(appearance, texture(appearance))
    return (found - stripes(appearance.vertices)).abs().mean(-1)[where]


def test_what_the_photo_shows_is_as_the_photo_shows_it(appearance):
    own, _ = facing(appearance)
    assert (own > 0.6).sum() > 200 and errors(appearance, own > 0.6).median() < 0.03


def test_the_other_side_is_the_mirrored_photo(appearance):
    own, mirrored = facing(appearance)
    other = (own < -0.2) & (mirrored > 0.6)
    assert other.sum() > 100 and errors(appearance, other).median() < 0.05


def test_without_the_mirror_the_other_side_has_the_objects_own_colours():
    plain = baked(replace(CONFIG, mirror=False))
    own, mirrored = facing(plain)
    other = (own < -0.2) & (mirrored > 0.6)
    assert errors(plain, other).median() > 0.15
    assert plain.seen[..., 1].max() == 0 and at_vertices(plain, plain.seen)[other].mean() < 0.02


def test_a_category_that_is_not_symmetric_has_no_mirror():
    lone = baked(category=replace(CATEGORY, symmetric=False))
    assert lone.seen[..., 1].max() == 0


def test_the_layers_add_up_and_no_detail_is_the_generators(appearance):
    base = enlarged(appearance.weights, CONFIG.texture) @ ((appearance.palette + 1) / 2)
    total = appearance.light[..., None] * base + appearance.rest
    assert torch.allclose(texture(appearance), total.clamp(0, 1), atol=1e-6)
    assert total.min() > -0.02 and total.max() < 1.02
    plain = at_vertices(appearance, texture(appearance, detail=0.0))
    truth = (LongBall().attention(appearance.vertices) @ PALETTE + 1) / 2
    assert (plain - truth).abs().mean() < 0.06


def test_the_photos_camera_sees_the_photo(appearance):
    photo, mask = photographed(POSE, 160)
    seen = view(appearance, texture(appearance), camera_from_pose(POSE), 160)
    both = (seen.alpha[0] > 0.99) & (mask > 0.5)
    assert both.sum() / mask.sum() > 0.95
    off = ((seen.rgb[0] + 1) / 2 - photo.rgb / 255).abs().mean(-1)[both]
    assert off.mean() < 0.04


def test_the_underside_is_dark(appearance):
    under = at_vertices(appearance, texture(appearance))[appearance.normals[:, 1] < -0.92]
    assert len(under) and (under - 0.2).abs().max() < 0.05


def test_the_same_input_gives_the_same_bits(appearance):
    again = baked()
    for name in ("vertices", "uv", "light", "rest", "weights", "palette", "seen"):
        assert torch.equal(getattr(appearance, name), getattr(again, name)), name


def test_a_background_does_not_get_onto_the_surface(appearance):
    """A fit that is too large by a twentieth: the outline warp takes its rim into the mask."""
    larger = replace(POSE, scale=POSE.scale * 1.05)
    wide = baked(camera=camera_from_pose(larger))
    seen = view(wide, texture(wide), camera_from_pose(larger), 160)
    rgb = (seen.rgb[0] + 1) / 2
    # The background is a grey that no stripe has; the underside is a darker one.
    grey = (rgb.amax(-1) - rgb.amin(-1) < 0.06) & (rgb.mean(-1) > 0.27) & (seen.alpha[0] > 0.99)
    assert grey.float().sum() / (seen.alpha[0] > 0.99).sum() < 0.02


def test_a_field_without_a_palette_cannot_be_textured():
    class Plain(LongBall):
        def __call__(self, points, directions=None):
            return replace(super().__call__(points), attention=None)

    with pytest.raises(ValueError, match="mixed"):
        bake_appearance(given(), mesh(Plain(), 32), Plain(), CONFIG)


def test_an_orthographic_camera_sees_the_photo_as_well():
    """Far away with a long lens is nearly orthographic; the fit's pose says that it is."""
    far = look_at_pose(
        torch.tensor([60.0]), torch.tensor([8.0]), focal=torch.tensor([30.0]), scale=torch.tensor([0.9])
    )
    photo, mask = photographed(far)
    flat = camera_from_pose(replace(far, z0=None))
    made = baked(photo=photo, mask=mask, camera=flat)
    small, there = photographed(far, 160)
    seen = view(made, texture(made), flat, 160)
    both = (seen.alpha[0] > 0.99) & (there > 0.5)
    assert both.sum() / there.sum() > 0.95
    assert ((seen.rgb[0] + 1) / 2 - small.rgb / 255).abs().mean(-1)[both].mean() < 0.04


def test_a_palette_without_names_is_no_obstacle():
    plain = baked(category=replace(CATEGORY, palette_names=()))
    own, _ = facing(plain)
    assert errors(plain, own > 0.6).median() < 0.03

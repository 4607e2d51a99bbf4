"""The crop against a twin that counts pixels one by one."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from spir.categories import CATEGORIES
from spir.errors import PhotoError
from spir.photo.cutout import cutout, largest_component, read_mask
from spir.types import Photo

CAR = next(iter(CATEGORIES.values()))


def scene(height=60, width=80, box=(20, 10, 50, 30), seed=0):
    """A noisy photo and a rectangular mask; box is left, top, right, bottom."""
    noise = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(height, width)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return Photo(noise.to(torch.uint8)), mask


def twin(photo, mask, box_px, size, background):
    """Area averages of a crop whose side is a multiple of `size`, pixel by pixel."""
    x0, y0, x1, _ = (int(value) for value in box_px)
    step, (height, width) = (x1 - x0) // size, mask.shape
    rgb, soft = np.zeros((size, size, 3)), np.zeros((size, size))
    for row in range(size * step):
        for column in range(size * step):
            y, x = y0 + row, x0 + column
            seen = photo.rgb[min(max(y, 0), height - 1), min(max(x, 0), width - 1)].numpy()
            rgb[row // step, column // step] += seen / step**2
            if 0 <= y < height and 0 <= x < width and mask[y, x] >= 0.5:
                soft[row // step, column // step] += 1 / step**2
    return (rgb / 127.5 - 1) * soft[..., None] + background * (1 - soft[..., None]), soft


@pytest.mark.parametrize(
    ("box", "background"),
    [((20, 10, 60, 35), 0.0), ((0, 20, 40, 45), 1.0), ((40, 30, 80, 60), -0.3), ((0, 0, 40, 60), 0.0)],
)
def test_cutout_is_the_area_average_of_the_square(box, background):
    photo, mask = scene(box=box)
    longer = max(box[2] - box[0], box[3] - box[1])
    cut = cutout(photo, mask, replace(CAR, background=background), size=longer // 2, margin=0.0)
    rgb, soft = twin(photo, mask, cut.box_px[0], longer // 2, background)
    assert torch.allclose(cut.mask[0], torch.from_numpy(soft).float(), atol=1e-5)
    assert torch.allclose(cut.rgb[0], torch.from_numpy(rgb).float(), atol=1e-4)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.25])
def test_box_is_square_centred_and_as_wide_as_asked(margin):
    photo, mask = scene(box=(20, 10, 60, 30))
    x0, y0, x1, y1 = cutout(photo, mask, CAR, margin=margin).box_px[0].tolist()
    assert x1 - x0 == y1 - y0 == pytest.approx(40 * (1 + 2 * margin), abs=0.5)
    assert (x0 + x1) / 2 == pytest.approx(40, abs=0.5)
    assert (y0 + y1) / 2 == pytest.approx(20, abs=0.5)


def test_shapes_ranges_and_background():
    photo, mask = scene()
    cut = cutout(photo, mask, CAR)
    assert cut.rgb.shape == (1, 128, 128, 3)
    assert cut.mask.min() == 0
    assert cut.mask.max() == 1
    assert cut.rgb.abs().max() <= 1
    assert (cut.rgb[cut.mask == 0] == CAR.background).all()


def test_the_faint_skirt_of_a_soft_mask_does_not_move_the_box():
    photo, mask = scene()
    soft = mask.clone()
    soft[mask == 0] = 0.3
    soft[mask == 1] = 0.6
    plain, skirted = cutout(photo, mask, CAR), cutout(photo, soft, CAR)
    assert torch.equal(plain.box_px, skirted.box_px)
    assert torch.equal(plain.rgb, skirted.rgb)


def test_object_at_the_border_reaches_outside_the_photo():
    photo, mask = scene(box=(0, 0, 40, 20))
    cut = cutout(photo, mask, CAR, size=64)
    x0, y0, x1, y1 = cut.box_px[0].tolist()
    assert x0 < 0 and y0 < 0
    above = int(-y0 / (y1 - y0) * 64)
    assert (cut.mask[0, :above] == 0).all()
    assert cut.mask[0].sum() / 64**2 == pytest.approx(40 * 20 / (x1 - x0) ** 2, rel=0.02)


def test_a_mask_of_the_whole_picture_is_allowed():
    photo, _ = scene()
    cut = cutout(photo, torch.ones(60, 80), CAR)
    assert cut.mask.sum() / 128**2 == pytest.approx(60 * 80 / 88**2, rel=0.01)


def test_a_small_object_is_enlarged():
    photo, mask = scene(box=(30, 20, 40, 29))
    assert cutout(photo, mask, CAR).mask.mean() == pytest.approx(10 * 9 / 11**2, rel=0.1)


def test_no_object_and_a_speck_are_said():
    photo, mask = scene()
    with pytest.raises(PhotoError, match="No object.*brush.*another photo"):
        cutout(photo, mask * 0.49, CAR)
    with pytest.raises(PhotoError, match="too small.*brush"):
        cutout(photo, scene(box=(30, 20, 36, 24))[1], CAR)


def test_largest_component_drops_the_others_and_keeps_soft_values():
    mask = torch.zeros(40, 50)
    mask[5:20, 5:30] = 0.8
    mask[30:35, 40:48] = 1
    kept = largest_component(mask)
    assert torch.equal(kept[:25], mask[:25])
    assert kept[25:].sum() == 0
    assert torch.equal(largest_component(torch.zeros(4, 4)), torch.zeros(4, 4))


def png(array, **options) -> bytes:
    file = BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["grey", "label", "rgb", "one_bit", "alpha", "sixteen_bit"])
def test_a_mask_in_any_form(kind):
    photo, mask = scene()
    solid = mask.numpy().astype(np.uint8)
    data = {
        "grey": lambda: png(solid * 255),
        "label": lambda: png(solid),
        "rgb": lambda: png(np.repeat(solid[..., None] * 255, 3, 2)),
        "one_bit": lambda: png(solid > 0),
        "alpha": lambda: png(np.dstack([photo.rgb.numpy(), solid * 255])),
        "sixteen_bit": lambda: png(solid.astype(np.uint16) * 65535),
    }[kind]()
    assert torch.equal(read_mask(data, photo), mask)


@pytest.mark.parametrize("factor", [0.5, 3])
def test_a_mask_of_another_size_is_fitted(factor):
    photo, mask = scene(box=(20, 10, 60, 40))
    large = Image.fromarray(mask.numpy().astype(np.uint8) * 255).resize(
        (round(80 * factor), round(60 * factor)), Image.Resampling.BOX
    )
    fitted = read_mask(png(np.asarray(large)), photo)
    assert fitted.shape == mask.shape
    assert (((fitted >= 0.5).float() - mask).abs().sum() / mask.sum()) < 0.1


def test_a_mask_of_another_shape_or_no_picture_is_said():
    photo, mask = scene()
    with pytest.raises(PhotoError, match="60 x 80.*does not fit.*80 x 60"):
        read_mask(png(mask.numpy().T.astype(np.uint8) * 255), photo)
    with pytest.raises(PhotoError, match="not a picture"):
        read_mask(b"no picture", photo)


def test_an_empty_mask_is_empty():
    photo, _ = scene()
    assert read_mask(png(np.zeros((60, 80), np.uint8)), photo).sum() == 0

"""Figures, pixel by pixel."""

import numpy as np
import pytest
import torch

from spir.outputs.panels import (
    ATTENTION_COLOURS,
    GAP,
    TEXT_HEIGHT,
    attention_picture,
    error_picture,
    nocs_picture,
    normals_picture,
    sheet,
    strip,
)
from spir.types import Code, Pose, Step

HALF = torch.tensor([[1.0, 0.5], [0.0, 1.0]])


def test_nocs_corners_of_the_cube_are_corners_of_the_colour_cube():
    nocs = torch.tensor([[[1.4, -1.4, 0.0]], [[0.0, 0.0, 0.0]]])
    picture = nocs_picture(nocs, torch.tensor([[1.0], [0.0]]), 1.4)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [255, 0, 128]
    assert picture[1, 0].tolist() == [255, 255, 255]


def test_nocs_fades_into_white():
    full, half = torch.tensor([[[0.7, 0.0, -0.7]]]), torch.ones(1, 1)
    solid = nocs_picture(full, half, 1.0).astype(int)
    faint = nocs_picture(full / 2, half / 2, 1.0).astype(int)
    assert np.abs(faint - (solid + 255) / 2).max() <= 1


def test_normals_may_have_any_length():
    normals = torch.tensor([[[0.0, 0.0, 3.0], [0.0, -0.01, 0.0]]])
    picture = normals_picture(normals, torch.ones(1, 2))
    assert picture[0, 0].tolist() == [128, 128, 255]
    assert picture[0, 1].tolist() == [128, 0, 128]


def test_attention_shows_its_ten_colours_and_they_are_distinct():
    picture = attention_picture(torch.eye(10)[None])
    assert (picture[0] == np.array(ATTENTION_COLOURS)).all()
    table = np.array(ATTENTION_COLOURS, int)
    apart = np.linalg.norm(table[:, None] - table[None], axis=2) + 999 * np.eye(10)
    assert apart.min() > 50
    assert (attention_picture(torch.zeros(1, 1, 12)) == 255).all()


def test_error_runs_from_white_to_dark():
    target = torch.zeros(1, 5, 3)
    rgb = torch.tensor([0.0, 0.3, -0.6, 0.9, 2.0])[None, :, None].expand(1, 5, 3)
    brightness = error_picture(target, rgb).sum(-1)[0].astype(int)
    assert brightness[0] == 3 * 255
    assert (np.diff(brightness) < 0).all()


def step(index, size=16):
    pose = Pose(None, torch.zeros(1, 2), torch.ones(1), torch.tensor([[1.0, 0, 0, 0]]))
    rgb = torch.full((1, size, size, 3), index / 20 - 1)
    return Step(index, Code(torch.zeros(1, 1, 4)), pose, rgb, torch.ones(1, size, size), torch.ones(1), 0.1)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (3, 3), (31, 8)])
def test_strip_shows_first_and_last(count, shown):
    picture = strip([step(index) for index in range(count)])
    assert picture.shape == (TEXT_HEIGHT + 2 * GAP + 16, shown * (16 + GAP) + GAP, 3)
    y = TEXT_HEIGHT + GAP + 8
    assert picture[y, GAP + 8, 0] == 0
    assert picture[y, -GAP - 8, 0] == round((count - 1) / 20 * 127.5)
    assert (picture[:TEXT_HEIGHT] < 100).any(), "the numbers are written above"


def test_strip_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        strip([])


def test_sheet_puts_every_picture_where_it_belongs():
    rows = [[np.full((10, 12, 3), 10 * i + j, np.uint8) for j in range(3 - i)] for i in range(2)]
    rows[1][0] = rows[1][0][:4, :5]
    page = sheet(rows)
    assert page.shape == (2 * (10 + GAP) + GAP, 3 * (12 + GAP) + GAP, 3)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            y, x = GAP + i * (10 + GAP), GAP + j * (12 + GAP)
            height, width = picture.shape[:2]
            assert (page[y : y + height, x : x + width] == picture).all()
    assert (page[GAP + 10 + GAP + 5, GAP + 2] == 255).all(), "beside a smaller picture there is paper"


def test_sheet_labels_columns_and_rows():
    rows = [[np.full((40, 60, 3), 255, np.uint8)] * 2] * 2
    plain, labelled = sheet(rows), sheet(rows, ["photo", "step 10"], ["car 1", "car 2"])
    assert labelled.shape[0] == plain.shape[0] + TEXT_HEIGHT
    for y, x in ((0, GAP), (0, 2 * GAP + 60), (TEXT_HEIGHT + GAP, GAP), (TEXT_HEIGHT + 2 * GAP + 40, GAP)):
        assert (labelled[y : y + TEXT_HEIGHT, x : x + 40] < 128).any()

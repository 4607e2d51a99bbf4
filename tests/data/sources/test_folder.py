"""A plain folder: masks from either place, or none."""

import numpy as np
import pytest
from PIL import Image

from spir.data.sources.folder import FolderPictures


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "c.webp"):
        Image.new("RGB", (40, 20), (90, 90, 90)).save(tmp_path / name)
    left = np.zeros((20, 40), np.uint8)
    left[:, :10] = 255
    Image.fromarray(left).save(tmp_path / "a.mask.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(255 - left).save(tmp_path / "masks" / "b.png")
    (tmp_path / "notes.txt").write_text("not a photo")
    return tmp_path


def test_masks_are_found_beside_and_below(folder):
    pictures = FolderPictures(folder)
    assert pictures.names == ("a", "b", "c") and pictures.name == folder.name
    a, b, c = pictures
    assert (a.photo.alpha[:, :10] == 255).all() and (a.photo.alpha[:, 10:] == 0).all()
    assert (b.photo.alpha[:, :10] == 0).all() and (b.photo.alpha[:, 10:] == 255).all()
    assert c.photo.alpha is None and c.camera is None and c.photo.rgb.shape == (20, 40, 3)


def test_what_it_refuses(folder, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    assert not FolderPictures.recognises(empty)
    with pytest.raises(ValueError, match="holds no photo"):
        FolderPictures(empty)
    with pytest.raises(ValueError, match="ask for 'train'"):
        FolderPictures(folder, "val")
    Image.new("L", (30, 30)).save(folder / "masks" / "c.png")
    with pytest.raises(ValueError, match="picture c: The mask"):
        FolderPictures(folder)[2]
    Image.new("RGB", (40, 20)).save(folder / "a.jpeg")
    with pytest.raises(ValueError, match="share a name"):
        FolderPictures(folder)

"""Photos in a tar: any order, masks by name, usable in another process."""

import io
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from spir.data.sources.tar import TarPictures


def member(tar: tarfile.TarFile, name: str, picture: Image.Image, form: str) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    info = tarfile.TarInfo(name)
    info.size = buffer.tell()
    buffer.seek(0)
    tar.addfile(info, buffer)


def fill(path, mode="w"):
    with tarfile.open(path, mode) as tar:
        # Masks before photos, and photos out of order: names decide, not places.
        for number in (7, 3, 5):
            mask = np.zeros((24, 32), bool)
            mask[:, :number] = True
            if number != 5:
                member(tar, f"./{number:05d}.png", Image.fromarray(mask), "PNG")
            member(tar, f"./{number:05d}.jpg", Image.new("RGB", (32, 24), (number * 30, 0, 0)), "JPEG")
    return path


@pytest.fixture
def pictures(tmp_path):
    return TarPictures(fill(tmp_path / "cars.tar"))


def test_photos_and_masks_belong_together_in_any_order(pictures):
    assert pictures.names == ("00003", "00005", "00007") and pictures.name == "cars" and len(pictures) == 3
    for index, number in ((2, 7), (0, 3)):
        picture = pictures[index]
        assert picture.name == f"{number:05d}" and picture.camera is None
        assert abs(picture.photo.rgb[..., 0].float().mean().item() - number * 30) < 3
        alpha = picture.photo.alpha
        assert (alpha[:, :number] == 255).all() and (alpha[:, number:] == 0).all()
    assert pictures[1].photo.alpha is None
    assert pictures[-1].name == "00007"
    with pytest.raises(IndexError):
        pictures[3]
    assert [picture.name for picture in pictures] == list(pictures.names)


def test_it_can_be_pickled_and_read_by_many_at_once(pictures):
    copy = pickle.loads(pickle.dumps(pictures))
    order = [2, 1, 0] * 30
    with ThreadPoolExecutor(4) as readers:
        found = list(readers.map(copy.__getitem__, order))
    for index, picture in zip(order, found, strict=True):
        assert picture.name == pictures.names[index]
        assert picture.photo.rgb.equal(pictures[index].photo.rgb)


def test_what_it_refuses(tmp_path, pictures):
    with pytest.raises(ValueError, match="Decompress it first"):
        TarPictures(fill(tmp_path / "cars.tar.gz", "w:gz"))
    with pytest.raises(ValueError, match="ask for 'train'"):
        TarPictures(pictures.path, "test")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(ValueError, match="holds no photo"):
        TarPictures(tmp_path / "empty.tar")


def test_a_damaged_picture_is_named(tmp_path):
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        info = tarfile.TarInfo("00001.jpg")
        info.size = 9
        tar.addfile(info, io.BytesIO(b"no photo!"))
    with pytest.raises(ValueError, match="bad, picture 00001"):
        TarPictures(tmp_path / "bad.tar")[0]

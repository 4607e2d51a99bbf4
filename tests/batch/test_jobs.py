"""Photos to jobs: which files, whose mask, what name."""

import fsspec
import pytest

from spir.batch.jobs import jobs, read
from spir.errors import PhotoError


def test_folders_are_opened_and_names_stay_apart(tmp_path):
    for name in ("red.png", "red.mask.png", "broken.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.jpg").touch()
    found = jobs([str(tmp_path), str(tmp_path / "other" / "red.jpg"), str(tmp_path / "RED.gif")])
    assert [job.name for job in found] == ["broken.jpg", "red.png", "red.jpg", "RED.gif"]
    assert [job.folder for job in found] == ["broken", "red", "red-2", "RED-3"]
    assert [job.mask for job in found] == [None, str(tmp_path / "red.mask.png"), None, None]


def test_masks_beside_the_photos_can_be_left_aside(tmp_path):
    for name in ("red.png", "red.mask.png", "blue.jpg"):
        (tmp_path / name).touch()
    found = jobs([str(tmp_path), str(tmp_path / "red.png")], masks_beside=False)
    assert len(found) == 3 and all(job.mask is None for job in found)
    (job,) = jobs([str(tmp_path / "red.png")], str(tmp_path / "other.png"), masks_beside=False)
    assert job.mask == str(tmp_path / "other.png")


@pytest.mark.parametrize("name", ["index.html", "Index-2.HTML", "table.csv"])
def test_no_photo_takes_the_place_of_the_report(name):
    (job,) = jobs([f"{name}.jpg"])
    assert job.folder == f"{name}-2"


def test_names_with_signs_of_patterns_are_only_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    for name in ("a[1].jpg", "a[1].mask.png", "b*.jpg", "c::d.jpg"):
        (tmp_path / "~" / name).write_bytes(name.encode())
    found = jobs(["~"])
    assert [job.folder for job in found] == ["a[1]", "b*", "c::d"] and found[0].mask.endswith("a[1].mask.png")
    assert [read(job.photo) for job in found] == [b"a[1].jpg", b"b*.jpg", b"c::d.jpg"]


def test_photos_may_lie_in_any_store():
    files = fsspec.filesystem("memory")
    files.pipe({"/given/one.jpg": b"1", "/given/one.mask.png": b"2", "/given/two.txt": b"3"})
    (job,) = jobs(["memory://given"])
    assert job.folder == "one" and read(job.photo) == b"1" and read(job.mask) == b"2"
    (alone,) = jobs(["memory://given/one.jpg"])
    assert alone == job


def test_a_file_that_is_not_there_is_the_photos_own_fault(tmp_path):
    with pytest.raises(PhotoError, match="cannot be read"):
        read(str(tmp_path / "none.jpg"))

"""Two visitors who send the same photo share Gradio's one file: it goes when neither needs it, and not before."""

import os
import time

import pytest

from spir.app.server import uploads as room
from spir.app.server.uploads import YOUNG, Uploads
from tests.app.conftest import last, visitor


@pytest.fixture
def photo(tmp_path, car_png):
    """The one file, sent a while ago."""
    path = tmp_path / "car.png"
    path.write_bytes(car_png.read_bytes())
    sent_before(path, YOUNG + 1)
    return path


def sent_before(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_the_last_who_needs_it_takes_it_along(handlers, photo):
    for name in ("anna", "bert"):
        last(handlers.segment({"path": str(photo)}, None, visitor(name)))
    handlers.leave(visitor("anna"))
    assert photo.exists()
    handlers.leave(visitor("bert"))
    assert not photo.exists()


def test_who_has_just_sent_it_again_finds_it(handlers, photo):
    last(handlers.segment({"path": str(photo)}, None, visitor("anna")))
    sent_before(photo, 1)
    handlers.leave(visitor("anna"))
    assert last(handlers.segment({"path": str(photo)}, None, visitor("bert")))[0]
    handlers.leave(visitor("bert"))
    sent_before(photo, YOUNG + 1)
    handlers.runs.sweep(7200.0)
    assert not photo.exists(), "and if nobody comes, it goes with the next sweep"


def test_who_left_while_the_object_was_looked_for_leaves_nothing(handlers, photo):
    event = handlers.segment({"path": str(photo)}, None, visitor("anna"))
    next(event)
    handlers.leave(visitor("anna"))
    assert next(event)[0] in handlers.runs.runs
    event.close()
    assert not handlers.runs.runs and not photo.exists()


def test_what_is_gone_already_is_forgotten(tmp_path):
    uploads = Uploads()
    uploads.release([tmp_path / "gone"])
    uploads.remove(set())
    assert not uploads.over


def test_what_nobody_comes_for_does_not_fill_the_disk(handlers, car_png, monkeypatch):
    root = handlers.runs.root
    files = [root / f"sent {number}" / "photo.jpg" for number in range(5)]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True)
        file.write_bytes(car_png.read_bytes())
        sent_before(file, 100 - number)
    last(handlers.segment({"path": str(files[0])}, None, visitor("anna")))
    (own,) = handlers.runs.runs.values()
    (own.folder / "car.zip").write_bytes(bytes(10**6))
    monkeypatch.setattr(room, "MOST", 2 * files[0].stat().st_size)
    handlers.runs.sweep(7200.0)
    assert [file.exists() for file in files] == [True, False, False, True, True], "the oldest go, not Anna's"
    assert (own.folder / "car.zip").exists()

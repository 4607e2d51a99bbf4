"""Two visitors who send the same photo share Gradio's one file: it goes when neither needs it, and not before."""

import os
import time

import pytest

from spir.session import uploads as room
from spir.session.uploads import MIN_AGE_SECONDS, Uploads
from tests.app.conftest import last, visitor


@pytest.fixture
def photo(tmp_path, car_png):
    """The one file, sent a while ago."""
    path = tmp_path / "car.png"
    path.write_bytes(car_png.read_bytes())
    sent_before(path, MIN_AGE_SECONDS + 1)
    return path


def sent_before(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_the_last_who_needs_it_takes_it_along(photos, photo):
    for name in ("anna", "bert"):
        last(photos.segment({"path": str(photo)}, None, visitor(name)))
    photos.leave(visitor("anna"))
    assert photo.exists()
    photos.leave(visitor("bert"))
    assert not photo.exists()


def test_who_has_just_sent_it_again_finds_it(photos, context, photo):
    last(photos.segment({"path": str(photo)}, None, visitor("anna")))
    sent_before(photo, 1)
    photos.leave(visitor("anna"))
    assert last(photos.segment({"path": str(photo)}, None, visitor("bert")))[0]
    photos.leave(visitor("bert"))
    sent_before(photo, MIN_AGE_SECONDS + 1)
    context.store.sweep(7200.0)
    assert not photo.exists(), "and if nobody comes, it goes with the next sweep"


def test_who_left_while_the_object_was_looked_for_leaves_nothing(photos, context, photo):
    event = photos.segment({"path": str(photo)}, None, visitor("anna"))
    next(event)
    photos.leave(visitor("anna"))
    assert next(event)[0] in context.store.slots
    event.close()
    assert not context.store.slots and not photo.exists()


def test_what_is_gone_already_is_forgotten(tmp_path):
    uploads = Uploads()
    uploads.release([tmp_path / "gone"])
    uploads.remove(set())
    assert not uploads.over


def test_what_nobody_comes_for_does_not_fill_the_disk(photos, context, car_png, monkeypatch):
    root = context.store.root
    files = [root / f"sent {number}" / "photo.jpg" for number in range(5)]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True)
        file.write_bytes(car_png.read_bytes())
        sent_before(file, 100 - number)
    last(photos.segment({"path": str(files[0])}, None, visitor("anna")))
    (own,) = context.store.slots.values()
    (own.folder / "car.zip").write_bytes(bytes(10**6))
    monkeypatch.setattr(room, "MAX_ORPHAN_BYTES", 2 * files[0].stat().st_size)
    context.store.sweep(7200.0)
    assert [file.exists() for file in files] == [True, False, False, True, True], "the oldest go, not Anna's"
    assert (own.folder / "car.zip").exists()

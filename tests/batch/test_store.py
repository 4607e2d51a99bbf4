"""A photo's folder is complete or absent, whatever was there before."""

import uuid

import pytest

from spir.batch.plan import exclusive_lock
from spir.batch.store import Store
from spir.errors import EngineError


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "out") if request.param == "local" else f"memory://{uuid.uuid4()}/out")


def names(store, folder):
    return {path.rpartition("/")[2] for path in store.files.ls(f"{store.root}/{folder}", detail=False)}


def test_what_is_kept_is_known(store):
    assert store.record("a") is None and list(store.records()) == []
    store.save("a", {"mesh.glb": b"1", "photo.png": b"2"}, {"n": 1})
    store.save_failure("b", {"failure": "no"})
    assert store.record("a") == {"n": 1} and names(store, "a") == {"mesh.glb", "photo.png", "run.json"}
    assert list(store.records()) == [("a", {"n": 1}), ("b", {"failure": "no"})]


def test_made_anew_nothing_of_before_is_left(store):
    store.save("a", {"mesh.glb": b"1", "photo.png": b"2"}, {"n": 1})
    store.write("a/notes.txt", b"the user's own")
    store.save("a", {"photo.png": b"3"}, {"n": 2})
    assert names(store, "a") == {"photo.png", "run.json", "notes.txt"}
    store.save_failure("a", {"failure": "no"})
    assert store.record("a") == {"failure": "no"}
    store.save("a", {"photo.png": b"3"}, {"n": 3})
    assert store.record("a") == {"n": 3} and "failed.json" not in names(store, "a")


def test_half_written_is_not_done(store, monkeypatch):
    store.save("a", {"photo.png": b"2"}, {"n": 1})

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(type(store.files), "pipe_file", full)
    with pytest.raises(OSError, match="space"):
        store.save("a", {"photo.png": b"3"}, {"n": 2})
    assert store.record("a") is None


@pytest.mark.parametrize("damage", [b"", b'{"n": ', b"[1]", b"\xff\xfe"])
def test_a_damaged_record_counts_as_none(store, damage):
    store.save("a", {}, {"n": 1})
    store.write("a/run.json", damage)
    assert store.record("a") is None


def test_two_runs_keep_out_of_each_others_way(tmp_path):
    store = Store(str(tmp_path / "out"))
    with (
        exclusive_lock(store),
        pytest.raises(EngineError, match="another run"),
        exclusive_lock(Store(store.root)),
    ):
        pass
    with exclusive_lock(store):
        pass

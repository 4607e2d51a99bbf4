"""One photo of many, with tiny networks: done once, done again only where something else is asked."""

import uuid
from dataclasses import replace

import pytest

from spir.batch.jobs import jobs
from spir.batch.process import OVERVIEW, attempt, lost
from spir.batch.settings import Settings
from spir.batch.store import Store
from spir.outputs.mesh import EmptySurfaceError
from spir.photo import read_photo


@pytest.fixture
def bench(plan):
    return plan.bench()


@pytest.fixture
def job(photos):
    return jobs([str(photos / "car0.png")])[0]


@pytest.fixture
def runs(bench, monkeypatch):
    """How often something was reconstructed."""
    calls, reconstruct = [], bench.reconstructor.reconstruct
    counted = lambda *arguments: (calls.append(1), reconstruct(*arguments))[1]  # noqa: E731
    monkeypatch.setattr(bench.reconstructor, "reconstruct", counted)
    return calls


def test_the_same_is_not_done_twice(bench, job, runs):
    seen = []
    first = attempt(bench, job, seen.append)
    assert not first.failure and not first.earlier and [step.index for step in seen] == [0]
    again = attempt(bench, job)
    assert again == replace(first, earlier=True) and len(runs) == 1


def test_what_is_asked_otherwise_is_done_anew(bench, job, runs, photos):
    attempt(bench, job)
    attempt(replace(bench, settings=replace(bench.settings, seed=1)), job)
    assert len(runs) == 2
    (photos / "car0.png").write_bytes((photos / "car1.png").read_bytes())
    (photos / "car0.mask.png").write_bytes((photos / "car1.mask.png").read_bytes())
    attempt(bench, job)
    assert len(runs) == 3


def test_device_and_place_of_the_weights_are_not_what_is_asked():
    assert Settings(device="cuda", weights="x").asked("h", b"1", None) == Settings().asked("h", b"1", None)
    assert Settings().asked("h", b"1", None) != Settings().asked("h", b"1", b"")


def test_texture_is_part_of_what_is_asked_and_needs_a_mesh():
    asked = [Settings(texture=size).asked("h", b"1", None) for size in (0, 1024, 2048)]
    assert asked[0] != asked[1] != asked[2]
    assert Settings().textured and not Settings(texture=0).textured
    assert not Settings(mesh_resolution=0).textured and not Settings(as_published=True).textured


@pytest.mark.parametrize("problem", [EmptySurfaceError("nowhere negative"), ValueError("no mixture")])
def test_a_surface_that_cannot_be_textured_is_remarked(bench, job, monkeypatch, problem):
    def fall(*_):
        raise problem

    monkeypatch.setattr(bench.reconstructor, "appearance", fall)
    bench = replace(bench, settings=replace(bench.settings, mesh_resolution=16))
    row = attempt(bench, job)
    assert not row.failure and str(problem) in row.remark
    assert "mesh.glb" in bench.store.known(job.folder)["notes"]["files"]


def test_a_failure_stays_until_another_try_is_wanted(bench, photos, runs):
    (job,) = jobs([str(photos / "broken.jpg")])
    row = attempt(bench, job)
    assert "not a picture" in row.failure and not row.earlier
    assert attempt(bench, job) == replace(row, earlier=True)
    assert not attempt(replace(bench, retry_failed=True), job).earlier
    (photos / "broken.jpg").write_bytes((photos / "car1.png").read_bytes())
    assert not attempt(bench, job).failure


def test_whatever_breaks_is_the_photos_own_failure(bench, job, monkeypatch):
    def fall(*_):
        raise MemoryError("too much")

    monkeypatch.setattr(bench.reconstructor, "render", fall)
    assert attempt(bench, job).failure == "MemoryError('too much')"
    assert bench.store.known(job.folder)["failure"] and list(bench.store.records())


def test_results_go_to_any_store(plan, job):
    store = Store(f"memory://{uuid.uuid4()}/deep/down")
    bench = replace(plan.bench(), store=store)
    row = attempt(bench, job)
    record = store.known("car0")
    assert record["notes"]["verdict"]["level"] == row.verdict and attempt(bench, job).earlier
    shown = read_photo(store.files.cat_file(f"{store.root}/car0/{OVERVIEW}")).rgb
    assert shown.shape == (136, 796, 3)


def test_a_photo_that_its_worker_had_finished_is_not_lost(bench, job, plan):
    weights = bench.reconstructor.weights_hash
    assert lost(bench.store, job, plan.settings, weights, "gone").failure == "gone"
    done = attempt(replace(bench, retry_failed=True), job)
    assert lost(bench.store, job, plan.settings, weights, "gone") == replace(done, earlier=True)

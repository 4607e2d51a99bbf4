"""One photo of many, with tiny networks: done once, done again only where something else is asked."""

import uuid
from dataclasses import replace

import pytest

from spir.batch.jobs import jobs
from spir.batch.process import OVERVIEW, process_job, row_of_lost_job
from spir.batch.settings import Settings
from spir.batch.store import Store
from spir.errors import NoPaletteError
from spir.photo import read_photo


@pytest.fixture
def job(photos):
    return jobs([str(photos / "car0.png")])[0]


@pytest.fixture
def runs(context, monkeypatch):
    """How often something was reconstructed."""
    calls, initialise = [], context.engine.initialise
    counted = lambda cutout: (calls.append(1), initialise(cutout))[1]  # noqa: E731
    monkeypatch.setattr(context.engine, "initialise", counted)
    return calls


def test_the_same_is_not_done_twice(context, job, runs):
    seen = []
    first = process_job(context, job, seen.append)
    assert not first.failure and not first.earlier and [step.index for step in seen] == [0]
    again = process_job(context, job)
    assert again == replace(first, earlier=True) and len(runs) == 1


def test_what_is_asked_otherwise_is_done_anew(context, job, runs, photos):
    process_job(context, job)
    process_job(replace(context, settings=replace(context.settings, seed=1)), job)
    assert len(runs) == 2
    (photos / "car0.png").write_bytes((photos / "car1.png").read_bytes())
    (photos / "car0.mask.png").write_bytes((photos / "car1.mask.png").read_bytes())
    process_job(context, job)
    assert len(runs) == 3


def test_device_and_place_of_the_weights_are_not_what_is_asked():
    assert Settings(device="cuda", weights="x").request("h", b"1", None) == Settings().request(
        "h", b"1", None
    )
    assert Settings().request("h", b"1", None) != Settings().request("h", b"1", b"")


def test_texture_is_part_of_what_is_asked_and_needs_a_mesh():
    asked = [Settings(texture=size).request("h", b"1", None) for size in (0, 1024, 2048)]
    assert asked[0] != asked[1] != asked[2]
    assert Settings().textured and not Settings(texture=0).textured
    assert not Settings(mesh_resolution=0).textured and not Settings(as_published=True).textured


def test_another_version_of_the_code_does_it_anew(context, job, runs, monkeypatch):
    process_job(context, job)
    monkeypatch.setattr("spir.batch.settings.code_version", lambda: "of tomorrow")
    assert not process_job(context, job).earlier and len(runs) == 2


def test_a_surface_that_cannot_be_textured_is_remarked(context, job, monkeypatch):
    def fall(*_):
        raise NoPaletteError("no mixture")

    monkeypatch.setattr(context.engine, "appearance", fall)
    context = replace(context, settings=replace(context.settings, mesh_resolution=16))
    row = process_job(context, job)
    assert not row.failure and "no texture" in row.remark
    assert "mesh.glb" in context.store.record(job.folder)["notes"]["files"]


def test_a_failure_stays_until_another_try_is_wanted(context, photos, runs):
    (job,) = jobs([str(photos / "broken.jpg")])
    row = process_job(context, job)
    assert "not a picture" in row.failure and not row.earlier
    assert process_job(context, job) == replace(row, earlier=True)
    assert not process_job(replace(context, retry_failed=True), job).earlier
    (photos / "broken.jpg").write_bytes((photos / "car1.png").read_bytes())
    assert not process_job(context, job).failure


def test_whatever_breaks_is_the_photos_own_failure(context, job, monkeypatch):
    def fall(*_):
        raise MemoryError("too much")

    monkeypatch.setattr(context.engine, "render", fall)
    assert process_job(context, job).failure == "MemoryError('too much')"
    assert context.store.record(job.folder)["failure"] and list(context.store.records())


def test_results_go_to_any_store(context, job):
    store = Store(f"memory://{uuid.uuid4()}/deep/down")
    context = replace(context, store=store)
    row = process_job(context, job)
    record = store.record("car0")
    assert record["notes"]["verdict"]["level"] == row.verdict and process_job(context, job).earlier
    shown = read_photo(store.files.cat_file(f"{store.root}/car0/{OVERVIEW}")).rgb
    assert shown.shape == (136, 796, 3)


def test_a_photo_that_its_worker_had_finished_is_not_lost(context, job, plan):
    weights = context.engine.weights_hash
    assert row_of_lost_job(context.store, job, plan.settings, weights, "gone").failure == "gone"
    done = process_job(replace(context, retry_failed=True), job)
    assert row_of_lost_job(context.store, job, plan.settings, weights, "gone") == replace(done, earlier=True)

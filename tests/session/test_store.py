"""A bounded memory: nobody's session is found by another key, and what goes takes its files along."""

from dataclasses import replace

import pytest
import torch

from spir.errors import UnknownSessionError
from spir.inversion.config import HYBRID_FAST
from spir.session import uploads
from spir.session.session import Result, Session, merge_changes
from spir.session.store import SessionStore
from spir.session.trajectory import Segment, Trajectory
from spir.types import Code, Cutout, Guess, Outcome, Photo, Pose, Segmentation, Step


@pytest.fixture
def runs(tmp_path):
    return SessionStore(tmp_path, capacity=3)


def session():
    mask = torch.ones(4, 4)
    cutout = Cutout(torch.zeros(1, 8, 8, 3), torch.ones(1, 8, 8), torch.zeros(1, 4))
    photo = Photo(torch.zeros(4, 4, 3, dtype=torch.uint8))
    return Session("car", photo, b"a file", Segmentation(mask, "hand"), mask, 0.05, cutout, "hand")


def opened(runs, visitor="anna", files=()):
    return runs.open(visitor, session(), files)


def test_a_run_is_found_by_its_key_alone(runs):
    one, two = opened(runs), opened(runs)
    assert one != two and runs.slot(one) is not runs.slot(two)
    assert runs.slot(one).folder.is_dir() and runs.slot(one).folder != runs.slot(two).folder
    for key in ("", None, one[:-1]):
        with pytest.raises(UnknownSessionError):
            runs.slot(key)


def test_the_least_recently_used_goes_first_with_its_folder(runs):
    keys = [opened(runs) for _ in range(3)]
    second, oldest = runs.slot(keys[1]), runs.slot(keys[0])
    runs.slot(keys[2])
    (second.folder / "mesh.glb").write_bytes(b"x")
    opened(runs)
    assert runs.slot(keys[0]) is oldest and oldest.folder.is_dir()
    with pytest.raises(UnknownSessionError):
        runs.slot(keys[1])
    assert not second.folder.exists() and second.dropped and second.stop.is_set()


def test_closing_twice_is_no_error(runs):
    key = opened(runs)
    folder = runs.slot(key).folder
    runs.close(key)
    runs.close(key)
    runs.close(None)
    assert not folder.exists()


def test_a_visitor_who_leaves_takes_only_his_own(runs, tmp_path):
    anna, bert = opened(runs, "anna"), opened(runs, "bert")
    runs.close_visitor("anna")
    with pytest.raises(UnknownSessionError):
        runs.slot(anna)
    assert [runs.slot(bert).folder] == list(tmp_path.iterdir())


def fitted():
    """A session with a result of one step."""
    code = Code(torch.randn(1, 3, 4))
    pose = Pose(torch.randn(1), torch.randn(1, 2), torch.rand(1), torch.randn(1, 4))
    step = Step(2, code, pose, torch.rand(1, 4, 4, 3) * 2 - 1, torch.rand(1, 4, 4), torch.rand(1), 0.5)
    known = session()
    guess = Guess(known.cutout.rgb, known.cutout.mask, code, pose, torch.zeros(1), (Outcome.SOLVED,))
    segment = Segment(guess, HYBRID_FAST, steps=(step,))
    return replace(known, result=Result(Trajectory(known.cutout, known.mask, (segment,), ({},)), 2)), step


def test_rest_halves_the_pictures_and_keeps_code_and_pose_exact(runs):
    known, step = fitted()
    rested = runs.slot(runs.open("anna", known)).session.step
    assert rested.code is step.code and rested.pose is step.pose and rested.index == 2
    assert rested.rgb.dtype == torch.float16 and (rested.rgb.float() - step.rgb).abs().max() < 1e-3


def test_two_actions_at_once_do_not_undo_each_other(runs):
    key = opened(runs)
    base = runs.get(key)
    runs.commit(key, base, replace(base, margin=0.2))
    runs.commit(key, base, replace(base, result=fitted()[0].result))
    assert runs.get(key).margin == 0.2 and runs.get(key).result is not None
    assert merge_changes(base, base, base).photo is base.photo


def test_what_is_committed_to_a_session_that_is_gone_is_no_error(runs):
    key = opened(runs)
    base = runs.get(key)
    runs.close(key)
    runs.commit(key, base, replace(base, margin=0.2))
    assert not runs.slots


def test_a_segment_numbers_its_steps_on():
    _, step = fitted()
    segment = Segment(fitted()[0].result.trajectory.segments[0].start, HYBRID_FAST, 10, 4.0)
    later = segment.to_global(step)
    assert (later.index, later.seconds) == (12, 4.5) and later.code is step.code
    assert segment.to_local(later).index == 2 and segment.to_local(later).seconds == 0.5


def test_what_was_sent_is_deleted_with_the_session(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MIN_AGE_SECONDS", 0.0)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a face")
    runs.close(opened(runs, files=(photo, tmp_path / "gone already")))
    assert not photo.exists()

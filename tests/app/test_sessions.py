"""A bounded memory: nobody's run is found by another key, and what goes takes its files along."""

from pathlib import Path

import pytest
import torch
from gradio.utils import get_upload_folder

from spir.app.server import uploads
from spir.app.sessions import ForgottenError, Runs, at_rest, numbered
from spir.types import Code, Cutout, Photo, Pose, Step


@pytest.fixture
def runs(tmp_path):
    return Runs(capacity=3, root=tmp_path)


def opened(runs, session="anna"):
    mask = torch.ones(4, 4)
    return runs.open(
        session,
        photo=Photo(torch.zeros(4, 4, 3, dtype=torch.uint8)),
        upload=b"a file",
        automatic=mask,
        mask=mask,
        margin=0.05,
        cutout=Cutout(torch.zeros(1, 8, 8, 3), torch.ones(1, 8, 8), torch.zeros(1, 4)),
        segmenter="hand",
    )


def test_a_run_is_found_by_its_key_alone(runs):
    one, two = opened(runs), opened(runs)
    assert one != two and runs.get(one) is not runs.get(two)
    assert runs.get(one).folder.is_dir() and runs.get(one).folder != runs.get(two).folder
    for key in ("", None, one[:-1]):
        with pytest.raises(ForgottenError):
            runs.get(key)


def test_the_least_recently_used_goes_first_with_its_folder(runs):
    keys = [opened(runs) for _ in range(3)]
    second, oldest = runs.get(keys[1]), runs.get(keys[0])
    runs.get(keys[2])
    (second.folder / "mesh.glb").write_bytes(b"x")
    opened(runs)
    assert runs.get(keys[0]) is oldest and oldest.folder.is_dir()
    with pytest.raises(ForgottenError):
        runs.get(keys[1])
    assert not second.folder.exists() and second.dropped and second.stop.is_set()


def test_closing_twice_is_no_error(runs):
    key = opened(runs)
    folder = runs.get(key).folder
    runs.close(key)
    runs.close(key)
    runs.close(None)
    assert not folder.exists()


def test_a_visitor_who_leaves_takes_only_his_own(runs, tmp_path):
    anna, bert = opened(runs, "anna"), opened(runs, "bert")
    runs.close_session("anna")
    with pytest.raises(ForgottenError):
        runs.get(anna)
    assert [runs.get(bert).folder] == list(tmp_path.iterdir())


def test_rest_halves_the_pictures_and_keeps_code_and_pose_exact():
    code = Code(torch.randn(1, 3, 4))
    pose = Pose(torch.randn(1), torch.randn(1, 2), torch.rand(1), torch.randn(1, 4))
    step = Step(2, code, pose, torch.rand(1, 4, 4, 3) * 2 - 1, torch.rand(1, 4, 4), torch.rand(1), 0.5)
    rested = at_rest(step)
    assert rested.code is code and rested.pose is pose and rested.index == 2
    assert rested.rgb.dtype == torch.float16 and (rested.rgb.float() - step.rgb).abs().max() < 1e-3
    later = numbered(step, 10, 4.0)
    assert (later.index, later.seconds) == (12, 4.5) and later.code is code


def test_what_was_sent_is_deleted_with_the_run_and_runs_lie_where_gradio_serves_from(
    runs, tmp_path, monkeypatch
):
    monkeypatch.setattr(uploads, "YOUNG", 0.0)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a face")
    key = opened(runs)
    runs.get(key).sent = (photo, tmp_path / "gone already")
    runs.close(key)
    assert not photo.exists() and Runs().root == Path(get_upload_folder())

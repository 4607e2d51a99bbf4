"""What the page says: whole sentences, honest times."""

import pytest

from spir.app import mesh_text as mesh_words
from spir.app import text as words
from spir.app.runtime_estimate import Pace

SENTENCES = [
    getattr(room, name)
    for room in (words, mesh_words)
    for name in dir(room)
    if name.isupper() and isinstance(getattr(room, name), str) and " " in getattr(room, name)
]


@pytest.mark.parametrize("sentence", [s for s in SENTENCES if s[-1] in ".!?…"])
def test_sentences_begin_large_and_hold_no_jargon(sentence):
    assert not sentence[0].islower() and "  " not in sentence
    assert not {"latent", "tensor", "inversion", "encoder"} & set(sentence.lower().split())


@pytest.mark.parametrize(
    "seconds, said", [(0.04, "0.0 s"), (7.46, "7.5 s"), (12.6, "13 s"), (89.0, "89 s"), (150.0, "2.5 min")]
)
def test_durations_as_people_say_them(seconds, said):
    assert words.duration(seconds) == said


def test_the_machine_line_names_device_time_and_distance():
    line = words.machine("cuda:0", 10, 2.5, True, "LPIPS (VGG16)")
    assert line == "Runs on the GPU. 10 steps take about 2.5 s. Picture distance: LPIPS (VGG16)."
    assert "1 step takes" in words.machine("cpu", 1, 2.0, True, "x")
    guess = words.machine("cpu", 0, 2.0, False, "x")
    assert "The first guess takes" in guess and "not yet measured" in guess


def test_the_pace_is_the_last_run():
    pace = Pace.rough("cpu")
    assert not pace.measured and pace.seconds(10) > Pace.rough("cuda:1").seconds(10)
    pace.learn(first=1.0, total=6.0, steps=10)
    assert pace.measured and pace.seconds(30) == pytest.approx(16)
    pace.learn(first=2.0, total=2.0, steps=0)
    assert pace.seconds(10) == pytest.approx(7)


def test_a_solved_pose_needs_no_note():
    assert words.pose_note("solved") == "" and "degenerate map" in words.pose_note("degenerate map")

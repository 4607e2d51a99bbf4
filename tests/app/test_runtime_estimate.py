"""How long runs take, as far as it is known, and in words."""

import pytest

from spir.app import text
from spir.app.runtime_estimate import RuntimeEstimate


@pytest.mark.parametrize(
    "seconds, said", [(0.04, "0.0 s"), (7.46, "7.5 s"), (12.6, "13 s"), (89.0, "89 s"), (150.0, "2.5 min")]
)
def test_durations_as_people_say_them(seconds, said):
    assert text.duration(seconds) == said


def test_the_pace_is_the_last_run():
    pace = RuntimeEstimate.rough("cpu")
    assert not pace.measured and pace.seconds(10) > RuntimeEstimate.rough("cuda:1").seconds(10)
    pace.learn(first=1.0, total=6.0, steps=10)
    assert pace.measured and pace.seconds(30) == pytest.approx(16)
    pace.learn(first=2.0, total=2.0, steps=0)
    assert pace.seconds(10) == pytest.approx(7)

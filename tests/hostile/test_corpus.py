"""Every file of the corpus at its door: taken or refused in words, soon, in bounded memory, and nothing else touched."""

import pytest

from tests.hostile.archives import zipped
from tests.hostile.corpus import corpus
from tests.hostile.guard import Guard
from tests.hostile.worker import Outcome, faults

LEAST = 300


@pytest.fixture(scope="module")
def told():
    """Of every case, by door and name, what was expected and what happened."""
    with Guard(zipped()) as guard:
        return {(case.door, case.name): (case.expect, guard.knock(case.door, case.data)) for case in corpus()}


@pytest.mark.slow
def test_no_file_crashes_hangs_swells_or_reaches_out(told):
    found = {name: wrong for name, (_, outcome) in told.items() if (wrong := faults(outcome))}
    assert not found


@pytest.mark.slow
def test_what_is_sound_is_taken_and_what_is_not_is_refused(told):
    wrong = {
        name: (expect, outcome.kind, outcome.words)
        for name, (expect, outcome) in told.items()
        if expect not in ("either", outcome.kind)
    }
    assert not wrong


@pytest.mark.slow
def test_there_are_enough_of_every_kind(told):
    assert len(told) >= LEAST
    for door, least in (("photo", 250), ("mask", 30), ("zip", 80)):
        kinds = [outcome.kind for (where, _), (_, outcome) in told.items() if where == door]
        assert len(kinds) >= least and kinds.count("taken") >= 10 and kinds.count("refused") >= 10


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("crashed", "Traceback\nKeyError: 3"),
        Outcome("refused", "KeyError in /home/x/y.py. Choose another photo."),
        Outcome("refused", "No."),
        Outcome("taken", seconds=2.5),
        Outcome("taken", wall=30),
        Outcome("taken", megabytes=900),
        Outcome("taken", foreign=("open /etc/passwd",)),
        Outcome("taken", harmed=True),
    ],
)
def test_a_fault_would_be_seen(outcome):
    assert len(faults(outcome)) == 1


def test_a_worker_that_is_lost_is_a_crash_and_another_one_comes():
    with Guard() as guard:
        guard.start()
        guard.worker.kill()
        guard.worker.wait()
        assert guard.knock("photo", b"x").kind == "crashed"
        assert guard.knock("photo", b"x").kind == "refused"

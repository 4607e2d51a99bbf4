"""Who may wait: the bounds of the queue."""

from types import SimpleNamespace

import pytest
from gradio.queueing import EventQueue

from spir.app.server.gradio_private import BoundedQueue
from spir.app.server.queue import MAX_PER_TAB, MAX_WAITING, refusal

FOLLOWS, WAITS, CALLED = range(3)


@pytest.fixture
def queue():
    """Not begun: a queue at work leaves event loops behind."""
    made = BoundedQueue.__new__(BoundedQueue)
    known = (("private", "reconstruct_1"), ("private", "wait_2"), ("public", "export"))
    events = [SimpleNamespace(api_visibility=kind, api_name=name) for kind, name in known]
    made.blocks = SimpleNamespace(fns=dict(enumerate(events)))
    made.event_queue_per_concurrency_id = {}
    return made


def waiting(queue, sessions):
    """These wait, for two kinds of turns."""
    for number, name in enumerate(("gpu", "soon")):
        part = queue.event_queue_per_concurrency_id[name] = EventQueue(name, 1)
        part.queue = [SimpleNamespace(session_hash=session) for session in sessions[number::2]]


def full(queue, number, session="anna"):
    return refusal(SimpleNamespace(fn_index=number, session_hash=session), queue) is not None


def test_when_many_wait_nothing_is_begun_and_what_was_begun_goes_on(queue):
    waiting(queue, [f"other {number}" for number in range(MAX_WAITING - 1)])
    assert not any(full(queue, number) for number in (FOLLOWS, WAITS, CALLED))
    waiting(queue, [f"other {number}" for number in range(MAX_WAITING)])
    assert [full(queue, number) for number in (FOLLOWS, WAITS, CALLED)] == [False, True, True]


def test_one_tab_cannot_fill_the_queue(queue):
    waiting(queue, ["anna"] * MAX_PER_TAB)
    assert full(queue, FOLLOWS) and not full(queue, FOLLOWS, "bert")


def test_what_the_page_does_not_have_is_left_to_gradio(queue):
    waiting(queue, [f"other {number}" for number in range(MAX_WAITING)])
    assert not full(queue, 99) and not full(queue, None)

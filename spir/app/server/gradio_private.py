"""Keep all uses of Gradio's private parts in one place: its queue and its memory of sessions.

`SUPPORTED` names the versions with which it was tested; `tests/app/test_gradio_private.py` fails with any
other.
"""

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr
from gradio.queueing import Queue
from gradio.utils import get_upload_folder

SUPPORTED = ("6.31",)
"""The supported major and minor versions of Gradio."""

upload_folder = get_upload_folder
"""The function that returns the folder where Gradio keeps uploads."""

Refusal = Callable[[Any, Any], str | None]
"""The type of a function from (event, `BoundedQueue`) to the reason why the event is refused, or None."""


class BoundedQueue(Queue):
    """This is Gradio's first-in, first-out queue with a check of which events may wait."""

    refusal: Callable[[Any], str | None]

    async def push(self, body, request, username):
        """Return what Gradio's method does: whether the event was accepted, its id or the reason, and the
        state of the queue."""
        reason = self.refusal(body)
        if reason:
            return False, reason, "queue_full"
        return await super().push(body, request, username)

    def waiting(self) -> list[str | None]:
        """Return the session of every waiting event."""
        queues = self.event_queue_per_concurrency_id.values()
        return [event.session_hash for queue in queues for event in queue.queue]

    def function(self, number: int | None) -> Any:
        """Return the function of an event by its number; None where the page has none."""
        return None if number is None else self.blocks.fns.get(number)


def bound_queue(page: gr.Blocks, refusal: Refusal, max_size: int) -> gr.Blocks:
    """Return the page with a queue that asks `refusal` before it accepts an event, and holds at most
    `max_size` events."""
    page.queue(max_size=max_size)
    # Gradio has no option for another queue class, and its queue is still empty.
    queue: Any = page._queue
    queue.__class__ = BoundedQueue
    queue.refusal = lambda body: refusal(body, queue)
    return page


def forget_sessions(app: Any, sessions: Iterable[str]) -> None:
    """Drop what a Gradio app keeps of these sessions, except for sessions to which an answer is still being
    sent."""
    holder, queue = app.state_holder, app.get_blocks()._queue
    for session in sessions:
        with holder.lock:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
        if not queue.pending_event_ids_session.get(session):
            queue.pending_event_ids_session.pop(session, None)
            if session in queue.pending_messages_per_session:
                del queue.pending_messages_per_session[session]

"""Everything that this app takes from Gradio's private parts, in one place: its queue and its memory of sessions.

`SUPPORTED` names the versions with which it was tested; `tests/app/test_gradio_private.py` fails with any other.
"""

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr
from gradio.queueing import Queue
from gradio.utils import get_upload_folder

SUPPORTED = ("6.31",)
"""Major and minor version numbers of Gradio."""

upload_folder = get_upload_folder
"""Where Gradio keeps its files."""

Refusal = Callable[[Any, "BoundedQueue"], str | None]
"""(event that wants in, queue) -> why it may not, or nothing."""


class BoundedQueue(Queue):
    """Gradio's queue, first come, first served, with a say in who may wait."""

    refusal: Refusal

    async def push(self, body, request, username):
        """As Gradio's: whether the event was taken, its number or why not, and in which way."""
        reason = self.refusal(body)
        if reason:
            return False, reason, "queue_full"
        return await super().push(body, request, username)

    def waiting(self) -> list[str | None]:
        """The session of every event that waits."""
        queues = self.event_queue_per_concurrency_id.values()
        return [event.session_hash for queue in queues for event in queue.queue]

    def function(self, number: int | None) -> Any:
        """The function of an event by its number; none where the page has no such."""
        return self.blocks.fns.get(number)


def bound_queue(page: gr.Blocks, refusal: Refusal, max_size: int) -> gr.Blocks:
    """The page with a queue that asks `refusal` before it takes an event, and holds at most `max_size`."""
    page.queue(max_size=max_size)
    # Gradio offers no way to bring one's own, and its queue is as yet empty.
    queue = page._queue
    queue.__class__ = BoundedQueue
    queue.refusal = lambda body: refusal(body, queue)
    return page


def forget_sessions(app: Any, sessions: Iterable[str]) -> None:
    """Drop what a Gradio app remembers of these sessions, unless an answer is still on its way to them."""
    holder, queue = app.state_holder, app.get_blocks()._queue
    for session in sessions:
        with holder.lock:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
        if not queue.pending_event_ids_session.get(session):
            queue.pending_event_ids_session.pop(session, None)
            if session in queue.pending_messages_per_session:
                del queue.pending_messages_per_session[session]

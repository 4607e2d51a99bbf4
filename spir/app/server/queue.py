"""Who may wait in the queue: so many who begin something, what follows from that always, a few events of one tab at once.

Gradio alone would count all alike: a run that was let in would end without its views where others fill the queue
meanwhile, and one tab could fill it alone.
"""

from typing import Any

import gradio as gr

from spir.app import text
from spir.app.server.gradio_private import BoundedQueue, bound_queue

MAX_WAITING = 16
"""Events in the queue with which nobody begins anything more."""
MAX_PER_TAB = 6
"""Events of one tab that may wait; what a visitor can press in a row is fewer."""
MAX_SIZE = 128
"""Events that wait at all."""


def refusal(body: Any, queue: BoundedQueue) -> str | None:
    """Why an event may not wait; none where it may."""
    waiting = queue.waiting()
    if sum(session == body.session_hash for session in waiting) >= MAX_PER_TAB:
        return text.QUEUE_FULL
    function = queue.function(body.fn_index)
    if function is not None and begins(function) and len(waiting) >= MAX_WAITING:
        return text.QUEUE_FULL
    return None


def begins(event: Any) -> bool:
    """Whether it is what a program calls, or what the page asks before every run."""
    return event.api_visibility == "public" or (event.api_name or "").startswith("wait")


def with_queue(page: gr.Blocks) -> gr.Blocks:
    """The page with such a queue."""
    return bound_queue(page, refusal, MAX_SIZE)

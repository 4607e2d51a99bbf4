"""Limit the queue: a number of events that begin a run, always their follow-up events, and a few events per
tab.

Gradio alone counts all events alike: an accepted run would end without its views where other visitors fill
the queue meanwhile, and one tab could fill the queue alone.
"""

from typing import Any

import gradio as gr

from spir.app import text
from spir.app.server.gradio_private import BoundedQueue, bound_queue

MAX_WAITING = 16
"""The number of waiting events from which no new run may begin."""
MAX_PER_TAB = 6
"""The number of events of one tab that may wait; a visitor cannot press as many in a row."""
MAX_SIZE = 128
"""The largest number of waiting events."""


def refusal(body: Any, queue: BoundedQueue) -> str | None:
    """Return why an event may not wait; None where it may."""
    waiting = queue.waiting()
    if sum(session == body.session_hash for session in waiting) >= MAX_PER_TAB:
        return text.QUEUE_FULL
    function = queue.function(body.fn_index)
    if function is not None and starts_run(function) and len(waiting) >= MAX_WAITING:
        return text.QUEUE_FULL
    return None


def starts_run(event: Any) -> bool:
    """Return whether the event begins a run: an API call, or the event that the page sends before every
    run."""
    return event.api_visibility == "public" or (event.api_name or "").startswith("wait")


def with_queue(page: gr.Blocks) -> gr.Blocks:
    """Return the page with the limited queue."""
    return bound_queue(page, refusal, MAX_SIZE)

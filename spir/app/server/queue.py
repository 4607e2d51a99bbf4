"""Who may wait for a turn: so many who begin something, what follows from that always, a few events of one tab at once.

Gradio alone would count all alike: a run that was let in would end without its views where others fill the queue
meanwhile, and one tab could fill it alone.
"""

import gradio as gr
from gradio.queueing import Queue

from spir.app import text as words

MAY_WAIT = 16
"""Events in the queue with which nobody begins anything more."""
OF_ONE = 6
"""Events of one tab that may wait; what a visitor can press in a row is fewer."""
AT_MOST = 128
"""Events that wait at all."""


class Turns(Queue):
    """Gradio's queue, first come, first served, with these bounds."""

    async def push(self, body, request, username):
        """As Gradio's: whether it was taken, its number or why not, and in which way."""
        if self.full(body):
            return False, words.QUEUE_FULL, "queue_full"
        return await super().push(body, request, username)

    def full(self, body) -> bool:
        """Whether there is no room for this event."""
        waiting = [event for queue in self.event_queue_per_concurrency_id.values() for event in queue.queue]
        if sum(event.session_hash == body.session_hash for event in waiting) >= OF_ONE:
            return True
        known = self.blocks.fns.get(body.fn_index)
        return known is not None and begins(known) and len(waiting) >= MAY_WAIT


def begins(event) -> bool:
    """Whether it is what a program calls, or what the page asks before every run."""
    return event.api_visibility == "public" or (event.api_name or "").startswith("wait")


def in_turns(page: gr.Blocks) -> gr.Blocks:
    """The page with such a queue."""
    page.queue(max_size=AT_MOST)
    # Gradio offers no way to bring one's own, and its queue is as yet empty.
    page._queue.__class__ = Turns
    return page

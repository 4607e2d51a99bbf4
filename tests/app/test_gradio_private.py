"""Gradio's private parts are what the adapter takes them for."""

from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.queueing import EventQueue

from spir.app.server.gradio_private import SUPPORTED, BoundedQueue, bound_queue


def test_this_version_of_gradio_is_one_that_was_tested():
    version = ".".join(gr.__version__.split(".")[:2])
    assert version in SUPPORTED, f"try spir.app.server.gradio_private with Gradio {version}, then add it"


def test_a_page_gets_a_queue_that_asks_before_it_takes():
    with gr.Blocks() as page:
        button = gr.Button()
        button.click(lambda: None, None, None, api_name="press")
    asked = []
    bound_queue(page, lambda body, queue: asked.append((body, queue.waiting())) or "full", 7)
    queue = page._queue
    assert isinstance(queue, BoundedQueue) and queue.max_size == 7
    assert queue.refusal("an event") == "full" and asked == [("an event", [])]
    assert queue.function(0).api_name == "press" and queue.function(99) is None


def test_who_waits_is_known_by_session():
    queue = BoundedQueue.__new__(BoundedQueue)
    part = EventQueue("gpu", 1)
    part.queue = [SimpleNamespace(session_hash="anna"), SimpleNamespace(session_hash=None)]
    queue.event_queue_per_concurrency_id = {"gpu": part}
    assert queue.waiting() == ["anna", None]


@pytest.mark.parametrize("name", ["state_holder", "get_blocks"])
def test_what_is_forgotten_is_where_it_is_looked_for(name):
    from gradio.routes import App

    with gr.Blocks() as page:
        gr.Button()
    app = App.create_app(page)
    assert hasattr(app, name)
    assert hasattr(app.state_holder, "session_data") and hasattr(app.state_holder, "time_last_used")
    assert hasattr(page._queue, "pending_event_ids_session")

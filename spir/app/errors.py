"""End an event that failed with a sentence for the visitor, never with a raw exception."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import gradio as gr

from spir.app import text
from spir.app.server.logging import log, log_event
from spir.errors import PhotoError


def refuse(message: str) -> NoReturn:
    """End the event with a message for the visitor."""
    raise gr.Error(message, duration=12, print_exception=False)


@contextmanager
def refuse_on_error() -> Iterator[None]:
    """Turn an unexpected exception into a refusal, with a traceback in the log. It can also be used as a
    decorator."""
    try:
        yield
    except (gr.Error, PhotoError):
        raise
    except Exception as problem:
        log.exception("unexpected")
        refuse(reason(problem))


@contextmanager
def stage(name: str, **facts: object) -> Iterator[dict]:
    """Log how the block ended and how many seconds it took; the block may add facts to the log line.

    An unexpected exception becomes a refusal, with a traceback in the log. A generator that is closed early
    is logged as left."""
    began, ended = time.perf_counter(), "failed"
    try:
        yield facts
        ended = "done"
    except (gr.Error, PhotoError):
        ended = "refused"
        raise
    except GeneratorExit:
        ended = "left"
        raise
    except Exception as problem:
        facts["problem"] = type(problem).__name__
        log.exception("unexpected")
        refuse(reason(problem))
    finally:
        log_event(name, ended=ended, seconds=round(time.perf_counter() - began, 3), **facts)


def reason(problem: Exception) -> str:
    """Return the visitor's message for an unexpected exception."""
    return text.NO_MEMORY if out_of_memory(problem) else text.FAILED


def out_of_memory(problem: Exception) -> bool:
    """Return whether memory ran out, which torch reports differently for each device."""
    message = str(problem).lower()
    lacking = (
        "out of memory" in message or "can't allocate memory" in message or "not enough memory" in message
    )
    return isinstance(problem, MemoryError) or (isinstance(problem, RuntimeError) and lacking)

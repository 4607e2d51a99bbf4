"""How an event ends that cannot be answered: in a sentence for the visitor, never in the machine's own words."""

from typing import NoReturn

import gradio as gr

from spir.app import text as words


def refuse(message: str) -> NoReturn:
    """End the event with a sentence for the visitor."""
    raise gr.Error(message, duration=12, print_exception=False)


def reason(problem: Exception) -> str:
    """What the visitor is told of a failure that nobody expected."""
    return words.NO_MEMORY if out_of_memory(problem) else words.FAILED


def out_of_memory(problem: Exception) -> bool:
    """Whether it was for want of memory, which torch says in another way for each device."""
    told = str(problem).lower()
    lacking = "out of memory" in told or "can't allocate memory" in told or "not enough memory" in told
    return isinstance(problem, MemoryError) or (isinstance(problem, RuntimeError) and lacking)

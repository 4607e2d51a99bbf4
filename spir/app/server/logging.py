"""What the server says of itself, one JSON object a line: stages and their seconds, nothing of a photo or a person."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import gradio as gr

from spir.app.errors import reason, refuse
from spir.photo import PhotoError

log = logging.getLogger("spir")


class Line(logging.Formatter):
    """Time, level and event, then the event's facts; the traceback of a failure last."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


def begin() -> None:
    """From now on all that is told goes to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def tell(event: str, **facts: object) -> None:
    """A line; facts are numbers, settings and our own words, never a visitor's."""
    log.info(event, extra={"facts": facts})


@contextmanager
def in_words() -> Iterator[None]:
    """What nobody expected becomes a refusal, with a traceback in the log; also to decorate with."""
    try:
        yield
    except (gr.Error, PhotoError):
        raise
    except Exception as problem:
        log.exception("unexpected")
        refuse(reason(problem))


@contextmanager
def stage(name: str, **facts: object) -> Iterator[dict]:
    """Tells, when the block ends, how it ended and how many seconds it took; facts may be added on the way.

    What nobody expected becomes a refusal, with a traceback in the log. A generator that nobody listens to any more has
    been left."""
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
        tell(name, ended=ended, seconds=round(time.perf_counter() - began, 3), **facts)

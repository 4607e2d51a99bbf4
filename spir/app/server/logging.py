"""Log one JSON object per line: stages and their seconds, nothing of a photo or a person."""

import json
import logging
import sys
from datetime import datetime, timezone

log = logging.getLogger("spir")


class JsonFormatter(logging.Formatter):
    """This formats a record as JSON: time, level and event, then the event's facts, and the traceback of a
    failure last."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_stderr() -> None:
    """Send all log lines to stderr from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def log_event(event: str, **facts: object) -> None:
    """Log one event; facts are numbers, settings and our own words, never a visitor's."""
    log.info(event, extra={"facts": facts})

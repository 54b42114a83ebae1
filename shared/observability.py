"""Structured logs in Cloud Logging's fields, bound to the message that is being handled."""

import json
import logging
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_bound: ContextVar[dict[str, Any]] = ContextVar("bound", default={})  # noqa: B039 - never mutated
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)

_log = logging.getLogger("pipeline")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, as Cloud Logging reads it (``severity``, ``message``, own fields)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"severity": record.levelname, "message": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging() -> None:
    """Send the pipeline's logs to stderr as JSON lines; calling it again changes nothing."""
    if _log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


@contextmanager
def bound(traceparent: str | None, **fields: Any) -> Iterator[None]:
    """Add fields to every log line inside, and continue (or begin) the trace."""
    fields_token = _bound.set({**_bound.get(), **fields})
    trace_token = _traceparent.set(traceparent or new_traceparent())
    try:
        yield
    finally:
        _bound.reset(fields_token)
        _traceparent.reset(trace_token)


def current_traceparent() -> str:
    """Return the W3C traceparent to send along with what is published now."""
    return _traceparent.get() or new_traceparent()


def new_traceparent() -> str:
    """Return a W3C traceparent of a new, sampled trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def info(message: str, **fields: Any) -> None:
    """Log what was done. No personal data in fields: ids, statuses and reasons only."""
    _log.info(message, extra={"fields": {**_bound.get(), **fields}})


def warning(message: str, **fields: Any) -> None:
    """Log what somebody may have to look at."""
    _log.warning(message, extra={"fields": {**_bound.get(), **fields}})


def exception(message: str, **fields: Any) -> None:
    """Log an error that nobody foresaw, with its stack."""
    _log.exception(message, extra={"fields": {**_bound.get(), **fields}})

"""Structured logs in Cloud Logging's fields, bound to the request and the order they are about.

Fields: https://cloud.google.com/logging/docs/structured-logging
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from shared import tracing

_bound: ContextVar[dict[str, Any] | None] = ContextVar("bound", default=None)
_log = logging.getLogger("pipeline")

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)

# Errors from outside may quote what they complain about: whom they could not write to or call.
# Service accounts are nobody's addresses.
_EMAIL = re.compile(r"[^\s@\"'<>()\\]+@(?![\w.-]*gserviceaccount\.com)[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+])\+[1-9]\d{7,14}\b")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, as Cloud Logging reads it (``severity``, ``message``, own fields).

    ``project`` is the Google Cloud project that the traces are in.
    """

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. E-mail addresses and phone numbers in it are blotted out."""
        fields = getattr(record, "fields", {})
        line = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            **fields,
            **self._trace(fields.get("order_id")),
        }
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return _without_personal_data(_ENCODER.encode(line))

    def _trace(self, order_id: str | None) -> dict[str, Any]:
        context = tracing.current()
        if context is None:
            if order_id is None:
                return {}
            return {"logging.googleapis.com/trace": self._name(tracing.trace_of(order_id))}
        return {
            "logging.googleapis.com/trace": self._name(context.trace_id),
            "logging.googleapis.com/spanId": context.span_id,
            "logging.googleapis.com/trace_sampled": context.sampled,
        }

    def _name(self, trace_id: str) -> str:
        return f"projects/{self._project}/traces/{trace_id}"


def _without_personal_data(text: str) -> str:
    # The search for addresses looks at each character many times, and few lines have an @.
    text = _EMAIL.sub("…", text) if "@" in text else text
    return _PHONE.sub("…", text)


def configure_logging(project: str) -> None:
    """Send the pipeline's logs to stderr as JSON lines; calling it again changes nothing."""
    if _log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(project))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every log line inside, those that ``bind`` adds there included."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**fields: Any) -> None:
    """Add fields to every log line from here to the end of the innermost ``bound``, if in one."""
    known = _bound.get()
    if known is not None:
        _bound.set({**known, **fields})


def info(message: str, **fields: Any) -> None:
    """Log what was done. No personal data in fields: ids, statuses and reasons only."""
    _log.info(message, extra=_extra(fields))


def warning(message: str, **fields: Any) -> None:
    """Log what somebody may have to look at."""
    _log.warning(message, extra=_extra(fields))


def given_back(error: Exception, **fields: Any) -> None:
    """Log that something did not work now and will be tried again."""
    info("will be tried again", kind=type(error).__name__, error=str(error), **fields)


def unforeseen(error: Exception, **fields: Any) -> None:
    """Log an error that nobody foresaw, with its stack."""
    named = {"kind": type(error).__name__, **fields}
    _log.error("unforeseen error", exc_info=error, extra=_extra(named))


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": {**(_bound.get() or {}), **fields}}

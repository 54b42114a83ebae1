"""Measures what a step asks of the world: a span for each call of a port."""

from collections.abc import Callable
from typing import Any

from shared import tracing

# Answered from memory: no call to anybody.
_INSTANT = frozenset({"budget"})


class Traced:
    """Stands before an adapter; a call within a span becomes a span in it, like ``orders.get``.

    What is not called for one order, as a tick's query for what is due, has no trace to be in.
    Arguments and results are left out: they are personal data.
    """

    def __init__(self, port: object, name: str) -> None:
        self._port = port
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._port, method)
        if method in _INSTANT:
            return call

        def traced(*arguments: Any, **named: Any) -> Any:
            if tracing.current() is None:
                return call(*arguments, **named)
            with tracing.span(f"{self._name}.{method}", "client"):
                return call(*arguments, **named)

        return traced

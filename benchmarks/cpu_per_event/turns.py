"""A function and its floor, served in one process, which take turns: each a request of its own."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import functions_framework
from flask import Request as FlaskRequest
from flask import Response
from werkzeug.test import TestResponse

from benchmarks.cpu_per_event.floors import FLOORS, Floor, Ground
from benchmarks.cpu_per_event.google_state import GoogleState
from benchmarks.cpu_per_event.sqlite_state import SqliteState
from benchmarks.cpu_per_event.state import State
from benchmarks.cpu_per_event.vendors import Vendors
from benchmarks.scene import Request, Scene
from local.config import WorldConfig

T = TypeVar("T")
Send = Callable[[], None]


class _Now:
    """What the next request to the floor calls, and answers: what its function has just answered."""

    calls: Floor
    answer: TestResponse


def floor(request: FlaskRequest) -> Response:
    """Read the body, as functions-framework's users must, make the calls, and answer."""
    request.get_data()
    for call in _Now.calls:
        call()
    answer = _Now.answer
    return Response(answer.data, answer.status_code, content_type=answer.content_type)


class Turns:
    """Sends requests to a function and to its floor: those of a name in FLOORS.

    The function finds the world of ``config`` in this process's environment.
    """

    def __init__(self, name: str, config: WorldConfig) -> None:
        self._name = name
        self._config = config
        self._scene = Scene(config)
        function = name.partition(".")[0]
        self._ours = _client(f"functions.{function}.main", function)
        self._floor = _client(__name__, "floor")
        self._ground: Ground | None = None

    def take(self, measure: Callable[[Send], T]) -> tuple[T, T]:
        """Measure the function's turn, then the floor's. Only the sending is up to ``measure``."""
        request = self._scene.request(self._name)
        ours, _Now.answer = _measured(measure, self._ours, request)
        assert request.is_answered_by(_Now.answer.status_code, _Now.answer.text), _Now.answer.text
        # The function has made the files of its stores by now.
        self._ground = self._ground or self._built()
        request = self._scene.request(self._name)
        _Now.calls = FLOORS[self._name](self._ground, request)
        floors, answer = _measured(measure, self._floor, request)
        assert answer.status_code == request.status, answer.text
        return ours, floors

    def _built(self) -> Ground:
        embedded = self._config.backend == "embedded"
        state: State = SqliteState(self._config) if embedded else GoogleState(self._config)
        return Ground(self._scene, state, Vendors(self._config))


def _measured(
    measure: Callable[[Send], T], client: Any, request: Request
) -> tuple[T, TestResponse]:
    """Return what sending the request came to, and its answer."""
    answers: list[TestResponse] = []

    def send() -> None:
        answers.append(
            client.open(
                request.path, method=request.method, data=request.body, headers=request.headers
            )
        )

    return measure(send), answers[0]


def _client(module: str, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.py"
        source.write_text(f"from {module} import {name}\n", encoding="utf-8")
        create: Callable[..., Any] = functions_framework.create_app
        return create(name, str(source)).test_client()

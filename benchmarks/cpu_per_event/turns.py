"""A function and its floor, served in one process, which take turns: each a request of its own."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import functions_framework
from flask import Request as FlaskRequest
from flask import Response

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
    """The floor that the next request runs."""

    floor: Floor


def floor(request: FlaskRequest) -> Response:
    """Read the body, as functions-framework's users must, and make the calls."""
    request.get_data()
    return _Now.floor.run()


class Turns:
    """Sends requests to a function and to its floor.

    The function finds the world of ``config`` in this process's environment.
    """

    def __init__(self, name: str, config: WorldConfig) -> None:
        self._name = name
        self._config = config
        self._scene = Scene(config)
        self._ours = _client(f"functions.{name}.main", name)
        self._floor = _client(__name__, "floor")
        self._ground: Ground | None = None

    def take(self, measure: Callable[[Send], T]) -> tuple[T, T]:
        """Measure the function's turn, then the floor's. Only the sending is up to ``measure``."""
        ours = measure(_sending(self._ours, self._scene.request(self._name)))
        # The function has made the files of its stores by now.
        self._ground = self._ground or self._built()
        request = self._scene.request(self._name)
        _Now.floor = FLOORS[self._name](self._ground, request)
        return ours, measure(_sending(self._floor, request))

    def _built(self) -> Ground:
        embedded = self._config.backend == "embedded"
        state: State = SqliteState(self._config) if embedded else GoogleState(self._config)
        return Ground(self._scene, state, Vendors(self._config))


def _sending(client: Any, request: Request) -> Send:
    def send() -> None:
        answer = client.open(
            request.path, method=request.method, data=request.body, headers=request.headers
        )
        assert answer.status_code in {200, 204}, answer.get_data()

    return send


def _client(module: str, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.py"
        source.write_text(f"from {module} import {name}\n", encoding="utf-8")
        create: Callable[..., Any] = functions_framework.create_app
        return create(name, str(source)).test_client()

"""Measures one function in a process of its own: ``python -m … FUNCTION FOLDER EVENTS``.

Function and floor take turns, each with a request of its own, in one process. Writes the
processor's milliseconds of each pair as JSON.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import functions_framework
from flask import Request as FlaskRequest
from flask import Response

from benchmarks.cpu_per_event.clients import Clients
from benchmarks.cpu_per_event.floors import FLOORS, Floor
from benchmarks.scene import Request, Scene
from local.config import load

# The first ones load what is loaded lazily.
_WARM_UP = 5


class _Now:
    """The floor that the next request runs."""

    floor: Floor


def floor(request: FlaskRequest) -> Response:
    """Read the body, as functions-framework's users must, and make the calls."""
    request.get_data()
    return _Now.floor()


def main(name: str, folder: Path, events: int) -> None:
    """Measure, and print the figures."""
    config = load(folder)
    assert config is not None
    scene, ours, ground = Scene(config), _client(f"functions.{name}.main", name), _floor_client()
    clients, pairs = None, []
    for _ in range(events + _WARM_UP):
        took = _timed(ours, scene.request(name))
        # Its tables are there once the function has run.
        clients = clients or Clients(config)
        request = scene.request(name)
        _Now.floor = FLOORS[name](clients, scene, request)
        pairs.append((took, _timed(ground, request)))
    sys.stdout.write(json.dumps(pairs[_WARM_UP:]))


def _timed(client: Any, request: Request) -> float:
    began = time.process_time()
    answer = client.post("/", data=request.body, headers=request.headers)
    took = time.process_time() - began
    assert answer.status_code in {200, 204}, answer.get_data()
    return took * 1000


def _client(module: str, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.py"
        source.write_text(f"from {module} import {name}\n", encoding="utf-8")
        create: Callable[..., Any] = functions_framework.create_app
        return create(name, str(source)).test_client()


def _floor_client() -> Any:
    # By way of this very module, so that it is the same one that sets the floor.
    sys.modules["floor_worker"] = sys.modules[__name__]
    return _client("floor_worker", "floor")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

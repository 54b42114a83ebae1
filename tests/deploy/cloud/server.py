"""Serves the project over HTTP, as a proxy that takes requests for any host of Google's."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.ports import free_ports
from tests.deploy.cloud import iam, monitoring, products, project, run  # noqa: F401 - they register routes
from tests.deploy.cloud.routes import Call, answer
from tests.deploy.cloud.state import Cloud, CloudError

_STARTS_WITHIN_S = 10.0


def create_app(cloud: Cloud) -> ASGIApp:
    """Return the application; the only one that touches the project while it is served."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await _answer(cloud, request, await request.body())(scope, receive, send)

    return app


def _answer(cloud: Cloud, request: Request, raw: bytes) -> Response:
    is_json = request.headers.get("content-type", "").startswith("application/json")
    body = json.loads(raw) if raw and is_json else {}
    # A proxy is asked for the whole URL.
    path = urlsplit(request.scope["path"]).path
    call = Call({"project": cloud.project}, dict(request.query_params), body, raw)
    try:
        return JSONResponse(answer(cloud, request.method, path, call))
    except CloudError as error:
        return JSONResponse(error.body, error.code)


@contextmanager
def serving(cloud: Cloud) -> Iterator[int]:
    """Serve the project on a port of its own until the end of the block."""
    (port,) = free_ports(1)
    config = uvicorn.Config(create_app(cloud), port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()

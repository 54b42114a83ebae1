"""The simulators of Xendit and Google, served over sockets and steered by a test."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from local.simulators.google.app import create_app as create_google
from local.simulators.records import Records
from local.simulators.xendit.app import create_app as create_xendit
from shared.ports import Clock

HOST = "127.0.0.1"
KEY = "xnd_development_a-secret-of-the-tests"
TOKEN = "a-callback-token-of-the-tests"
NOWHERE = f"http://{HOST}:9/"
# httplib2 has no pool that closes what it opened: the end of a thread drops its connection.
connections_are_dropped = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

_PATIENCE_S = 10.0
_POLL_S = 0.01


class Vendor:
    """A served simulator. ``requests`` are those of its API, like ``POST /v2/invoices``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.url = ""
        self.requests: list[str] = []
        self.admin = httpx.Client(trust_env=False, timeout=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/_admin"):
            self.requests.append(f"{scope['method']} {scope['path']}")
        await self._app(scope, receive, send)

    def tell(self, path: str, **body: Any) -> Any:
        """Post to the admin surface, below ``/_admin/``."""
        answer = self.admin.post(f"{self.url}/_admin/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, **query: str) -> Any:
        """Read from the admin surface."""
        return self.admin.get(f"{self.url}/_admin/{path}", params=query).json()

    def fault(self, operation: str, kind: str, **rest: Any) -> None:
        """Let an operation fail; see ``local.simulators.faults``."""
        self.tell("faults", operation=operation, kind=kind, **rest)

    def reset(self) -> None:
        """Forget all state, faults and requests, once what is still stalled has been done."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.ask("pending")["in_flight"]:
            assert time.monotonic() < deadline
            time.sleep(_POLL_S)
        self.tell("reset")
        self.requests.clear()


@contextmanager
def served(app: ASGIApp, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve an application in a thread; ``port`` 0 is a free one, ``options`` are uvicorn's."""
    listener = socket.create_server((HOST, port))
    defaults: dict[str, Any] = {"log_level": "error", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, **defaults | options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def served_xendit(
    clock: Clock,
    port: int = 0,
    *,
    key: str = KEY,
    token: str = TOKEN,
    callback_url: str = NOWHERE,
    **options: Any,
) -> Iterator[Vendor]:
    """Serve Xendit's simulator; by default nobody receives its webhooks."""
    records = Records(None)
    app = create_xendit(
        records=records,
        clock=clock,
        secret_key=key,
        callback_token=token,
        callback_url=callback_url,
        public_url="http://checkout.example",
        seed=1,
    )
    yield from _served(Vendor(app), records, port, **options)


@contextmanager
def served_google(clock: Clock, port: int = 0, **options: Any) -> Iterator[Vendor]:
    """Serve Google's simulator; rooms are ready at once unless a test plans otherwise."""
    records = Records(None)
    app = create_google(
        records=records, clock=clock, public_url="http://google.example", room_delay_s=0
    )
    yield from _served(Vendor(app), records, port, **options)


def _served(vendor: Vendor, records: Records, port: int, **options: Any) -> Iterator[Vendor]:
    with vendor.admin, served(vendor, port, **options) as vendor.url:
        yield vendor
    records.close()
    gc.collect()  # dropped connections, while their warnings are still ignored

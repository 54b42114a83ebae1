"""A place to try the simulator out: its clock, the merchant's server, and whoever calls it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.records import Records
from local.simulators.xendit import create_app

KEY = "xnd_development_simulated"
TOKEN = "callback-token"
PUBLIC = "http://checkout.example"
NOON = datetime(2026, 12, 1, 12, 0, 0, 182_000, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)
NOWHERE = "http://127.0.0.1:9/webhook"
ORDER = {"external_id": "NUS-2026-000123", "amount": 250_000, "description": "Portfolio review"}


class World:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


class Merchant:
    """The receiver of webhooks: a real server, since the simulator sends over a socket."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.bodies: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.statuses: list[int] = []
        self.stalls_s = 0.0
        self.app = Starlette(routes=[Route("/webhook", self._receive, methods=["POST"])])
        self.url = ""

    async def _receive(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.tokens.append(request.headers.get("x-callback-token"))
        self.asked.set()
        await asyncio.sleep(self.stalls_s)
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)


class Xendit:
    """The simulator, as a merchant's server, a payer and a test's hand see it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return await self.client.request(method, path, auth=(KEY, ""), **rest)

    async def create(self, **changes: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/v2/invoices", json=ORDER | changes)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def read(self, invoice_id: str) -> dict[str, Any]:
        return dict((await self.call("GET", f"/v2/invoices/{invoice_id}")).json())

    async def refusal(self, **changes: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.call("POST", "/v2/invoices", json=ORDER | changes)
        return answer.status_code, answer.json()

    async def pay(self, invoice_id: str, channel: str, method: str = "") -> httpx.Response:
        form = {"channel": channel, "method": method}
        return await self.client.post(f"/web/{invoice_id}/pay", data=form)

    async def pay_for(self, channel: str) -> str:
        """Make an invoice, pay it this way, and return its id."""
        invoice_id = str((await self.create())["id"])
        await self.admin(f"invoices/{invoice_id}/pay", channel=channel, webhook=False)
        return invoice_id

    async def refund(
        self, invoice_id: str, key: str | None = None, /, **changes: Any
    ) -> httpx.Response:
        body = {"invoice_id": invoice_id, "reason": "CANCELLATION"} | changes
        headers = {} if key is None else {"idempotency-key": key}
        return await self.call("POST", "/refunds", json=body, headers=headers)

    async def admin(self, path: str, **body: Any) -> Any:
        return (await self.client.post(f"/_admin/{path}", json=body)).json()

    async def webhooks(self) -> list[dict[str, Any]]:
        return list((await self.client.get("/_admin/webhooks")).json()["webhooks"])

    async def quiet(self) -> dict[str, Any]:
        """Wait until nothing is due, as the driver of a local world does."""
        for _ in range(200):
            pending = (await self.client.get("/_admin/pending")).json()
            if not pending["due"] and not pending["in_flight"]:
                return dict(pending)
            await asyncio.sleep(0.02)
        raise AssertionError(f"still busy: {pending}")


@asynccontextmanager
async def running(
    world: World, callback_url: str, *, records: Records | None = None, **options: Any
) -> AsyncIterator[Xendit]:
    own = records or Records(None)
    app = create_app(
        records=own,
        clock=world,
        secret_key=KEY,
        callback_token=TOKEN,
        callback_url=callback_url,
        public_url=PUBLIC,
        seed=1,
        **options,
    )
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url=PUBLIC)
    async with app.router.lifespan_context(app), client:
        yield Xendit(client)
    if records is None:
        own.close()

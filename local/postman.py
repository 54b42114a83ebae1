"""A postman who mishandles deliveries: brings them twice, late, and in another order.

It stands between whoever pushes (the dispatcher or the Pub/Sub emulator) and the functions, so
that both backends can be disturbed in the same way. Each mishap is counted.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.connections import BRIEF

_TIMEOUT_S = 60.0


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """How badly deliveries are handled.

    ``duplicate`` is the chance (0..1) that one is brought twice; each is held back for up to
    ``delay_s`` seconds, which also changes their order.
    """

    duplicate: float = 0.0
    delay_s: float = 0.0


class Postman:
    """Forwards each push to its function, as badly as it is told to."""

    def __init__(self, functions: Mapping[str, str], disturbance: Disturbance) -> None:
        self._functions = functions
        self._disturbance = disturbance
        self._random = random.Random()
        self._spare: set[asyncio.Task[Response]] = set()
        self._under_way = 0
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, limits=BRIEF, trust_env=False)
        self.mishaps: Counter[str] = Counter()

    def app(self) -> Starlette:
        """Serve ``POST /FUNCTION`` and ``GET /_admin/pending`` ({"under_way", "mishaps"})."""
        return Starlette(
            routes=[
                Route("/_admin/pending", self._pending),
                Route("/{function}", self._deliver, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _pending(self, _request: Request) -> Response:
        return JSONResponse({"under_way": self._under_way, "mishaps": dict(self.mishaps)})

    async def _deliver(self, request: Request) -> Response:
        url = self._functions[request.path_params["function"]]
        body = await request.body()
        if self._random.random() < self._disturbance.duplicate:
            self.mishaps["duplicated"] += 1
            again = asyncio.create_task(self._forward(url, body))
            self._spare.add(again)
            again.add_done_callback(self._spare.discard)
        return await self._forward(url, body)

    async def _forward(self, url: str, body: bytes) -> Response:
        # Counted, since whoever pushed may be gone while the function still works on it.
        self._under_way += 1
        try:
            return await self._bring(url, body)
        finally:
            self._under_way -= 1

    async def _bring(self, url: str, body: bytes) -> Response:
        if self._disturbance.delay_s:
            self.mishaps["delayed"] += 1
            await asyncio.sleep(self._random.uniform(0, self._disturbance.delay_s))
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError:
            return Response(status_code=502)
        return Response(answer.content, answer.status_code)

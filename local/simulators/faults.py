"""Faults that a simulator commits on request, each counted, so that a test can prove it fired."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

FaultKind = Literal["error_before", "error_after", "rate_limit", "stall"]
Handler = Callable[[Request], Awaitable[Response]]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what goes wrong at which operation, how often.

    ``error_before`` answers ``status`` without doing anything, ``error_after`` does the work and
    then answers ``status``, ``rate_limit`` answers 429, ``stall`` waits ``seconds`` and goes on.
    """

    operation: str
    kind: FaultKind
    probability: float = 1.0
    times: int | None = None
    status: int = 502
    seconds: float = 1.0


class Faults:
    """The rules in force, how often each has fired, and how many requests are being worked on.

    A request counts until it is answered, even when its sender has long given it up.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.rules: list[Fault] = []
        self.fired: Counter[str] = Counter()
        self.latency_s = 0.0
        self.under_way = 0
        self._random = random.Random(seed)

    def draw(self, operation: str, *kinds: FaultKind) -> Fault | None:
        """Return the first rule that fires for this operation now, and count it."""
        for index, rule in enumerate(self.rules):
            if rule.operation not in (operation, "*") or rule.kind not in kinds:
                continue
            if self._random.random() >= rule.probability:
                continue
            if rule.times is not None:
                left = msgspec.structs.replace(rule, times=rule.times - 1)
                self.rules[index : index + 1] = [left] if rule.times > 1 else []
            self.fired[f"{operation}:{rule.kind}"] += 1
            return rule
        return None

    def clear(self) -> None:
        """Forget all rules, counts and latency."""
        self.rules.clear()
        self.fired.clear()
        self.latency_s = 0.0

    def wrap(
        self, operation: str, handler: Handler, rate_limited: Callable[[], Response]
    ) -> Handler:
        """Let the faults of ``operation`` happen around a handler."""

        async def counted(request: Request) -> Response:
            self.under_way += 1
            try:
                # Whole before anything stalls: what has arrived is done, whether or not its sender
                # is still there to hear of it.
                await request.body()
                return await guarded(request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            finally:
                self.under_way -= 1

        async def guarded(request: Request) -> Response:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            if self.draw(operation, "rate_limit"):
                return rate_limited()
            if stall := self.draw(operation, "stall"):
                await asyncio.sleep(stall.seconds)
            if fault := self.draw(operation, "error_before"):
                return _bad_gateway(fault.status)
            response = await handler(request)
            if fault := self.draw(operation, "error_after"):
                return _bad_gateway(fault.status)
            return response

        return counted

    def routes(self) -> list[Route]:
        """Return the admin surface: ``/_admin/faults`` (GET, POST a rule, DELETE all), ``/_admin/latency``."""

        async def faults(request: Request) -> Response:
            if request.method == "POST":
                self.rules.append(msgspec.json.decode(await request.body(), type=Fault))
            elif request.method == "DELETE":
                self.rules.clear()
            return JSONResponse(
                {"rules": msgspec.to_builtins(self.rules), "fired": dict(self.fired)}
            )

        async def latency(request: Request) -> Response:
            self.latency_s = float((await request.json())["seconds"])
            return JSONResponse({"seconds": self.latency_s})

        return [
            Route("/_admin/faults", faults, methods=["GET", "POST", "DELETE"]),
            Route("/_admin/latency", latency, methods=["POST"]),
        ]


def _bad_gateway(status: int) -> Response:
    # Xendit and Google both answer some failures with an HTML page of a proxy before them.
    return HTMLResponse("<html><body><h1>Bad gateway</h1></body></html>", status_code=status)

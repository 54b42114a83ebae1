"""The surface by which tests and the local world's driver steer the simulator."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.records import Records
from local.simulators.xendit.channels import CHANNEL_BY_CODE
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.rate_limit import RateLimiter
from local.simulators.xendit.webhook_queue import WebhookQueue, WebhookSettings


class ForcedPayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment to make happen: ``amount`` in whole rupiah, by default the invoice's.

    A ``channel`` that the simulator does not know is taken as it is: Xendit adds channels, too.
    """

    channel: str = "BCA"
    method: str | None = None
    amount: int | None = None
    late: bool = False
    settle: bool = False
    webhook: bool = True


class Admin:
    """The pages below ``/_admin/``, faults and latency among them."""

    def __init__(
        self,
        records: Records,
        invoices: Invoices,
        webhooks: WebhookQueue,
        faults: Faults,
        limiter: RateLimiter,
    ) -> None:
        self._records = records
        self._invoices = invoices
        self._webhooks = webhooks
        self._faults = faults
        self._limiter = limiter

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            *self._faults.routes(),
            Route("/_admin/reset", self._reset, methods=["POST"]),
            Route("/_admin/invoices", self._list_invoices),
            Route("/_admin/invoices/{id}/pay", self._pay, methods=["POST"]),
            Route("/_admin/invoices/{id}/settle", self._settle, methods=["POST"]),
            Route("/_admin/webhooks", self._list_webhooks),
            Route("/_admin/webhooks", self._configure_webhooks, methods=["POST"]),
            Route("/_admin/pending", self._pending),
            Route("/_admin/rate-limit", self._rate_limit, methods=["GET", "POST"]),
        ]

    async def _reset(self, _request: Request) -> Response:
        self._records.clear()
        self._invoices.forget()
        self._webhooks.forget()
        self._limiter.clear()
        self._faults.clear()
        return JSONResponse({})

    async def _list_invoices(self, request: Request) -> Response:
        return _answer(self._invoices.all(request.query_params.get("external_id")))

    async def _pay(self, request: Request) -> Response:
        order = msgspec.json.decode(await request.body() or b"{}", type=ForcedPayment)
        known = CHANNEL_BY_CODE.get(order.channel)
        paid = self._invoices.force_payment(
            request.path_params["id"],
            method=order.method or (known.method if known else "BANK_TRANSFER"),
            channel=order.channel,
            amount=order.amount,
            late=order.late,
            settle=order.settle,
            webhook=order.webhook,
        )
        return _answer(paid)

    async def _settle(self, request: Request) -> Response:
        return _answer(self._invoices.settle(request.path_params["id"]))

    async def _list_webhooks(self, _request: Request) -> Response:
        return _answer({"settings": self._webhooks.settings, "webhooks": self._webhooks.all()})

    async def _configure_webhooks(self, request: Request) -> Response:
        self._webhooks.configure(_changed(self._webhooks.settings, await request.body()))
        return _answer(self._webhooks.settings)

    async def _pending(self, _request: Request) -> Response:
        next_at = min(
            filter(None, (self._invoices.next_at(), self._webhooks.next_at())), default=None
        )
        return JSONResponse(
            {
                "due": self._invoices.count_due() + self._webhooks.count_due(),
                "in_flight": self._webhooks.count_in_flight() + self._faults.under_way,
                "next_at": None if next_at is None else _iso(next_at),
            }
        )

    async def _rate_limit(self, request: Request) -> Response:
        if request.method == "POST":
            self._limiter.limit = int((await request.json())["limit"])
        refused = dict(self._limiter.refused)
        return JSONResponse({"limit": self._limiter.limit, "refused": refused})


def _changed(settings: WebhookSettings, body: bytes) -> WebhookSettings:
    changes = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.convert(msgspec.to_builtins(settings) | changes, WebhookSettings)


def _iso(instant: datetime) -> str:
    # Not as Xendit writes it: whoever moves the clock to this instant must not fall short of it.
    return instant.isoformat()


def _answer(content: Any) -> Response:
    return JSONResponse(msgspec.to_builtins(content))

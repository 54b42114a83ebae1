"""The surface by which tests and the local world's driver steer the simulator."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.records import Records
from local.simulators.xendit.channels import CHANNEL_BY_CODE
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import RefundStatus
from local.simulators.xendit.rate_limit import RateLimiter
from local.simulators.xendit.refunds import Refunds
from local.simulators.xendit.webhook_queue import WebhookQueue

S = TypeVar("S", bound=msgspec.Struct)


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


class ForcedEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to become of a refund now."""

    status: RefundStatus = "SUCCEEDED"
    failure_code: str | None = None


class Admin:
    """The pages below ``/_admin/``, faults and latency among them."""

    def __init__(
        self,
        *,
        records: Records,
        invoices: Invoices,
        refunds: Refunds,
        webhooks: WebhookQueue,
        faults: Faults,
        limiter: RateLimiter,
    ) -> None:
        self._records = records
        self._invoices = invoices
        self._refunds = refunds
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
            Route("/_admin/refunds", self._list_refunds),
            Route("/_admin/refunds/settings", self._refund_settings, methods=["GET", "POST"]),
            Route("/_admin/refunds/{id}/finish", self._finish, methods=["POST"]),
            Route("/_admin/webhooks", self._list_webhooks),
            Route("/_admin/webhooks", self._configure_webhooks, methods=["POST"]),
            Route("/_admin/pending", self._pending),
            Route("/_admin/rate-limit", self._rate_limit, methods=["GET", "POST"]),
        ]

    async def _reset(self, _request: Request) -> Response:
        self._records.clear()
        self._invoices.forget()
        self._refunds.forget()
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

    async def _list_refunds(self, _request: Request) -> Response:
        return _answer(self._refunds.all())

    async def _refund_settings(self, request: Request) -> Response:
        if request.method == "POST":
            self._refunds.configure(_changed(self._refunds.settings, await request.body()))
        return _answer(self._refunds.settings)

    async def _finish(self, request: Request) -> Response:
        end = msgspec.json.decode(await request.body() or b"{}", type=ForcedEnd)
        refund_id = request.path_params["id"]
        return _answer(self._refunds.finish(refund_id, end.status, end.failure_code))

    async def _list_webhooks(self, _request: Request) -> Response:
        return _answer({"settings": self._webhooks.settings, "webhooks": self._webhooks.all()})

    async def _configure_webhooks(self, request: Request) -> Response:
        self._webhooks.configure(_changed(self._webhooks.settings, await request.body()))
        return _answer(self._webhooks.settings)

    async def _pending(self, _request: Request) -> Response:
        timed = (self._invoices, self._refunds, self._webhooks)
        next_at = min(filter(None, (one.next_at() for one in timed)), default=None)
        return JSONResponse(
            {
                "due": sum(one.count_due() for one in timed),
                "in_flight": self._webhooks.count_in_flight() + self._faults.under_way,
                "next_at": None if next_at is None else _iso(next_at),
            }
        )

    async def _rate_limit(self, request: Request) -> Response:
        if request.method == "POST":
            self._limiter.limit = int((await request.json())["limit"])
        refused = dict(self._limiter.refused)
        return JSONResponse({"limit": self._limiter.limit, "refused": refused})


def _changed(settings: S, body: bytes) -> S:
    changes = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.convert(msgspec.to_builtins(settings) | changes, type(settings))


def _iso(instant: datetime) -> str:
    # Not as Xendit writes it: whoever moves the clock to this instant must not fall short of it.
    return instant.isoformat()


def _answer(content: Any) -> Response:
    return JSONResponse(msgspec.to_builtins(content))

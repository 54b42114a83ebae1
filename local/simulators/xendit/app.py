"""The simulator as one ASGI application."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.connections import BRIEF
from local.simulators.faults import Faults
from local.simulators.records import Records
from local.simulators.xendit.admin import Admin
from local.simulators.xendit.api import InvoiceApi
from local.simulators.xendit.checkout import Checkout
from local.simulators.xendit.endpoints import Endpoints
from local.simulators.xendit.errors import ApiError, PaymentRefusedError
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import Clock
from local.simulators.xendit.rate_limit import RateLimiter
from local.simulators.xendit.refund_api import RefundApi
from local.simulators.xendit.refunds import Refunds
from local.simulators.xendit.webhook_queue import WebhookQueue
from local.simulators.xendit.webhooks import Courier

TICK_S: Final = 0.05
RATE_WINDOW_S: Final = 60.0
logger = logging.getLogger(__name__)


def create_app(
    *,
    records: Records,
    clock: Clock,
    secret_key: str,
    callback_token: str,
    callback_url: str,
    public_url: str,
    time_scale: float = 1.0,
    rate_limit_per_minute: int = 600,
    webhook_timeout_s: float = 30.0,
    seed: int | None = None,
) -> Starlette:
    """Return the simulator over ``records``; it works while its lifespan lasts.

    ``public_url`` is where payers reach it, without a slash at the end. ``time_scale`` divides the
    waits between the tries of a webhook (world time) and the window of the rate limit (real time).
    ``webhook_timeout_s`` is real time. ``seed`` fixes which faults fire.
    """
    faults = Faults(seed)
    webhooks = WebhookQueue(records, clock, random.Random(seed), time_scale)
    invoices = Invoices(records, clock, webhooks)
    refunds = Refunds(records, clock, invoices, webhooks)
    limiter = RateLimiter(rate_limit_per_minute, RATE_WINDOW_S / time_scale, time.monotonic)
    endpoints = Endpoints(faults, limiter, secret_key)
    admin = Admin(
        records=records,
        invoices=invoices,
        refunds=refunds,
        webhooks=webhooks,
        faults=faults,
        limiter=limiter,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # The environment's proxies must not come between two processes of one machine.
        async with httpx.AsyncClient(
            timeout=webhook_timeout_s, limits=BRIEF, trust_env=False
        ) as client:
            courier = Courier(webhooks, client, callback_url, callback_token)
            ticking = asyncio.create_task(_keep_ticking(invoices, refunds, courier))
            try:
                yield
            finally:
                ticking.cancel()
                await courier.stop()

    return Starlette(
        routes=[
            *InvoiceApi(invoices, clock, endpoints, public_url).routes(),
            *RefundApi(refunds, endpoints).routes(),
            *Checkout(invoices, clock).routes(),
            *admin.routes(),
        ],
        exception_handlers={
            ApiError: _refused,
            PaymentRefusedError: _payment_refused,
            msgspec.DecodeError: _not_understood,
        },
        lifespan=lifespan,
    )


async def _keep_ticking(invoices: Invoices, refunds: Refunds, courier: Courier) -> None:
    while True:
        try:
            invoices.expire_due()
            refunds.finish_due()
            courier.send_due()
        except Exception:
            # A simulator whose time stands still is harder to understand than one that complains.
            logger.exception("the simulator of Xendit could not do what is due")
        await asyncio.sleep(TICK_S)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body(), error.status)


async def _payment_refused(_request: Request, error: Exception) -> Response:
    return JSONResponse({"refused": str(error)}, 409)


async def _not_understood(_request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)

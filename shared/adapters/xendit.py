"""Invoices at Xendit, through its SDK's client with raw responses and tolerant types of our own.

The SDK's own models reject valid responses and lose unknown values, its errors hide status and
headers, it has no timeouts and retries reads by itself; so only its request side is used.
Status codes, error codes and rate-limit headers: Xendit's API reference, Invoice API v2.
"""

import contextlib
import decimal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import urllib3
from xendit import ApiClient, Configuration
from xendit.invoice.invoice_api import InvoiceApi
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest
from xendit.invoice.model.customer_object import CustomerObject
from xendit.invoice.model.invoice_item import InvoiceItem

from shared.domain.invoice import Invoice, InvoiceStatus
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import InvoiceRequest
from shared.settings import CheckoutSettings, XenditSettings

_STATUS = {
    "PENDING": InvoiceStatus.PENDING,
    "PAID": InvoiceStatus.PAID,
    "SETTLED": InvoiceStatus.PAID,  # the money has reached the account; not every invoice gets here
    "EXPIRED": InvoiceStatus.EXPIRED,
}
_TOO_MANY = 429
_NOT_FOUND = 404
_REFUSED = 400
_SERVER_ERROR = 500
_DEFAULT_RATE_LIMIT_WAIT_S = 60.0
# Xendit's windows are a minute long: a header beyond this is not a number of seconds.
_LONGEST_RATE_LIMIT_WAIT_S = 600.0


class _WireInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are used of an invoice in Xendit's API; all others are ignored."""

    id: str
    external_id: str
    status: str
    amount: decimal.Decimal
    invoice_url: str
    expiry_date: datetime
    currency: str = "IDR"
    paid_amount: decimal.Decimal | None = None
    paid_at: datetime | None = None
    created: datetime | None = None
    payment_method: str | None = None
    payment_channel: str | None = None


class _WireError(msgspec.Struct, frozen=True, kw_only=True):
    error_code: str = "UNKNOWN"
    message: str = ""


class _NotFoundError(PermanentError):
    """Xendit has no such invoice."""


class _ClassifyingPool(urllib3.PoolManager):
    """The SDK's connection pool, with every failure turned into one of our errors.

    Done here because only here the status, the headers and the body are all at hand.
    ``budget`` is the share of the rate limit that is left, and until when (monotonic) that holds.
    """

    budget: tuple[float, float] = (1.0, 0.0)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Send a request; return the response if it is a success."""
        try:
            response = super().request(method, url, *args, **options)
            body = response.data  # read here, since the connection can break in the middle of it
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as e:
            raise NotDoneError(f"Xendit cannot be reached: {type(e).__name__}") from e
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(f"Xendit did not answer: {type(error).__name__}") from error
        self.budget = _budget(response.headers)
        if response.status >= 300:  # noqa: PLR2004 - redirects are not followed either
            raise _classified(response.status, response.headers, body)
        return response


class XenditInvoiceGateway:
    """InvoiceGateway on Xendit's Invoice API. Safe to share between threads."""

    def __init__(self, settings: XenditSettings, checkout: CheckoutSettings) -> None:
        configuration = Configuration(host=settings.base_url, api_key=settings.secret_key)
        client = ApiClient(configuration)
        self._pool = _ClassifyingPool(maxsize=16, retries=False, block=False)
        client.rest_client.pool_manager = self._pool
        self._api = InvoiceApi(client)
        self._checkout = checkout
        self._options = {"_preload_content": False, "_request_timeout": settings.timeout_s}

    def create(self, request: InvoiceRequest) -> Invoice:
        """See InvoiceGateway."""
        body = self._create_request(request)
        return _read(self._api.create_invoice(body, **self._options))

    def get(self, invoice_id: str) -> Invoice | None:
        """See InvoiceGateway."""
        try:
            return _read(self._api.get_invoice_by_id(invoice_id, **self._options))
        except _NotFoundError:
            return None

    def find(self, order_id: str) -> Sequence[Invoice]:
        """See InvoiceGateway."""
        response = self._api.get_invoices(external_id=order_id, **self._options)
        found = _decode(response.data, list[_WireInvoice])
        found.sort(key=lambda wire: (wire.created or datetime.max.replace(tzinfo=UTC), wire.id))
        return [_invoice(wire) for wire in found if wire.external_id == order_id]

    def expire(self, invoice_id: str) -> None:
        """See InvoiceGateway."""
        # Xendit refuses to expire an invoice that is paid or expired already: nothing to do then.
        with contextlib.suppress(PermanentError):
            self._api.expire_invoice(invoice_id, **self._options)

    def budget(self) -> float:
        """See InvoiceGateway."""
        share, until = self._pool.budget
        return share if time.monotonic() < until else 1.0

    def _create_request(self, request: InvoiceRequest) -> CreateInvoiceRequest:
        order = request.order
        price = float(order.price.amount)  # the SDK takes nothing but floats
        customer = CustomerObject(given_names=order.mentee.name, email=order.mentee.email)
        if order.mentee.phone is not None:
            customer.mobile_number = order.mentee.phone
        return CreateInvoiceRequest(
            external_id=order.id,
            amount=price,
            currency=order.price.currency,
            description=order.subject,
            payer_email=order.mentee.email,
            customer=customer,
            invoice_duration=float(request.duration_s),
            should_send_email=False,
            locale=order.mentee.locale,
            items=[InvoiceItem(name=order.subject, price=price, quantity=1.0)],
            success_redirect_url=self._checkout.success_url.format(order_id=order.id),
            failure_redirect_url=self._checkout.failure_url.format(order_id=order.id),
        )


def _read(response: Any) -> Invoice:
    return _invoice(_decode(response.data, _WireInvoice))


def _decode(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # Retryable: after a create, the next delivery finds the invoice and reads it again.
        raise RetryableError(f"Xendit's answer cannot be read: {error}") from error


def _invoice(wire: _WireInvoice) -> Invoice:
    return Invoice(
        id=wire.id,
        order_id=wire.external_id,
        status=_STATUS.get(wire.status, InvoiceStatus.UNKNOWN),
        url=wire.invoice_url,
        amount=_whole(wire.amount),
        currency=wire.currency,
        expires_at=wire.expiry_date.astimezone(UTC),
        paid_amount=None if wire.paid_amount is None else _whole(wire.paid_amount),
        paid_at=None if wire.paid_at is None else wire.paid_at.astimezone(UTC),
        payment_method=wire.payment_method,
        payment_channel=wire.payment_channel,
    )


def _whole(amount: decimal.Decimal) -> int:
    if amount != amount.to_integral_value():
        raise RetryableError(f"Xendit names {amount}, which is not a whole amount")
    return int(amount)


def _classified(status: int, headers: Any, body: bytes) -> Exception:
    try:
        wire = msgspec.json.decode(body, type=_WireError)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        wire = _WireError()  # a proxy's HTML page, or nothing
    said = f"Xendit answered {status} {wire.error_code}: {wire.message}"
    if status == _TOO_MANY:
        return NotDoneError(said, retry_after=_seconds_until_reset(headers))
    if status == _NOT_FOUND:
        return _NotFoundError(said)
    if not _REFUSED <= status < _SERVER_ERROR or status == 408:  # noqa: PLR2004 - request timeout
        return RetryableError(said)
    if status in {401, 403}:
        # Our key, not this order: everything waits until the key is right, nothing is given up.
        return NotDoneError(said, retry_after=_DEFAULT_RATE_LIMIT_WAIT_S)
    return PermanentError(said)


def _budget(headers: Any) -> tuple[float, float]:
    try:
        share = float(headers["Rate-Limit-Remaining"]) / float(headers["Rate-Limit-Limit"])
    except (KeyError, ValueError, ZeroDivisionError):
        return 1.0, 0.0
    return share, time.monotonic() + _seconds_until_reset(headers)


def _seconds_until_reset(headers: Any) -> float:
    try:
        wait = float(headers.get("Rate-Limit-Reset", ""))
    except ValueError:
        return _DEFAULT_RATE_LIMIT_WAIT_S
    return min(max(0.0, wait), _LONGEST_RATE_LIMIT_WAIT_S)

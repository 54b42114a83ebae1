"""How the adapter of Xendit takes each of the ways in which Xendit can fail."""

import base64
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, Router

from local.ports import free_ports
from shared.adapters.xendit import XenditInvoiceGateway
from shared.domain.invoice import InvoiceStatus
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import InvoiceRequest
from shared.settings import CheckoutSettings, XenditSettings
from tests.builders import mentee, order
from tests.fakes import FakeClock
from tests.vendors import HOST, KEY, Vendor, served, served_xendit

REQUEST = InvoiceRequest(order=order(), duration_s=3600)
TIMEOUT_S = 0.4
LEAST = {
    "id": "64f1b9a2c87d4e0012a5d3f7",
    "external_id": order().id,
    "status": "PENDING",
    "amount": 250_000,
    "invoice_url": "https://checkout.example/web/64f1b9a2c87d4e0012a5d3f7",
    "expiry_date": "2026-11-25T02:00:05Z",
}
Call = Callable[[XenditInvoiceGateway], Any]
CALLS: dict[str, Call] = {
    "invoices.create": lambda gateway: gateway.create(REQUEST),
    "invoices.get": lambda gateway: gateway.get("64f1b9a2c87d4e0012a5d3f7"),
    "invoices.list": lambda gateway: gateway.find(order().id),
    "invoices.expire": lambda gateway: gateway.expire("64f1b9a2c87d4e0012a5d3f7"),
}
each_operation = pytest.mark.parametrize("operation", CALLS)


def gateway_at(url: str, key: str = KEY) -> XenditInvoiceGateway:
    return XenditInvoiceGateway(
        XenditSettings(secret_key=key, base_url=url, timeout_s=TIMEOUT_S),
        CheckoutSettings(success_url="https://a.example", failure_url="https://b.example"),
    )


@pytest.fixture(scope="module")
def served_vendor() -> Iterator[Vendor]:
    with served_xendit(FakeClock(), timeout_keep_alive=1) as vendor:
        yield vendor


@pytest.fixture
def xendit(served_vendor: Vendor) -> Vendor:
    served_vendor.reset()
    return served_vendor


@pytest.fixture
def gateway(xendit: Vendor) -> XenditInvoiceGateway:
    return gateway_at(xendit.url)


class Scripted:
    """A server that gives one answer to everything: what no simulator would think of."""

    def __init__(self) -> None:
        self.answer: Response = Response()
        self.url = ""

    async def give(self, _request: Request) -> Response:
        return self.answer

    def failure(self, answer: Response, call: Call = CALLS["invoices.create"]) -> Exception:
        """Return what the adapter raises for this answer."""
        self.answer = answer
        with pytest.raises(Exception) as failed:  # noqa: PT011 - which one is what tests look at
            call(gateway_at(self.url))
        return failed.value


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    script = Scripted()
    everything = Route("/{path:path}", script.give, methods=["GET", "POST"])
    with served(Router([everything])) as script.url:
        yield script


@each_operation
def test_a_stalled_call_is_given_up_once_and_in_time(
    operation: str, xendit: Vendor, gateway: XenditInvoiceGateway
) -> None:
    xendit.fault(operation, "stall", seconds=2 * TIMEOUT_S)
    started = time.monotonic()
    with pytest.raises(RetryableError, match="did not answer: ReadTimeoutError") as failed:
        CALLS[operation](gateway)
    assert TIMEOUT_S <= time.monotonic() - started < 2 * TIMEOUT_S
    assert type(failed.value) is RetryableError
    assert len(xendit.requests) == 1


@each_operation
def test_too_many_requests_were_not_done_and_say_how_long_to_wait(
    operation: str, xendit: Vendor, gateway: XenditInvoiceGateway
) -> None:
    xendit.fault(operation, "rate_limit")
    with pytest.raises(NotDoneError, match="429 RATE_LIMIT_EXCEEDED") as refused:
        CALLS[operation](gateway)
    assert refused.value.retry_after in (59, 60)
    assert len(xendit.requests) == 1


@pytest.mark.parametrize(
    ("header", "wait"),
    [("17", 17), ("29.5", 29.5), ("-3", 0), ("soon", 60), ("1795485605", 600), ("inf", 600)],
)
def test_the_wait_is_what_xendit_says_within_reason(
    header: str, wait: float, scripted: Scripted
) -> None:
    refused = scripted.failure(JSONResponse({}, 429, {"Rate-Limit-Reset": header}))
    assert isinstance(refused, NotDoneError)
    assert refused.retry_after == wait


@each_operation
def test_a_proxys_page_of_an_error_is_retryable(
    operation: str, xendit: Vendor, gateway: XenditInvoiceGateway
) -> None:
    xendit.fault(operation, "error_before", status=502)
    with pytest.raises(RetryableError, match="502 UNKNOWN") as failed:
        CALLS[operation](gateway)
    assert type(failed.value) is RetryableError
    assert len(xendit.requests) == 1


def test_an_invoice_whose_answer_was_lost_is_found(
    xendit: Vendor, gateway: XenditInvoiceGateway
) -> None:
    xendit.fault("invoices.create", "error_after", times=1)
    with pytest.raises(RetryableError):
        gateway.create(REQUEST)
    assert len(gateway.find(order().id)) == 1


@each_operation
def test_nothing_was_done_where_nobody_listens(operation: str) -> None:
    (port,) = free_ports(1)
    with pytest.raises(NotDoneError, match="cannot be reached: NewConnectionError"):
        CALLS[operation](gateway_at(f"http://{HOST}:{port}"))


@each_operation
def test_everything_waits_while_the_key_is_wrong(operation: str, xendit: Vendor) -> None:
    with pytest.raises(NotDoneError, match="401 INVALID_API_KEY") as refused:
        CALLS[operation](gateway_at(xendit.url, key="xnd_development_wrong"))
    assert refused.value.retry_after == 60


def test_a_request_that_xendit_does_not_take_is_never_sent_again(
    gateway: XenditInvoiceGateway,
) -> None:
    nowhere = order(mentee=mentee(email="sari@localhost"))
    with pytest.raises(PermanentError, match="400 EMAIL_FORMAT_ERROR"):
        gateway.create(InvoiceRequest(order=nowhere, duration_s=3600))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(status_code=500), RetryableError),
        (Response(status_code=408), RetryableError),
        (HTMLResponse("<h1>busy</h1>", 503), RetryableError),
        (RedirectResponse("https://status.example"), RetryableError),
        (JSONResponse({"error_code": "REQUEST_FORBIDDEN_ERROR"}, 403), NotDoneError),
        (JSONResponse({"error_code": "UNSUPPORTED_CURRENCY"}, 400), PermanentError),
        (JSONResponse({"error_code": 7}, 400), PermanentError),
        (Response(b"\xff\xfe", 400), PermanentError),
        (HTMLResponse("<h1>welcome</h1>", 200), RetryableError),
        (Response(b"[" * 100_000, 200), RetryableError),
        (JSONResponse([], 200), RetryableError),
        (JSONResponse({"status": "PENDING"}, 200), RetryableError),
        (JSONResponse(LEAST | {"amount": 250_000.5}, 200), RetryableError),
        (JSONResponse(LEAST | {"expiry_date": "tomorrow"}, 200), RetryableError),
    ],
)
def test_any_answer_is_classified(
    answer: Response, kind: type[Exception], scripted: Scripted
) -> None:
    assert type(scripted.failure(answer)) is kind


def test_the_least_that_an_answer_can_say_is_enough(scripted: Scripted) -> None:
    scripted.answer = JSONResponse(LEAST)
    read = gateway_at(scripted.url).create(REQUEST)
    assert (read.amount, read.currency) == (250_000, "IDR")
    assert read.expires_at == datetime(2026, 11, 25, 2, 0, 5, tzinfo=UTC)
    assert (read.paid_amount, read.paid_at, read.payment_channel) == (None, None, None)


def test_a_status_that_xendit_has_added_since_is_unknown(scripted: Scripted) -> None:
    scripted.answer = JSONResponse(LEAST | {"status": "IN_REVIEW", "payment_method": "HOLOGRAM"})
    read = gateway_at(scripted.url).get("any")
    assert read is not None
    assert (read.status, read.payment_method) == (InvoiceStatus.UNKNOWN, "HOLOGRAM")


def test_settled_money_is_paid_whatever_the_notation(scripted: Scripted) -> None:
    paid = {"status": "SETTLED", "paid_amount": 250_000.0, "paid_at": "2026-11-24T02:03:04.5+07:00"}
    scripted.answer = JSONResponse(LEAST | paid)
    read = gateway_at(scripted.url).get("any")
    assert read is not None
    assert (read.status, read.paid_amount) == (InvoiceStatus.PAID, 250_000)
    assert read.paid_at == datetime(2026, 11, 23, 19, 3, 4, 500_000, tzinfo=UTC)


def test_invoices_of_other_orders_in_an_answer_are_left_out(scripted: Scripted) -> None:
    others = [LEAST | {"external_id": f"{order().id}-2"}, LEAST | {"external_id": "INV/7"}]
    scripted.answer = JSONResponse([*others, LEAST])
    found = gateway_at(scripted.url).find(order().id)
    assert [invoice.order_id for invoice in found] == [order().id]


@each_operation
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_an_answer_that_breaks_off_is_retryable(operation: str, status: str) -> None:
    with socket.create_server((HOST, 0)) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        answering = threading.Thread(target=_break_off, args=(listener, status))
        answering.start()
        with pytest.raises(RetryableError, match="did not answer: ") as failed:
            CALLS[operation](gateway_at(url))
        answering.join()
    assert type(failed.value) is RetryableError


def _break_off(listener: socket.socket, status: str) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 100\r\n\r\n{{".encode())


def test_a_connection_that_xendit_has_closed_is_opened_anew(
    xendit: Vendor, gateway: XenditInvoiceGateway
) -> None:
    made = gateway.create(REQUEST)
    time.sleep(1.3)
    again = gateway.create(REQUEST)
    assert {invoice.id for invoice in gateway.find(order().id)} == {made.id, again.id}
    assert xendit.requests.count("POST /v2/invoices/") == 2


def test_the_key_is_in_no_error_and_no_log(
    xendit: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (port,) = free_ports(1)
    said = [repr(XenditSettings(secret_key=KEY))]
    for url in (xendit.url, f"http://{HOST}:{port}"):
        xendit.fault("invoices.get", "error_before", status=500)
        with pytest.raises(RetryableError) as failed:
            gateway_at(url).get("any")
        said += traceback.format_exception(failed.value)
    text = "".join(said) + caplog.text
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    assert KEY not in text
    assert encoded not in text

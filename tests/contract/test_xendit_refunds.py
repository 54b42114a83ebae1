"""How the adapter of Xendit's refunds takes what no other adapter meets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router

from shared.adapters.xendit_refunds import XenditRefundGateway
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.settings import XenditSettings
from tests.fakes import FakeClock
from tests.vendors import KEY, Vendor, served, served_xendit

TIMEOUT_S = 0.4
LEAST = {"id": "rfd-1", "status": "PENDING", "amount": 250_000}
REQUEST = RefundRequest(
    key="refund-NUS-1-inv-1", order_id="NUS-1", invoice_id="inv-1", amount=250_000, currency="IDR"
)
Call = Callable[[XenditRefundGateway], Any]
CALLS: dict[str, Call] = {
    "refunds.create": lambda gateway: gateway.refund(REQUEST),
    "refunds.get": lambda gateway: gateway.get("rfd-1"),
}
each_operation = pytest.mark.parametrize("operation", CALLS)


def gateway_at(url: str, key: str = KEY) -> XenditRefundGateway:
    return XenditRefundGateway(XenditSettings(secret_key=key, base_url=url, timeout_s=TIMEOUT_S))


class Scripted:
    """A server that gives one answer to everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Response = Response()
        self.listed: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.bodies: list[Any] = []
        self.url = ""

    async def give(self, request: Request) -> Response:
        if request.method == "GET" and request.url.path == "/refunds":
            return JSONResponse({"data": self.listed, "has_more": False})
        if request.method == "POST":
            self.keys.append(request.headers.get("idempotency-key"))
            self.bodies.append(await request.json())
        return self.answer


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()
    everything = Route("/{path:path}", script.give, methods=["GET", "POST"])
    with served(Router([everything])) as script.url:
        yield script


@pytest.fixture(scope="module")
def served_vendor() -> Iterator[Vendor]:
    with served_xendit(FakeClock()) as vendor:
        yield vendor


@pytest.fixture
def xendit(served_vendor: Vendor) -> Vendor:
    served_vendor.reset()
    return served_vendor


def refusal(code: str, status: int = 400) -> Response:
    return JSONResponse({"error_code": code, "message": "no"}, status)


def test_the_request_carries_the_key_and_says_twice_whose_money_it_is(scripted: Scripted) -> None:
    scripted.answer = JSONResponse(LEAST)
    gateway_at(scripted.url).refund(REQUEST)
    assert scripted.keys == [REQUEST.key]
    assert scripted.bodies == [
        {
            "invoice_id": "inv-1",
            "amount": 250_000,
            "currency": "IDR",
            "reason": "CANCELLATION",
            "reference_id": "NUS-1",
            "metadata": {"order_id": "NUS-1", "invoice_id": "inv-1"},
        }
    ]


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    ("code", "kind", "wait"),
    [
        ("REFUND_NOT_SUPPORTED", NotRefundableError, None),
        ("PARTIAL_REFUND_NOT_SUPPORTED", NotRefundableError, None),
        ("CHANNEL_NOT_SUPPORTED", NotRefundableError, None),
        ("INELIGIBLE_TRANSACTION", PermanentError, None),
        ("INELIGIBLE_TRANSACTION_STATUS", PermanentError, None),
        ("REFUND_AMOUNT_EXCEEDED", PermanentError, None),
        ("MAXIMUM_REFUND_AMOUNT_REACHED", PermanentError, None),
        ("INSUFFICIENT_BALANCE", NotDoneError, 3600),
        ("REFUND_IN_PROGRESS", RetryableError, 600),
        ("REFUND_TEMPORARILY_UNAVAILABLE", RetryableError, 600),
    ],
)
def test_the_code_of_a_refusal_says_what_it_means_whatever_the_status(
    scripted: Scripted, status: int, code: str, kind: type[Exception], wait: float | None
) -> None:
    scripted.answer = refusal(code, status)
    with pytest.raises(kind, match=f"{status} {code}") as refused:
        gateway_at(scripted.url).refund(REQUEST)
    assert type(refused.value) is kind
    assert getattr(refused.value, "retry_after", None) == wait


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal("REQUEST_FORBIDDEN_ERROR", 403), NotDoneError),
        (refusal("API_VALIDATION_ERROR"), PermanentError),
        (refusal("TRANSACTION_NOT_FOUND"), PermanentError),
        (refusal("CHANNEL_UNAVAILABLE", 503), RetryableError),
        # Not the gateway's word: something before Xendit that speaks its language.
        (refusal("REFUND_NOT_SUPPORTED", 503), RetryableError),
        (refusal("REFUND_NOT_SUPPORTED", 429), NotDoneError),
        (HTMLResponse("<h1>no</h1>", 403), NotDoneError),
        (HTMLResponse("<h1>welcome</h1>", 200), RetryableError),
        (JSONResponse({"id": "rfd-1"}, 200), RetryableError),
        (JSONResponse(LEAST | {"amount": 0.5}, 200), RetryableError),
    ],
)
def test_any_other_answer_is_taken_as_everywhere(
    scripted: Scripted, answer: Response, kind: type[Exception]
) -> None:
    scripted.answer = answer
    with pytest.raises(kind) as failed:
        gateway_at(scripted.url).refund(REQUEST)
    assert type(failed.value) is kind


@pytest.mark.parametrize(
    ("said", "invoice_id"),
    [
        ({"invoice_id": "inv-7"}, "inv-7"),
        ({"invoice_id": None, "metadata": {"invoice_id": "inv-8"}}, "inv-8"),
        ({"metadata": {"invoice_id": 8}}, ""),
        ({"metadata": "inv-8"}, ""),
    ],
)
def test_the_invoice_is_found_where_xendit_says_it(
    scripted: Scripted, said: dict[str, Any], invoice_id: str
) -> None:
    scripted.answer = JSONResponse(LEAST | said)
    gateway = gateway_at(scripted.url)
    read = gateway.get("rfd-1")
    assert read is not None
    assert read.invoice_id == invoice_id
    assert gateway.refund(REQUEST).invoice_id == (invoice_id or REQUEST.invoice_id)


def test_a_status_that_xendit_has_added_since_is_unknown(scripted: Scripted) -> None:
    scripted.answer = JSONResponse(LEAST | {"status": "IN_REVIEW", "failure_code": "SLOW"})
    assert gateway_at(scripted.url).get("rfd-1") == Refund(
        id="rfd-1",
        invoice_id="",
        status=RefundStatus.UNKNOWN,
        amount=250_000,
        currency="IDR",
        failure="SLOW",
    )


@pytest.mark.parametrize("code", ["IDEMPOTENCY_ERROR", "DUPLICATE_ERROR"])
def test_a_used_key_is_no_failure_where_this_very_refund_is_under_way(
    scripted: Scripted, code: str
) -> None:
    scripted.answer = refusal(code, 409)
    scripted.listed = [
        LEAST | {"id": "rfd-1", "reference_id": "NUS-1", "amount": 1},
        LEAST | {"id": "rfd-2", "reference_id": "NUS-2"},
        LEAST | {"id": "rfd-3", "reference_id": "NUS-1", "status": "SUCCEEDED"},
    ]
    started = gateway_at(scripted.url).refund(REQUEST)
    assert (started.id, started.status) == ("rfd-3", RefundStatus.SUCCEEDED)
    assert started.invoice_id == "inv-1"


@pytest.mark.parametrize("code", ["IDEMPOTENCY_ERROR", "DUPLICATE_ERROR"])
def test_a_key_that_was_used_for_something_else_is_refused_for_good(
    scripted: Scripted, code: str
) -> None:
    scripted.answer = refusal(code, 409)
    scripted.listed = [LEAST | {"reference_id": "NUS-1", "amount": 1}]
    with pytest.raises(PermanentError, match=f"409 {code}"):
        gateway_at(scripted.url).refund(REQUEST)


def test_a_lost_answer_is_one_refund_even_where_used_keys_are_refused(xendit: Vendor) -> None:
    xendit.tell("refunds/settings", refuse_used_keys=True)
    xendit.fault("refunds.create", "error_after", times=1)
    made = xendit.admin.post(
        f"{xendit.url}/v2/invoices",
        json={"external_id": "NUS-1", "amount": 250_000},
        auth=(KEY, ""),
    ).json()
    xendit.tell(f"invoices/{made['id']}/pay", channel="QRIS")
    request = RefundRequest(
        key="k", order_id="NUS-1", invoice_id=made["id"], amount=250_000, currency="IDR"
    )
    gateway = gateway_at(xendit.url)
    with pytest.raises(RetryableError):
        gateway.refund(request)
    started = gateway.refund(request)
    assert [refund["id"] for refund in xendit.ask("refunds")] == [started.id]


@each_operation
def test_a_stalled_call_is_given_up_once(operation: str, xendit: Vendor) -> None:
    xendit.fault(operation, "stall", seconds=2 * TIMEOUT_S)
    with pytest.raises(RetryableError, match="did not answer: ReadTimeoutError"):
        CALLS[operation](gateway_at(xendit.url))
    assert len(xendit.requests) == 1


@each_operation
def test_too_many_requests_and_a_wrong_key_were_not_done(operation: str, xendit: Vendor) -> None:
    xendit.fault(operation, "rate_limit")
    with pytest.raises(NotDoneError, match="429 RATE_LIMIT_EXCEEDED"):
        CALLS[operation](gateway_at(xendit.url))
    xendit.tell("reset")
    with pytest.raises(NotDoneError, match="401 INVALID_API_KEY"):
        CALLS[operation](gateway_at(xendit.url, key="xnd_development_wrong"))

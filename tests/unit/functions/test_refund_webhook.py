"""What a refund webhook says is read from every shape that was seen, and from no other body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.payment_callback.refund_webhook import RefundCallback, read_refund_callback

# Recorded for a wallet in 2023, with ids of our own.
RECORDED: dict[str, Any] = {
    "created": "2026-11-24T02:34:27.009Z",
    "business_id": "64118d86854d7d89206e732d",
    "event": "refund.succeeded",
    "data": {
        "id": "RFD-00001",
        "amount": 250_000,
        "reason": "OTHERS",
        "status": "SUCCEEDED",
        "country": "ID",
        "created": "2026-11-24T02:34:24.963128Z",
        "updated": "2026-11-24T02:34:24.963128Z",
        "currency": "IDR",
        "invoice_id": "64dc9fc9a23a9340d20c309d",
        "payment_id": "ewc_b4eab1df",
        "channel_code": "DANA",
        "reference_id": "NUS-1",
        "refund_method": "DIRECT",
        "payment_method_type": "EWALLET",
    },
}
# The example of Xendit's documentation, with the same ids.
DOCUMENTED: dict[str, Any] = {
    "event": "refund.failed",
    "business_id": "6094fa76c2fd53701b8e079c",
    "created": "2026-11-24T14:52:21.566Z",
    "data": {
        "event": "refund.failed",
        "business_id": "5f27a14a9bf05c73dd040bc8",
        "created": "2026-11-24T09:12:33.001Z",
        "data": {
            "id": "rfd-fca8d8bc-497c-42a5-b16f-97825323502a",
            "payment_id": "ddpy-3cd658ae",
            "invoice_id": None,
            "amount": 10_000,
            "channel_code": "BPI",
            "currency": "PHP",
            "status": "FAILED",
            "reason": "CANCELLATION",
            "reference_id": "NUS-1",
            "failure_code": "DUPLICATE_ERROR",
            "refund_fee_amount": None,
            "metadata": None,
        },
    },
}


def read(body: Any) -> RefundCallback | None:
    return read_refund_callback(json.dumps(body).encode())


def flat(**changes: Any) -> dict[str, Any]:
    return RECORDED | {"data": RECORDED["data"] | changes}


def nested(**changes: Any) -> dict[str, Any]:
    return DOCUMENTED | {"data": DOCUMENTED["data"] | {"data": RECORDED["data"] | changes}}


def test_a_recorded_flat_body_is_read() -> None:
    assert read(RECORDED) == RefundCallback(
        event="refund.succeeded",
        refund_id="RFD-00001",
        invoice_id="64dc9fc9a23a9340d20c309d",
        order_id="NUS-1",
    )


def test_the_documented_nested_body_is_read() -> None:
    assert read(DOCUMENTED) == RefundCallback(
        event="refund.failed",
        refund_id="rfd-fca8d8bc-497c-42a5-b16f-97825323502a",
        invoice_id=None,
        order_id="NUS-1",
    )


@pytest.mark.parametrize("shape", [flat, nested])
@pytest.mark.parametrize(
    ("changes", "invoice_id", "order_id"),
    [
        ({"metadata": {"order_id": "NUS-2", "invoice_id": "other"}}, "64dc9f", "NUS-2"),
        ({"invoice_id": None, "metadata": {"invoice_id": "inv-9"}}, "inv-9", "NUS-1"),
        ({"invoice_id": "", "reference_id": ""}, None, None),
        ({"invoice_id": 7, "reference_id": ["NUS-1"], "metadata": "NUS-1"}, None, None),
        ({"invoice_id": "x" * 257, "reference_id": "x" * 257}, None, None),
        ({"metadata": {"order_id": {"a": 1}}}, "64dc9f", "NUS-1"),
        ({"amount": "much", "status": None, "new": [1, {"deep": None}]}, "64dc9f", "NUS-1"),
    ],
)
def test_what_is_missing_or_strange_is_left_out(
    shape: Any, changes: dict[str, Any], invoice_id: str | None, order_id: str | None
) -> None:
    told = read(shape(**{"invoice_id": "64dc9f"} | changes))
    assert told is not None
    assert (told.invoice_id, told.order_id) == (invoice_id, order_id)
    assert told.refund_id == "RFD-00001"


def test_an_event_that_xendit_adds_is_read_too() -> None:
    told = read(RECORDED | {"event": "refund.cancelled"})
    assert told is not None
    assert told.event == "refund.cancelled"


@pytest.mark.parametrize("shape", [flat, nested])
@pytest.mark.parametrize(
    "refund_id", [None, "", 7, {}, "..", "a/b", "a?b", "a b", "rfd-1\n", "é", "x" * 257]
)
def test_an_id_that_cannot_be_asked_about_is_no_refund(shape: Any, refund_id: Any) -> None:
    assert read(shape(id=refund_id)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"id": "64f1b9a2", "external_id": "NUS-1", "status": "PAID"},  # an invoice webhook
        RECORDED | {"event": "payment.succeeded"},
        RECORDED | {"event": "refund"},
        RECORDED | {"event": None},
        RECORDED | {"event": "refund." + "x" * 256},
        RECORDED | {"data": None},
        RECORDED | {"data": []},
        RECORDED | {"data": {}},
        RECORDED | {"data": {"data": {"data": RECORDED["data"]}}},
        {"event": "refund.succeeded"},
        [RECORDED],
        "refund.succeeded",
        None,
    ],
)
def test_any_other_body_is_no_refund(body: Any) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b'{"event": "refund.succeeded", "data": {"id": "\xff"}}',
        b'{"event": "refund.succeeded", "data": {"id": "\\ud800"}}',
        b'{"event": "refund.succeeded", "data": ' + b'{"data": ' * 50_000 + b"1" + b"}" * 50_001,
        b'{"event": "refund.succeeded", "data": {"amount": ' + b"9" * 10_000 + b"}}",
        b'{"event": "refund.succeeded", "data": {"amount": 1e999999}}',
        b'{"event": "refund.succeeded", "data": {"amount": NaN}}',
    ],
    ids=range(9),
)
def test_a_hostile_body_is_no_refund(body: bytes) -> None:
    assert read_refund_callback(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "data", "event", "metadata", "invoice_id", "order_id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(event=st.sampled_from(["refund.succeeded", "refund.failed", "x"]), data=JSON)
def test_whatever_comes_is_read_or_left(event: str, data: Any) -> None:
    body = json.dumps({"event": event, "data": data}).encode(errors="surrogatepass")
    told = read_refund_callback(body)
    assert told is None or (told.event == event != "x" and told.refund_id)

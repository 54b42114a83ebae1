from typing import Any

import pytest

from tests.component.xendit_simulator.bench import Xendit

pytestmark = pytest.mark.anyio


async def test_a_field_of_the_wrong_type_is_refused_in_the_recorded_shape(xendit: Xendit) -> None:
    assert await xendit.refusal(external_id=17) == (
        400,
        {
            "message": "Invalid input data. Please check your request",
            "error_code": "API_VALIDATION_ERROR",
            "errors": [
                {
                    "field": ["external_id"],
                    "location": "body",
                    "messages": ['"external_id" must be a string'],
                    "types": ["string.base"],
                }
            ],
        },
    )


ITEM = {"name": "Session", "price": 1, "quantity": 1}


@pytest.mark.parametrize(
    ("changes", "field", "kind"),
    [
        ({"colour": "red"}, ["colour"], "object.allowUnknown"),
        ({"external_id": ""}, ["external_id"], "any.empty"),
        ({"external_id": "x" * 256}, ["external_id"], "string.max"),
        ({"external_id": None}, ["external_id"], "string.base"),
        ({"amount": "250000"}, ["amount"], "number.base"),
        ({"amount": True}, ["amount"], "number.base"),
        ({"amount": 0}, ["amount"], "number.greater"),
        ({"invoice_duration": 0}, ["invoice_duration"], "number.greater"),
        ({"invoice_duration": 31_536_001}, ["invoice_duration"], "number.max"),
        ({"items": [ITEM] * 76}, ["items"], "array.max"),
        ({"items": [{"name": "Session", "price": 1}]}, ["items", 0, "quantity"], "any.required"),
        ({"items": {}}, ["items"], "array.base"),
        ({"fees": [{"type": "admin", "value": 1}] * 11}, ["fees"], "array.max"),
        ({"customer": "Sari"}, ["customer"], "object.base"),
        ({"should_send_email": "no"}, ["should_send_email"], "boolean.base"),
        ({"success_redirect_url": "javascript:x"}, ["success_redirect_url"], "string.uri"),
        ({"success_redirect_url": 1}, ["success_redirect_url"], "string.base"),
        ({"metadata": {str(n): n for n in range(51)}}, ["metadata"], "object.max"),
        ({"metadata": []}, ["metadata"], "object.base"),
        ({"currency": "XXX"}, ["currency"], "any.allowOnly"),
        (
            {"customer_notification_preference": {"invoice_paid": ["pigeon"]}},
            ["customer_notification_preference", "invoice_paid", 0],
            "any.allowOnly",
        ),
    ],
)
async def test_a_request_outside_the_published_shapes_is_refused(
    xendit: Xendit, changes: dict[str, Any], field: list[str | int], kind: str
) -> None:
    status, body = await xendit.refusal(**changes)
    assert (status, body["error_code"]) == (400, "API_VALIDATION_ERROR")
    assert [(e["field"], e["types"]) for e in body["errors"]] == [(field, [kind])]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "PHP"}, "UNSUPPORTED_CURRENCY"),
        ({"payer_email": "sari"}, "EMAIL_FORMAT_ERROR"),
        ({"payment_methods": ["GCASH"]}, "UNAVAILABLE_PAYMENT_METHOD_ERROR"),
        ({"payment_methods": ["BCA"], "amount": 9_999.9}, "MINIMAL_TRANSFER_AMOUNT_ERROR"),
        ({"payment_methods": ["QRIS"], "amount": 10_000_001}, "MAXIMUM_TRANSFER_AMOUNT_ERROR"),
        ({"amount": 0.9}, "MINIMAL_TRANSFER_AMOUNT_ERROR"),
    ],
)
async def test_a_request_that_the_account_cannot_serve_is_refused(
    xendit: Xendit, changes: dict[str, Any], code: str
) -> None:
    status, body = await xendit.refusal(**changes)
    assert (status, body["error_code"]) == (400, code)


@pytest.mark.parametrize("body", [b"{", b'{"external_id": "x", "amount": NaN}'])
async def test_a_body_that_is_not_json_is_refused(xendit: Xendit, body: bytes) -> None:
    answer = await xendit.call("POST", "/v2/invoices", content=body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_JSON_FORMAT"

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import xendit
from xendit.apis import InvoiceApi, RefundApi
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest
from xendit.refund.model.create_refund import CreateRefund

from local.simulators.records import Records
from local.simulators.xendit import create_app
from local.simulators.xendit.shapes import Fields, Many
from local.simulators.xendit.validation import CREATE_REFUND, CREATE_REQUEST
from tests.component.xendit_simulator.bench import KEY, NOWHERE, PUBLIC, TOKEN, World
from tests.vendors import served


def fields_of_the_sdk(model: Any) -> dict[str, Any]:
    """Return the published fields of a model, and those of the models inside it."""

    def inside(types: Any) -> Any:
        if isinstance(types, list | tuple):
            return next((found for one in types if (found := inside(one))), None)
        return fields_of_the_sdk(types) if hasattr(types, "openapi_types") else None

    known = {name: inside(types) for name, types in model.openapi_types.items()}
    return {} if set(known) == {"value"} else known


def fields_of_ours(shape: Any) -> dict[str, Any]:
    def inside(one: Any) -> Any:
        if isinstance(one, Many):
            return inside(one.of)
        return fields_of_ours(one) if isinstance(one, Fields) else None

    return {name: inside(one) for name, one in shape.known.items()}


def test_the_known_fields_are_exactly_those_of_the_sdk() -> None:
    published = fields_of_the_sdk(CreateInvoiceRequest)
    enums = dict.fromkeys(published["customer_notification_preference"])
    published["customer_notification_preference"] = enums
    assert fields_of_ours(CREATE_REQUEST) == published
    assert fields_of_ours(CREATE_REFUND) == fields_of_the_sdk(CreateRefund)


@contextmanager
def sdk(base_url: str) -> Iterator[InvoiceApi]:
    configuration = xendit.Configuration(host=base_url, api_key=KEY)
    with xendit.ApiClient(configuration) as client:
        yield InvoiceApi(client)


def test_the_vendors_own_sdk_works_against_it(world: World) -> None:
    records = Records(None)
    app = create_app(
        records=records,
        clock=world,
        secret_key=KEY,
        callback_token=TOKEN,
        callback_url=NOWHERE,
        public_url=PUBLIC,
    )
    raw = {"_preload_content": False, "_request_timeout": 5}
    with served(app) as base, sdk(base) as api:
        request = CreateInvoiceRequest(external_id="NUS-7", amount=250_000.0, currency="IDR")
        created = json.loads(api.create_invoice(request, **raw).data)
        assert (created["external_id"], created["amount"]) == ("NUS-7", 250_000)
        assert json.loads(api.get_invoice_by_id(created["id"], **raw).data) == created
        assert json.loads(api.get_invoices(external_id="NUS-7", **raw).data) == [created]
        typed = api.get_invoice_by_id(created["id"], _request_timeout=5)
        assert (str(typed.status), typed.amount) == ("PENDING", 250_000)
        expired = json.loads(api.expire_invoice(created["id"], **raw).data)
        assert expired["status"] == "EXPIRED"
        with pytest.raises(xendit.XenditSdkException) as refused:
            api.get_invoice_by_id("0f", _request_timeout=5)
        assert refused.value.errorCode == "INVOICE_NOT_FOUND_ERROR"
        refunds = RefundApi(api.api_client)
        with pytest.raises(xendit.XenditSdkException) as refused:
            refunds.get_refund(refund_id="0f", _request_timeout=5)
        assert refused.value.errorCode == "DATA_NOT_FOUND"
        paid = json.loads(api.create_invoice(request, **raw).data)["id"]
        httpx.post(f"{base}/_admin/invoices/{paid}/pay", json={"channel": "QRIS"}, trust_env=False)
        wanted = CreateRefund(invoice_id=paid, reason="CANCELLATION", metadata={"a": "1"})
        typed = refunds.create_refund(idempotency_key="k", create_refund=wanted, _request_timeout=5)
        assert (typed.amount, typed.channel_code, typed.metadata) == (250_000, "QRIS", {"a": "1"})
        listed = refunds.get_all_refunds(invoice_id=paid, limit=1.0, _request_timeout=5)
        assert [refund.id for refund in listed.data] == [typed.id]
    records.close()

"""The vendors' clients as the functions use them, without anything of ours around them."""

from typing import Any

import google_auth_httplib2
import httplib2
import urllib3
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from xendit import ApiClient, Configuration
from xendit.invoice.invoice_api import InvoiceApi
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest
from xendit.invoice.model.customer_object import CustomerObject
from xendit.invoice.model.invoice_item import InvoiceItem
from xendit.refund.model.create_refund import CreateRefund
from xendit.refund.refund_api import RefundApi

from benchmarks.cpu_per_event import records
from benchmarks.cpu_per_event.state import Call
from local.config import XENDIT_KEY, WorldConfig
from shared.domain.notifications import Mail
from shared.domain.order import Order
from shared.domain.refund import RefundRequest

_OPTIONS = {"_preload_content": False, "_request_timeout": 5.0}


class Vendors:
    """Makes calls to Xendit, Google Calendar and Gmail ready; the requests are built by each call."""

    def __init__(self, config: WorldConfig) -> None:
        client = ApiClient(Configuration(host=config.url("xendit"), api_key=XENDIT_KEY))
        client.rest_client.pool_manager = urllib3.PoolManager(retries=False)
        self._invoices, self._refunds = InvoiceApi(client), RefundApi(client)
        google, self._shop = config.url("google"), config.url("shop")
        self._events = _google("calendar", "v3", f"{google}/calendar/v3/").events()
        self._drafts = _google("gmail", "v1", f"{google}/").users().drafts()

    def make_invoice(self, order: Order) -> Call:
        """Make an invoice."""
        shop = f"{self._shop}/orders/{order.id}"

        def call() -> bytes:
            price = 250_000.0
            body = CreateInvoiceRequest(
                external_id=order.id,
                amount=price,
                currency="IDR",
                description=order.subject,
                payer_email=order.mentee.email,
                customer=CustomerObject(
                    given_names=order.mentee.name,
                    email=order.mentee.email,
                    mobile_number=order.mentee.phone,
                ),
                invoice_duration=86_400.0,
                should_send_email=False,
                locale=order.mentee.locale,
                items=[InvoiceItem(name=order.subject, price=price, quantity=1.0)],
                success_redirect_url=shop,
                failure_redirect_url=shop,
            )
            return _body(self._invoices.create_invoice(body, **_OPTIONS))

        return call

    def read_invoice(self, order: Order) -> Call:
        """Read the order's invoice."""
        assert order.invoice is not None
        number = order.invoice.id
        return lambda: _body(self._invoices.get_invoice_by_id(number, **_OPTIONS))

    def find_invoices(self, order: Order) -> Call:
        """Read all invoices of an order."""
        return lambda: _body(self._invoices.get_invoices(external_id=order.id, **_OPTIONS))

    def make_event(self, order: Order) -> Call:
        """Make a calendar event with a room."""
        body = records.calendar_event(order)
        return lambda: self._events.insert(
            calendarId="primary", conferenceDataVersion=1, sendUpdates="all", body=body
        ).execute()

    def read_event(self, order: Order) -> Call:
        """Read a calendar event."""
        event_id = records.calendar_event(order)["id"]
        return lambda: self._events.get(calendarId="primary", eventId=event_id).execute()

    def delete_event(self, event_id: str) -> Call:
        """Take an event out of the calendars."""
        return lambda: self._events.delete(
            calendarId="primary", eventId=event_id, sendUpdates="all"
        ).execute()

    def refund(self, request: RefundRequest) -> Call:
        """Give money back."""

        def call() -> bytes:
            body = CreateRefund(
                invoice_id=request.invoice_id,
                amount=float(request.amount),
                currency=request.currency,
                reason="CANCELLATION",
                reference_id=request.order_id,
                metadata={"order_id": request.order_id, "invoice_id": request.invoice_id},
            )
            return _body(
                self._refunds.create_refund(
                    idempotency_key=request.key, create_refund=body, **_OPTIONS
                )
            )

        return call

    def mail(self, mail: Mail) -> tuple[Call, Call]:
        """Draft a mail, and send that draft."""
        drafted: dict[str, str] = {}

        def draft() -> None:
            body = {"message": {"raw": records.raw(mail)}}
            drafted["id"] = self._drafts.create(userId="me", body=body).execute()["id"]

        return draft, lambda: self._drafts.send(userId="me", body=drafted).execute()


def _body(response: Any) -> bytes:
    body: bytes = response.data
    return body


def _google(api: str, version: str, endpoint: str) -> Any:
    http = google_auth_httplib2.AuthorizedHttp(
        Credentials(token="local"),  # noqa: S106 - the simulator takes any
        http=httplib2.Http(timeout=5),
    )
    return discovery.build(
        api,
        version,
        http=http,
        client_options={"api_endpoint": endpoint},
        static_discovery=True,
    )

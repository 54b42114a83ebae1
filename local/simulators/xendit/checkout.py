"""The hosted pages: checkout, its outcome, and a list of all invoices for whoever looks in."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.simulators.xendit import texts
from local.simulators.xendit.channels import CHANNEL_BY_CODE, Channel, chosen_channels
from local.simulators.xendit.errors import InvoiceNotFoundError, PaymentRefusedError
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import Clock, Invoice
from local.simulators.xendit.wire import MERCHANT_NAME, account_number

METHODS: Final = ("BANK_TRANSFER", "QR_CODE", "EWALLET", "RETAIL_OUTLET", "CREDIT_CARD")
NUMBERED: Final = frozenset({"BANK_TRANSFER", "RETAIL_OUTLET"})
MOST_LISTED: Final = 200
STATUS_OF_REFUSAL: Final = {"expired": 409, "already_paid": 409}


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as the payer sees it; ``limit`` says why it cannot be taken, empty when it can."""

    code: str
    label: str
    number: str
    limit: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The channels of one payment method."""

    method: str
    options: list[Option]

    @property
    def open(self) -> bool:
        """Whether any of them can be taken."""
        return any(not option.limit for option in self.options)


class Checkout:
    """The pages that a payer sees; plain forms, no scripts."""

    def __init__(self, invoices: Invoices, clock: Clock) -> None:
        self._invoices = invoices
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
        )
        self._templates.filters.update(rupiah=texts.rupiah, local_time=texts.local_time)

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            Route("/", self._index),
            Route("/web/{id}", self._page(self._show)),
            Route("/web/{id}/pay", self._page(self._pay), methods=["POST"]),
            Route("/web/{id}/expire", self._page(self._expire), methods=["POST"]),
        ]

    def _page(
        self, handler: Callable[[Request, str], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            try:
                return await handler(request, request.path_params["id"])
            except InvoiceNotFoundError:
                said = {"language": "id", "t": texts.TEXTS["id"], "merchant": MERCHANT_NAME}
                return self._render("missing.html", said, 404)

        return page

    async def _index(self, _request: Request) -> Response:
        invoices = self._invoices.newest(MOST_LISTED)
        return self._render("index.html", {"invoices": invoices, "merchant": MERCHANT_NAME})

    async def _show(self, _request: Request, invoice_id: str) -> Response:
        invoice = self._invoices.get(invoice_id)
        self._invoices.note_shown(invoice)
        return self._invoice_page(invoice)

    async def _pay(self, request: Request, invoice_id: str) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"))
        code = form.get("channel", [""])[0]
        method = form.get("method", [""])[0]
        try:
            invoice = self._invoices.pay(invoice_id, _agreed(code, method))
        except PaymentRefusedError as refused:
            invoice = self._invoices.get(invoice_id)
            status = STATUS_OF_REFUSAL.get(refused.reason, 422)
            return self._invoice_page(invoice, status, refused.reason)
        seller = invoice.request.get("success_redirect_url")
        return RedirectResponse(seller or f"/web/{invoice.id}", 303)

    async def _expire(self, _request: Request, invoice_id: str) -> Response:
        invoice = self._invoices.get(invoice_id)
        if not invoice.payments:
            self._invoices.expire(invoice_id)
        return RedirectResponse(f"/web/{invoice_id}", 303)

    def _invoice_page(self, invoice: Invoice, status: int = 200, refusal: str = "") -> Response:
        language = texts.language_of(invoice.request.get("locale"))
        t = texts.TEXTS[language]
        back = "success_redirect_url" if invoice.payments else "failure_redirect_url"
        said = {
            "language": language,
            "t": t,
            "merchant": MERCHANT_NAME,
            "invoice": invoice,
            "back": invoice.request.get(back),
            "time_left": texts.time_left(invoice.expiry_date - self._clock.now(), t),
            "refusal": t[f"refused_{refusal}"] if refusal else "",
            "groups": _groups(invoice, t),
            "labels": {channel.code: channel.label for channel in CHANNEL_BY_CODE.values()},
        }
        template = "checkout.html" if invoice.status == "PENDING" else "outcome.html"
        return self._render(template, said, status)

    def _render(self, template: str, said: dict[str, Any], status: int = 200) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(said), status)


def _agreed(code: str, method: str) -> str:
    channel = CHANNEL_BY_CODE.get(code)
    if channel is None or channel.method not in METHODS or method not in ("", channel.method):
        raise PaymentRefusedError("channel")
    return code


def _groups(invoice: Invoice, t: texts.Texts) -> list[Group]:
    channels = chosen_channels(invoice.request)
    groups = (
        Group(
            method=method,
            options=[_option(invoice, c, t) for c in channels if c.method == method],
        )
        for method in METHODS
    )
    return [group for group in groups if group.options]


def _option(invoice: Invoice, channel: Channel, t: texts.Texts) -> Option:
    limit = ""
    if invoice.amount < channel.minimum:
        limit = f"{t['least']} {texts.rupiah(channel.minimum)}"
    elif invoice.amount > channel.maximum:
        limit = f"{t['most']} {texts.rupiah(channel.maximum)}"
    number = account_number(invoice.id, channel.code) if channel.method in NUMBERED else ""
    return Option(code=channel.code, label=channel.label, number=number, limit=limit)

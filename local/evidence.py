"""What the vendors themselves have on record, set beside the orders: what invariants are judged by."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import msgspec

from shared.domain.order import Order

KEY_HEADER = "X-Notification-Key"
_TIMEOUT_S = 30.0
_LINK = re.compile(r"https?://[^\s]+[^\s.,;!?)]")


class SeenInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice in the payment provider's records. Amounts are whole units of ``currency``.

    ``paid_amount`` is what came, where that is told; else what was asked for.
    """

    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    url: str
    paid_amount: int | None = None

    @property
    def paid(self) -> bool:
        """Whether the provider has the money."""
        return self.status in {"PAID", "SETTLED"}

    @property
    def received(self) -> int:
        """What a paid invoice brought."""
        return self.amount if self.paid_amount is None else self.paid_amount

    @property
    def payable(self) -> bool:
        """Whether somebody could pay it now."""
        return self.status == "PENDING"


class SeenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar event in the calendar's records."""

    id: str
    live: bool
    meet_url: str | None
    starts_at: datetime
    ends_at: datetime
    attendees: frozenset[str]
    description: str


class SeenMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail in the mailbox. ``key`` names the message that it carries."""

    key: str
    to: tuple[str, ...]
    links: tuple[str, ...]
    language: str = ""
    at: datetime | None = None


class SeenChat(msgspec.Struct, frozen=True, kw_only=True):
    """A WhatsApp message that Meta took. ``key`` names the message, ``to`` is a phone in E.164.

    ``failed`` says that Meta has told of it that it did not arrive.
    """

    key: str
    to: str
    template: str
    language: str
    text: str = ""
    at: datetime | None = None
    failed: bool = False

    @property
    def links(self) -> tuple[str, ...]:
        """The addresses in it."""
        return tuple(_LINK.findall(self.text))


class SeenRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund in the payment provider's records, in whole units of its invoice's currency.

    ``key`` is what makes asking twice asking once; None where the provider does not tell it.
    """

    id: str
    invoice_id: str
    order_id: str
    amount: int
    status: str
    key: str | None = None

    @property
    def counts(self) -> bool:
        """Whether the money is back, or on its way."""
        return self.status in {"PENDING", "SUCCEEDED"}


class SeenAction(msgspec.Struct, frozen=True, kw_only=True):
    """What a person tried by a link: of what purpose and revision, and whether it was done."""

    order_id: str
    purpose: str
    revision: int
    invoice_id: str = ""
    done: bool = True

    @property
    def one_time(self) -> tuple[str, ...]:
        """What is equal for all links of which only one can work.

        Those about a payout are each for themselves: they do nothing to the booking.
        """
        if self.invoice_id:
            return self.order_id, self.purpose, self.invoice_id
        return self.order_id, f"revision {self.revision}"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All records at one instant."""

    now: datetime
    orders: tuple[Order, ...]
    invoices: tuple[SeenInvoice, ...]
    events: tuple[SeenEvent, ...]
    mails: tuple[SeenMail, ...]
    chats: tuple[SeenChat, ...] = ()
    refunds: tuple[SeenRefund, ...] = ()
    actions: tuple[SeenAction, ...] = ()
    # Ids of the orders that the web app published, and of those that were kept as rejected.
    published: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()

    @property
    def messages(self) -> tuple[SeenMail | SeenChat, ...]:
        """All that was sent, over any channel."""
        return (*self.mails, *self.chats)


def collect(
    xendit: str,
    google: str,
    orders: Iterable[Order],
    now: datetime,
    known: Sequence[SeenMail] = (),
    *,
    whatsapp: str | None = None,
) -> Evidence:
    """Read the simulators' records over their admin surfaces (base URLs given).

    ``known`` are the first mails, where they have been read before.
    """
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        invoices = client.get(f"{xendit}/_admin/invoices").raise_for_status().json()
        events = client.get(f"{google}/_admin/events").raise_for_status().json()["events"]
        refunds = client.get(f"{xendit}/_admin/refunds").raise_for_status().json()
        sent = (*known, *mails(client, google, len(known)))
        told = chats(client, whatsapp) if whatsapp is not None else []
    return Evidence(
        now=now,
        orders=tuple(orders),
        invoices=tuple(_invoice(raw, xendit) for raw in invoices),
        events=tuple(_event(raw["event"]) for raw in events),
        mails=sent,
        chats=tuple(told),
        refunds=tuple(_refund(raw) for raw in refunds),
    )


def mails(client: httpx.Client, google: str, skip: int = 0) -> list[SeenMail]:
    """Return the mails that were sent, but the first ``skip``."""
    answer = client.get(f"{google}/_admin/mails", params={"skip": skip}).raise_for_status()
    return [_mail(raw) for raw in answer.json()["mails"]]


def chats(client: httpx.Client, whatsapp: str, skip: int = 0) -> list[SeenChat]:
    """Return the WhatsApp messages that were taken, but the first ``skip``."""
    answer = client.get(f"{whatsapp}/_admin/messages", params={"skip": skip}).raise_for_status()
    return [_chat(raw) for raw in answer.json()["messages"]]


def _invoice(raw: Mapping[str, Any], xendit: str) -> SeenInvoice:
    return SeenInvoice(
        id=raw["id"],
        order_id=raw["external_id"],
        status=raw["status"],
        amount=raw["amount"],
        currency=raw["request"].get("currency", "IDR"),
        url=f"{xendit}/web/{raw['id']}",
        paid_amount=raw["payments"][-1]["amount"] if raw["payments"] else None,
    )


def _event(raw: Mapping[str, Any]) -> SeenEvent:
    return SeenEvent(
        id=raw["id"],
        live=raw["status"] != "cancelled",
        meet_url=raw.get("hangoutLink"),
        starts_at=datetime.fromisoformat(raw["start"]["dateTime"]),
        ends_at=datetime.fromisoformat(raw["end"]["dateTime"]),
        attendees=frozenset(attendee["email"] for attendee in raw.get("attendees", ())),
        description=raw.get("description", ""),
    )


def _mail(raw: Mapping[str, Any]) -> SeenMail:
    return SeenMail(
        key=raw["headers"].get(KEY_HEADER, ""),
        to=tuple(raw["to"]),
        links=tuple(raw["links"]),
        language=raw["headers"].get("Content-Language", ""),
        at=datetime.fromisoformat(raw["sent_at"]),
    )


def _chat(raw: Mapping[str, Any]) -> SeenChat:
    return SeenChat(
        key=raw["key"],
        to=f"+{raw['to']}",
        template=raw["template"],
        language=raw["language"],
        text=raw["text"],
        at=datetime.fromisoformat(raw["at"]),
        failed=raw["status"] == "failed",
    )


def _refund(raw: Mapping[str, Any]) -> SeenRefund:
    return SeenRefund(
        id=raw["id"],
        invoice_id=raw["invoice_id"],
        order_id=raw["request"].get("reference_id", ""),
        amount=raw["amount"],
        status=raw["status"],
        key=raw.get("key"),
    )

"""What the vendors themselves have on record, set beside the orders: what invariants are judged by."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import httpx
import msgspec

from shared.domain.order import Order

KEY_HEADER = "X-Notification-Key"
_TIMEOUT_S = 30.0


class SeenInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice in the payment provider's records. Amounts are whole units of ``currency``."""

    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    url: str

    @property
    def paid(self) -> bool:
        """Whether the provider has the money."""
        return self.status in {"PAID", "SETTLED"}

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


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All records at one instant."""

    now: datetime
    orders: tuple[Order, ...]
    invoices: tuple[SeenInvoice, ...]
    events: tuple[SeenEvent, ...]
    mails: tuple[SeenMail, ...]
    # Ids of the orders that the web app published, and of those that were kept as rejected.
    published: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


def collect(xendit: str, google: str, orders: Iterable[Order], now: datetime) -> Evidence:
    """Read the simulators' records over their admin surfaces (base URLs given)."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        invoices = client.get(f"{xendit}/_admin/invoices").raise_for_status().json()
        events = client.get(f"{google}/_admin/events").raise_for_status().json()["events"]
        mails = client.get(f"{google}/_admin/mails").raise_for_status().json()["mails"]
    return Evidence(
        now=now,
        orders=tuple(orders),
        invoices=tuple(_invoice(raw, xendit) for raw in invoices),
        events=tuple(_event(raw["event"]) for raw in events),
        mails=tuple(_mail(raw) for raw in mails),
    )


def _invoice(raw: Mapping[str, Any], xendit: str) -> SeenInvoice:
    return SeenInvoice(
        id=raw["id"],
        order_id=raw["external_id"],
        status=raw["status"],
        amount=raw["amount"],
        currency=raw["request"].get("currency", "IDR"),
        url=f"{xendit}/web/{raw['id']}",
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
        key=raw["headers"].get(KEY_HEADER, ""), to=tuple(raw["to"]), links=tuple(raw["links"])
    )

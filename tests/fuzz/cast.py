"""The orders that fuzzed requests are about, each brought to where it stands in the proper way."""

from dataclasses import dataclass
from datetime import timedelta

from local.config import WorldConfig
from shared.adapters.vault import FernetVault
from shared.domain.events import InvoicePaid
from shared.domain.order import Order, Status
from shared.links import LinkSigner
from tests.builders import mentor, session
from tests.component.functions.bench import Functions
from tests.fuzz.bookings import Bookings, made

_UNPAID = 6
_PAYABLE = 3


@dataclass(frozen=True, slots=True)
class Cast:
    """Known orders. Of those of events only ``paid`` and ``payable`` ones have been paid at Xendit.

    ``bookings`` are none of events, so that only their links lead to them.
    """

    unpaid: tuple[Order, ...]
    # Paid, but no webhook has said so yet.
    payable: tuple[Order, ...]
    paid: tuple[Order, ...]
    others: tuple[Order, ...]
    bookings: Bookings

    @property
    def all(self) -> tuple[Order, ...]:
        """All that events are about."""
        return (*self.unpaid, *self.payable, *self.paid, *self.others)

    @property
    def paid_ids(self) -> frozenset[str]:
        """The orders that may ever become paid."""
        booked = (order for order in self.bookings.by_id.values() if order.payment)
        return frozenset(order.id for order in (*self.payable, *self.paid, *booked))


def assembled(functions: Functions) -> Cast:
    """Make the orders through the functions; nothing of them is left on the queue."""
    unpaid = tuple(_invoiced(functions, f"FUZZ-unpaid-{n}") for n in range(_UNPAID))
    payable = tuple(_invoiced(functions, f"FUZZ-payable-{n}") for n in range(_PAYABLE))
    paid, scheduled = _invoiced(functions, "FUZZ-paid"), _invoiced(functions, "FUZZ-scheduled")
    for order in (*payable, paid, scheduled):
        functions.pay(order)
    for order in (paid, scheduled):
        told = {"external_id": order.id, "status": "PAID"}
        assert functions.webhook(told).json()["outcome"] == "paid"
    _schedule(functions, functions.order(scheduled.id))
    expired = _invoiced(functions, "FUZZ-expired")
    functions.expire(expired)
    functions.webhook({"external_id": expired.id, "status": "EXPIRED"})
    slot_taken = _request(functions, "FUZZ-rejected", mentor_of=unpaid[0])
    others = tuple(functions.order(order_id) for order_id in (expired.id, slot_taken))
    functions.published()
    assert [order.status for order in others] == [Status.EXPIRED, Status.REJECTED]
    settled = (functions.order(paid.id), functions.order(scheduled.id))
    return Cast(unpaid, payable, settled, others, _bookings(functions.config))


def _bookings(config: WorldConfig) -> Bookings:
    return made(
        config.clock.now().replace(microsecond=0),
        LinkSigner([config.secrets.links], config.url("manage_booking")),
        FernetVault([config.secrets.vault]),
    )


def _invoiced(functions: Functions, order_id: str) -> Order:
    return functions.order(_request(functions, order_id))


def _request(functions: Functions, order_id: str, mentor_of: Order | None = None) -> str:
    # Far enough ahead that no reminder is due however long the requests go on.
    starts_at = functions.config.clock.now().replace(microsecond=0) + timedelta(days=30)
    if mentor_of is None:
        request = functions.request(
            order_id=order_id,
            mentor=mentor(id=f"mentor-of-{order_id}", email=f"{order_id}@mentors.example"),
            session=session(starts_at=starts_at),
        )
    else:
        request = functions.request(
            order_id=order_id, mentor=mentor_of.mentor, session=mentor_of.session
        )
    assert functions.deliver("create_invoice", request).status_code == 204
    return order_id


def _schedule(functions: Functions, order: Order) -> None:
    assert order.payment is not None
    event = InvoicePaid(
        order_id=order.id,
        invoice_id=order.payment.invoice_id,
        paid_at=order.payment.paid_at,
        price=order.price,
    )
    assert functions.deliver("create_meeting", event).status_code == 204
    assert functions.order(order.id).status is Status.SCHEDULED

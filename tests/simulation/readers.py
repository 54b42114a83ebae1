"""Those who read the messages and follow their links: in time, too late, twice, or never."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from shared.domain.notifications import Kind, Recipient
from shared.domain.order import Order, Status
from shared.domain.schedule import Session
from shared.links import Link, LinkError, Purpose
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Kernel
from tests.simulation.steps import SIGNER, Choose
from tests.simulation.trace import Trace

# What readers do about a message, by its kind and reader, and how often; the others do nothing.
WISHES: Mapping[tuple[Kind, Recipient], Mapping[Purpose, float]] = {
    (Kind.INVOICE_READY, Recipient.MENTEE): {Purpose.CANCEL: 0.12},
    (Kind.PAYMENT_RECEIVED, Recipient.MENTEE): {Purpose.CANCEL: 0.1, Purpose.RESCHEDULE: 0.1},
    (Kind.CONFIRMATION_WANTED, Recipient.MENTOR): {Purpose.ACCEPT: 0.55, Purpose.DECLINE: 0.2},
    (Kind.CONFIRMATION_REMINDER, Recipient.MENTOR): {Purpose.ACCEPT: 0.5, Purpose.DECLINE: 0.2},
    (Kind.SESSION_DECLINED, Recipient.MENTEE): {Purpose.RESCHEDULE: 0.45, Purpose.CANCEL: 0.25},
    (Kind.SESSION_SCHEDULED, Recipient.MENTEE): {Purpose.CANCEL: 0.15, Purpose.RESCHEDULE: 0.2},
    (Kind.SESSION_SCHEDULED, Recipient.MENTOR): {Purpose.DECLINE: 0.1},
    (Kind.SESSION_MOVED, Recipient.MENTEE): {Purpose.CANCEL: 0.1, Purpose.RESCHEDULE: 0.15},
    (Kind.SESSION_MOVED, Recipient.MENTOR): {Purpose.DECLINE: 0.08},
    (Kind.REFUND_FAILED, Recipient.MENTEE): {Purpose.PAYOUT_ACCOUNT: 0.8},
    (Kind.PAYOUT_ACCOUNT_WANTED, Recipient.MENTEE): {Purpose.PAYOUT_ACCOUNT: 0.8},
    (Kind.PAYOUT_TASK, Recipient.ADMIN): {Purpose.PAYOUT_DONE: 0.9},
}
_PAYOUTS = frozenset({Purpose.PAYOUT_ACCOUNT, Purpose.PAYOUT_DONE})
# What the other one may do at the very moment.
_RACES: Mapping[Recipient, tuple[Recipient, tuple[Purpose, ...]]] = {
    Recipient.MENTEE: (Recipient.MENTOR, (Purpose.DECLINE, Purpose.ACCEPT)),
    Recipient.MENTOR: (Recipient.MENTEE, (Purpose.CANCEL, Purpose.RESCHEDULE)),
}
_WAITS_S = (5.0, 60.0, 1800.0, 6 * 3600.0, 24 * 3600.0)
# Nobody plays with one booking for ever.
MOST_WISHES = 6
_CHANGES_MIND = 0.2
# The times that many like.
_POPULAR = 3

# Follows a link, once: its purpose, and what it says.
Follow = Callable[[Purpose, Link, Choose], None]


class Readers:
    """Plans who follows which link when; all of it is decided by ``chance``."""

    def __init__(
        self, kernel: Kernel, weather: Weather, chance: random.Random, trace: Trace
    ) -> None:
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._trace = trace
        self._wishes: Counter[str] = Counter()
        self._used: dict[str, list[tuple[Purpose, Link]]] = defaultdict(list)
        self._orders: Mapping[str, Order]
        self._follow: Follow

    def meet(self, orders: Mapping[str, Order], follow: Follow) -> None:
        """Get to know the orders as they stand, which the pages show, and the pages."""
        self._orders, self._follow = orders, follow

    def message_arrives(self, key: str, links: Sequence[str]) -> None:
        """Read a message, and make up one's mind."""
        order_id, named, recipient = key.split(":")[:3]
        wishes = WISHES.get((Kind(named.partition("-")[0]), Recipient(recipient)))
        if wishes is None or self._wishes[order_id] >= MOST_WISHES:
            return
        purpose = self._wish(wishes)
        if purpose is None:
            return
        self._wishes[order_id] += 1
        link = self._link(purpose, links, Recipient(recipient))
        wait = self._chance.random() * self._chance.choice(_WAITS_S)
        self._kernel.after(wait, partial(self._open, purpose, link, order_id))

    def _wish(self, wishes: Mapping[Purpose, float]) -> Purpose | None:
        mood = self._chance.random()
        for purpose, share in wishes.items():
            if mood < share:
                return purpose
            mood -= share
        return None

    def _link(self, purpose: Purpose, links: Sequence[str], recipient: Recipient) -> str:
        """Return the address for this purpose, or of the page that leads there."""
        for wanted in (purpose, Purpose.MANAGE):
            for link in links:
                if f"/{wanted}?" in link:
                    return link
        # A chat message has no room for the page's address: it is in every mail before.
        return recipient

    def _open(self, purpose: Purpose, address: str, order_id: str) -> None:
        """Open the page; what it shows is sent off after some thought."""
        link = self._read(purpose, address, order_id)
        if link is None:
            return
        thought = self._chance.random() * self._chance.choice((2.0, 60.0, 1200.0))
        self._kernel.after(thought, partial(self._send, purpose, link))

    def _read(self, purpose: Purpose, address: str, order_id: str) -> Link | None:
        shown, _, token = address.rpartition("/")[2].partition("?token=")
        if not token:  # the page, by its reader's name
            return self._page_link(order_id, Recipient(address))
        try:
            link = SIGNER.read(Purpose(shown), token, self._kernel.now)
        except LinkError:
            return None
        if shown == purpose:
            return link
        return self._page_link(order_id, link.recipient)

    def _page_link(self, order_id: str, recipient: Recipient) -> Link:
        """Return what the page of the booking puts into its forms."""
        return Link(
            order_id=order_id,
            recipient=recipient,
            revision=self._orders[order_id].revision,
            expires_at=int((self._kernel.now + timedelta(days=1)).timestamp()),
        )

    def _send(self, purpose: Purpose, link: Link) -> None:
        self._go(purpose, link)
        if purpose is Purpose.RESCHEDULE and self._chance.random() < _CHANGES_MIND:
            soon = self._chance.random() * 60.0
            self._kernel.after(soon, partial(self._open, purpose, link.recipient, link.order_id))
        if self._weather.strikes(Fault.DOUBLE_CLICK, 0.2):
            self._weather.fire(Fault.DOUBLE_CLICK)
            self._kernel.after(self._chance.random(), partial(self._go, purpose, link))
        if purpose not in _PAYOUTS and self._weather.strikes(Fault.RACE, 0.2):
            self._race(link)
        if self._used[link.order_id] and self._weather.strikes(Fault.OLD_LINK, 0.3):
            old = self._chance.choice(self._used[link.order_id])
            wait = self._chance.choice((1.0, 600.0, 7200.0))
            self._kernel.after(wait, partial(self._go_back, *old))
        self._used[link.order_id].append((purpose, link))

    def _race(self, link: Link) -> None:
        other, purposes = _RACES[link.recipient]
        theirs = msgspec.structs.replace(link, recipient=other)
        self._weather.fire(Fault.RACE)
        purpose = self._chance.choice(purposes)
        self._kernel.after(self._chance.random(), partial(self._go, purpose, theirs))

    def _go_back(self, purpose: Purpose, link: Link) -> None:
        self._weather.fire(Fault.OLD_LINK)
        self._go(purpose, link)

    def _go(self, purpose: Purpose, link: Link) -> None:
        self._trace.note(f"{link.recipient} wants to {purpose}", f"revision {link.revision}")
        self._follow(purpose, link, partial(self._choose, link.order_id))

    def _choose(self, order_id: str, offered: Sequence[Session]) -> datetime | None:
        """Choose one of the times that are offered, or insist on one that is somebody else's."""
        order = self._orders[order_id]
        others = [
            other.session.starts_at
            for other in self._orders.values()
            if other.mentor == order.mentor and other.id != order_id
        ]
        if others and self._chance.random() < 0.2:
            return self._chance.choice(others)
        if order.status is Status.SCHEDULED and self._chance.random() < 0.1:
            return order.session.starts_at + timedelta(minutes=15)
        liked = offered[:_POPULAR] if self._chance.random() < 0.5 else offered
        return self._chance.choice(liked).starts_at if liked else None

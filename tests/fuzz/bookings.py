"""What links and statuses of chats are about: orders and messages that each batch finds anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from local.topology import FUNCTIONS
from shared.adapters.vault import FernetVault
from shared.domain.billing import attach_invoice, settle
from shared.domain.cancellation import cancel
from shared.domain.confirmation import ask_mentor, decline
from shared.domain.deliveries import Delivery
from shared.domain.meetings import event_id, record_meeting
from shared.domain.notifications import Recipient
from shared.domain.order import Actor, MoneyBackState, Order, order_from
from shared.links import Link, LinkSigner, Purpose
from tests.bookings import READER
from tests.builders import (
    calendar_event,
    days,
    invoice,
    mentee,
    mentor,
    order_created,
    paid_invoice,
    session,
)
from tests.component.functions.bench import Functions

# No batch has more requests to one function, and each gets orders that no other one is about.
EACH = 5
_LOCALES = ("id", "en")


@dataclass(frozen=True)
class Bookings:
    """For each purpose, orders at which it can be done; and chats that are on their way."""

    made_at: datetime
    orders: Mapping[Purpose, tuple[Order, ...]]
    chats: tuple[Delivery, ...]
    signer: LinkSigner
    vault: FernetVault

    @property
    def by_id(self) -> Mapping[str, Order]:
        """All orders."""
        return {order.id: order for orders in self.orders.values() for order in orders}

    @property
    def private(self) -> frozenset[str]:
        """What no log has, and no page but for ``shown_on``: addresses, phones and accounts."""
        people = [p for order in self.by_id.values() for p in (order.mentee, order.mentor)]
        reached = {address for p in people for address in (p.email, p.phone or p.email)}
        return frozenset(reached | {_account_number(order_id) for order_id in self.by_id})

    def shown_on(self, purpose: Purpose | None, order_id: str) -> frozenset[str]:
        """Return what of it a link's page shows: the account, to the admin who transfers."""
        shows = purpose is Purpose.PAYOUT_DONE and order_id in self.by_id
        return frozenset({_account_number(order_id)} if shows else ())

    def restore(self, functions: Functions) -> None:
        """Let all be as it was made, whatever requests have done to it."""
        for order_id, order in self.by_id.items():
            if functions.orders.get(order_id) != order:
                functions.put(order)
        for chat in self.chats:
            functions.deliveries.transact(chat.key, partial(_as_made, made=chat))

    def link(self, purpose: Purpose, order: Order, recipient: Recipient | None = None) -> Link:
        """Return the link that a message about the order would have."""
        return Link(
            order_id=order.id,
            recipient=recipient or READER[purpose],
            revision=order.revision,
            expires_at=int((self.made_at + timedelta(days=40)).timestamp()),
            invoice_id=order.refunds[0].invoice_id if order.refunds else "",
        )


def made(now: datetime, signer: LinkSigner, vault: FernetVault) -> Bookings:
    """Make the orders and chats; ``restore`` puts them into the stores."""
    return Bookings(
        made_at=now,
        orders={
            purpose: tuple(_quiet(make(_Maker(purpose, n, now, vault))) for n in range(EACH))
            for purpose, make in _MAKES.items()
        },
        chats=tuple(_chat(n, now) for n in range(EACH)),
        signer=signer,
        vault=vault,
    )


@dataclass(frozen=True)
class _Maker:
    """One order, brought to where it stands by the domain's own rules.

    All that tells of it has its id in it; names and subject try to be more than text.
    """

    purpose: Purpose
    number: int
    now: datetime
    vault: FernetVault

    @property
    def id(self) -> str:
        return f"BK-{self.purpose}-{self.number}"

    def invoiced(self) -> Order:
        locale, number = (
            _LOCALES[self.number % 2],
            f"{list(Purpose).index(self.purpose)}7{self.number}",
        )
        event = order_created(
            order_id=self.id,
            subject=f"{self.id} </dd><script>alert('subject')</script> {{{{ 7*7 }}}} %s",
            mentee=mentee(
                name=f'Zuhra {self.id} "><img src=x onerror=alert(1)>',
                email=f"{self.id}@mentees.example",
                phone=f"+6281239990{number}",
                locale=locale,
            ),
            mentor=mentor(
                id=f"mentor-of-{self.id}",
                name=f"Mochtar {self.id} <b>&amp; \u202eson</b>",
                email=f"{self.id}@mentors.example",
                phone=f"+6281238880{number}",
                locale=_LOCALES[1 - self.number % 2],
            ),
            session=session(starts_at=self.now + timedelta(days=10, hours=self.number)),
        )
        opened = invoice(
            id=f"inv-{self.id}",
            order_id=self.id,
            url=f"https://checkout.example/{self.id}",
            expires_at=self.now + timedelta(days=1),
        )
        return attach_invoice(order_from(event, self.now), {}, invoice=opened, now=self.now).order

    def paid(self) -> Order:
        paid = paid_invoice(id=f"inv-{self.id}", order_id=self.id, paid_at=self.now)
        return settle(self.invoiced(), {}, invoice=paid, now=self.now).order

    def asked(self) -> Order:
        return ask_mentor(self.paid(), {}, within=timedelta(hours=12), now=self.now).order

    def scheduled(self) -> Order:
        paid = self.paid()
        made = calendar_event(
            event_id=event_id(paid), meet_url=f"https://meet.google.com/{self.id}"
        )
        return record_meeting(paid, {}, event=made, leads=(60,), now=self.now).order

    def declined(self) -> Order:
        asked = self.asked()
        held = days(asked, of=asked)
        return decline(asked, held, revision=0, note="<i>ill</i>", now=self.now).order

    def refunding(self, state: MoneyBackState) -> Order:
        paid = self.paid()
        off = cancel(
            paid,
            days(paid, of=paid),
            by=Actor.MENTEE,
            revision=0,
            refund_until=timedelta(hours=24),
            now=self.now,
        ).order
        sealed = self.vault.seal(f"BCA {_account_number(self.id)} a.n. Zuhra {self.id}")
        account = sealed if state is MoneyBackState.PAYOUT_DUE else None
        refund = msgspec.structs.replace(off.refunds[0], state=state, account=account)
        return msgspec.structs.replace(off, refunds=(refund,))

    def one_of(self, *makes: Callable[[], Order]) -> Order:
        return makes[self.number % len(makes)]()


_MAKES: Mapping[Purpose, Callable[[_Maker], Order]] = {
    Purpose.MANAGE: lambda maker: maker.scheduled(),
    Purpose.ACCEPT: lambda maker: maker.asked(),
    Purpose.DECLINE: lambda maker: maker.one_of(maker.asked, maker.scheduled),
    Purpose.RESCHEDULE: lambda maker: maker.one_of(maker.scheduled, maker.declined, maker.asked),
    Purpose.CANCEL: lambda maker: maker.one_of(maker.scheduled, maker.invoiced, maker.declined),
    Purpose.PAYOUT_ACCOUNT: lambda maker: maker.refunding(MoneyBackState.ACCOUNT_WANTED),
    Purpose.PAYOUT_DONE: lambda maker: maker.refunding(MoneyBackState.PAYOUT_DUE),
}


def slot(number: int) -> int:
    """Return which of the orders of a purpose the request of this number is about."""
    return number // len(FUNCTIONS) % EACH


def _quiet(order: Order) -> Order:
    """Return the order without timers, so that nothing but its links leads to it."""
    return msgspec.structs.replace(order, check_at=None, next_reminder_at=None)


def _account_number(order_id: str) -> str:
    return "".join(str(ord(letter) % 10) for letter in order_id).rjust(18, "4")[-18:]


def _chat(number: int, now: datetime) -> Delivery:
    order_id = f"BK-chat-{number}"
    return Delivery(key=f"{order_id}:reminder-60:mentee:whatsapp", order_id=order_id, sent_at=now)


def _as_made(_current: Delivery | None, *, made: Delivery) -> Delivery:
    return made

"""What a look asks about messages, and what it remembers of the answers."""

from functools import partial

import msgspec

from functions.reconcile_orders.hearing import Hearing, hearing_of
from shared.domain.deliveries import Delivery, mark_failed, mark_undelivered
from shared.domain.events import InvoicePaid, MeetingScheduled
from shared.domain.notifications import Channel, Kind, Notification, Recipient
from shared.domain.order import Order
from tests.builders import NOW, scheduled_order
from tests.fakes import FakeDeliveryStore

ORDER = scheduled_order()
RECEIVED = Notification(order_id=ORDER.id, kind=Kind.PAYMENT_RECEIVED, recipient=Recipient.MENTEE)
SCHEDULED = [
    Notification(order_id=ORDER.id, kind=Kind.SESSION_SCHEDULED, recipient=reader)
    for reader in (Recipient.MENTEE, Recipient.MENTOR)
]
ALL = ("payment_received:mentee", "session_scheduled:mentee", "session_scheduled:mentor")


def store(*sent: Notification) -> FakeDeliveryStore:
    deliveries = FakeDeliveryStore()
    for notification in sent:
        out = Delivery(key=notification.key, order_id=ORDER.id, sent_at=NOW)
        deliveries.transact(notification.key, partial(_first, out=out))
    return deliveries


def _first(current: Delivery | None, *, out: Delivery) -> Delivery:
    return current or out


def heard(deliveries: FakeDeliveryStore, order: Order = ORDER) -> Hearing:
    return hearing_of(order, deliveries, NOW)


def kinds(hearing: Hearing) -> list[type]:
    return [type(fact) for fact in hearing.not_yet]


def test_what_is_out_is_remembered() -> None:
    assert heard(store(RECEIVED, *SCHEDULED)) == Hearing(told=ALL)


def test_what_is_remembered_is_not_asked_about() -> None:
    order = msgspec.structs.replace(ORDER, told=ALL)
    assert heard(store(), order) == Hearing(told=ALL)


def test_what_is_not_out_is_said_again_and_the_rest_is_remembered() -> None:
    hearing = heard(store(RECEIVED, SCHEDULED[0]))
    assert kinds(hearing) == [MeetingScheduled]
    assert hearing.told == ALL[:2]


def test_a_mail_that_was_given_up_is_not_said_again() -> None:
    deliveries = store(*SCHEDULED)
    deliveries.transact(
        RECEIVED.key, lambda known: mark_failed(known, notification=RECEIVED, reason="refused")
    )
    assert heard(deliveries) == Hearing(told=ALL)


def test_what_is_on_the_phone_only_is_asked_about_each_time_since_it_may_come_back() -> None:
    chat = RECEIVED.over(Channel.WHATSAPP)
    deliveries = store(chat, *SCHEDULED)
    before = heard(deliveries)
    assert before == Hearing(told=ALL[1:])

    deliveries.transact(chat.key, lambda known: mark_undelivered(known, reason="131026"))
    order = msgspec.structs.replace(ORDER, told=before.told)
    assert kinds(heard(deliveries, order)) == [InvoicePaid]

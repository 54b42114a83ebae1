"""What the promises say of messages: each of them once, and true."""

from collections import Counter
from datetime import timedelta

from local.evidence import Evidence
from local.invariants.excuses import Broken, excused
from local.invariants.expected_messages import expected_messages
from shared.domain.dead_letters import DEAD_LETTER
from shared.domain.notifications import Channel, Kind
from shared.domain.order import Order, Status

# What was sent so soon after a change was on its way before it.
_UNDER_WAY = timedelta(minutes=10)


def each_message_once(evidence: Evidence) -> Broken:
    """5. Each message reaches its reader, and over no channel twice."""
    sent = Counter(message.key for message in evidence.messages)
    for key, count in sent.items():
        if count > 1:
            yield key.split(":")[0], f"{key} sent {count} times"
    mailed = {mail.key for mail in evidence.mails}
    arrived = {chat.key for chat in evidence.chats if not chat.failed}
    for order in evidence.orders:
        for message in expected_messages(order):
            mail = f"{message.name}:{Channel.EMAIL}"
            chat = f"{message.name}:{Channel.WHATSAPP}"
            told = mail in mailed or (chat in arrived and not message.by_mail)
            if not told and not _missed(order):
                yield order.id, f"{message.name} not sent"


def _missed(order: Order) -> bool:
    """Whether the admin has been asked, and what was not told is kept with its reason.

    Once a session is over nothing more is said of it; before that, a dead letter heals by itself.
    """
    given_up = order.status is Status.COMPLETED and order.has_attention(DEAD_LETTER)
    return given_up or excused(order, "each_message_once")


def reminders_are_true(evidence: Evidence) -> Broken:
    """5. Nobody is reminded of a session that is off, or at another time by then."""
    orders = {order.id: order for order in evidence.orders}
    for message in evidence.messages:
        order_id, named = message.key.split(":")[:2]
        order, (kind, _, detail) = orders.get(order_id), named.partition("-")
        if order is None or message.at is None or kind != Kind.REMINDER:
            continue
        overdue = message.at - _UNDER_WAY
        if order.cancellation is not None and overdue > order.cancellation.at:
            yield order.id, f"{message.key} after the cancellation"
        of_move = int(detail.partition("-")[2] or 0)
        if of_move == order.moves and message.at >= order.session.starts_at + _UNDER_WAY:
            yield order.id, f"{message.key} after the start"

"""The facts that messages are made of, each of them in the reader's words."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from shared.domain.notifications import Kind, Notification, Recipient
from shared.domain.order import Order, Status
from shared.domain.people import Person
from shared.domain.reminders import minutes_to_tell
from shared.presentation import phrases

NO_DETAILS: Mapping[str, str] = MappingProxyType({})

_STANDS = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED, Status.COMPLETED})
_INSTANTS = ("old_start", "answer_by", "choose_by")
_AS_THEY_ARE = ("by", "words")


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses that a message may show. An empty one is not there.

    ``manage`` is the page of the booking, with what can be done about it. ``accept`` and
    ``decline`` are the mentor's answers; ``choose_time`` and ``refund`` the mentee's, to a session
    that cannot be at its time; ``payout_account`` asks for an account, where a refund failed too;
    ``payout_done`` is the admin's, who has transferred the money. All but ``manage`` have to be
    there for the messages whose buttons they are.
    """

    manage: str = ""
    accept: str = ""
    decline: str = ""
    choose_time: str = ""
    refund: str = ""
    payout_account: str = ""
    payout_done: str = ""


def facts_of(
    notification: Notification,
    order: Order,
    reader: Person,
    now: datetime,
    links: Links,
    *,
    details: Mapping[str, str] = NO_DETAILS,
) -> dict[str, str]:
    """Return what the words of a message may use, one line each; what is not known is left out.

    ``details`` is what the order alone does not tell, as plain values: instants in ISO 8601 with
    an offset, amounts as digits of whole rupiah. An empty one counts as left out.

    - ``reason``: ``session_declined`` (``declined``, ``no_answer`` or ``slot_went``) and
      ``order_rejected``; the reason of the order's latest status change if left out.
    - ``words``: what the person who declined, cancelled or moved wrote to the other side.
    - ``by``: ``order_cancelled`` and ``session_moved``: ``mentee``, ``mentor``, ``admin`` or
      ``system``.
    - ``refund``: ``order_cancelled`` of a paid order needs it: ``yes`` or ``no``.
    - ``refund_amount``: whatever is about a refund; the order's payment if left out.
    - ``old_start``: ``session_moved`` needs it: when the session was to start before.
    - ``answer_by``: ``confirmation_wanted``, ``confirmation_reminder``: until when to answer.
    - ``choose_by``: ``session_declined``: when the money goes back if nothing is chosen.
    - ``event_id``: ``order_cancelled``, ``session_declined``: the calendar's id of the event that
      was taken out, where the order no longer has its meeting (see ``Renderer.render``).

    Raises ValueError for a detail that cannot be read.
    """
    known = {name: value for name, value in details.items() if value.strip()}
    facts = _about_order(notification, order, reader)
    facts |= _about_steps(order, reader) | _about_cause(notification, order, reader, now, known)
    facts |= _about_money(order, known) | _about_details(reader, known)
    facts |= {f"{name}_url": url for name, url in msgspec.structs.asdict(links).items() if url}
    return {name: one_line(fact) for name, fact in facts.items()}


def one_line(text: str) -> str:
    """Join what Unicode takes for several lines: mail headers refuse U+2028 and U+0085 too."""
    return " ".join(text.split())


def _about_order(notification: Notification, order: Order, reader: Person) -> dict[str, str]:
    other = order.mentee if notification.recipient is Recipient.MENTOR else order.mentor
    return {
        "recipient": notification.recipient.value,
        "reader": reader.name,
        "mentee": order.mentee.name,
        "mentor": order.mentor.name,
        "other": other.name,
        "topic": order.subject,
        "order_id": order.id,
        "price": phrases.money(order.price),
        "when": phrases.period(order.session, reader),
        "starts": phrases.short_moment(order.session.starts_at, reader),
        # Money that goes back while the session stands was paid on top.
        "standing": "on" if order.status in _STANDS else "off",
    }


def _about_steps(order: Order, reader: Person) -> dict[str, str]:
    facts = {}
    if order.invoice is not None:
        facts["pay_url"] = order.invoice.url
        facts["deadline"] = phrases.moment(order.invoice.expires_at, reader)
        facts["deadline_in_short"] = phrases.short_moment(order.invoice.expires_at, reader)
    if order.payment is not None:
        facts["paid_at"] = phrases.moment(order.payment.paid_at, reader)
    if order.meeting is not None:
        facts["room_url"] = order.meeting.meet_url
    return facts


def _about_cause(
    notification: Notification,
    order: Order,
    reader: Person,
    now: datetime,
    details: Mapping[str, str],
) -> dict[str, str]:
    if notification.kind is Kind.REMINDER and notification.lead_minutes is not None:
        left = minutes_to_tell(order.session, notification.lead_minutes, now)
        return {"lead": phrases.lead_time(left, reader.locale)}
    raised = notification.detail if notification.kind is Kind.ATTENTION else None
    return {"reason": raised or details.get("reason") or order.reason or "unknown"}


def _about_money(order: Order, details: Mapping[str, str]) -> dict[str, str]:
    if "refund_amount" in details:
        facts = {"refund_amount": phrases.rupiah(int(details["refund_amount"]))}
    elif order.payment is not None:
        facts = {"refund_amount": phrases.rupiah(order.payment.amount)}
    else:
        facts = {}
    if order.payment is None:
        return facts | {"refund": "unpaid"}
    return facts | ({"refund": details["refund"]} if "refund" in details else {})


def _about_details(reader: Person, details: Mapping[str, str]) -> dict[str, str]:
    instants = {name: details[name] for name in _INSTANTS if name in details}
    told = {
        name: phrases.moment(datetime.fromisoformat(at), reader) for name, at in instants.items()
    }
    return told | {name: details[name] for name in _AS_THEY_ARE if name in details}

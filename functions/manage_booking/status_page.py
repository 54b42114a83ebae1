"""The page of an order: how it stands, what happens next, and what its reader can do."""

from collections.abc import Iterator

import msgspec

from functions.manage_booking.pages import Action, Page
from functions.manage_booking.possible import why_not
from functions.manage_booking.visit import Visit
from shared.domain.confirmation import DECLINED, NO_ANSWER, SLOT_WENT
from shared.domain.order import MoneyBack, MoneyBackState, Status
from shared.domain.refunds import WANTS_ACCOUNT
from shared.links import Purpose
from shared.presentation import phrases
from shared.presentation.facts import one_line

_REASONS = frozenset({DECLINED, NO_ANSWER, SLOT_WENT})
_MOVED = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED})


def status_page(visit: Visit, done: Purpose | None = None) -> Page:
    """Return the page; ``done`` is what its reader has just done."""
    words = visit.words
    return Page(
        words=words,
        heading=words(f"standing.{visit.order.status}.{visit.link.recipient}"),
        paragraphs=tuple(_paragraphs(visit)),
        notice=words(f"done.{done}") if done else "",
        facts=order_facts(visit),
        actions=tuple(_actions(visit)),
        order_id=visit.order.id,
    )


def order_facts(visit: Visit) -> tuple[tuple[str, str], ...]:
    """Return what was booked, in the reader's words and zone."""
    order, reader, words = visit.order, visit.reader, visit.words
    told = {"topic": one_line(order.subject)}
    if not visit.is_mentee:
        told["mentee"] = one_line(order.mentee.name)
    if not visit.is_mentor:
        told["mentor"] = one_line(order.mentor.name)
    impossible = order.status is Status.AWAITING_MENTEE
    told["not_possible" if impossible else "session"] = phrases.period(order.session, reader)
    if order.moved_from is not None and order.status in _MOVED:
        told["was"] = phrases.moment(order.moved_from, reader)
    told["price"] = phrases.money(order.price)
    return tuple((words(f"fact.{name}"), value) for name, value in told.items())


def _paragraphs(visit: Visit) -> Iterator[str]:
    order, words = visit.order, visit.words
    if order.status is Status.AWAITING_MENTEE and not visit.is_mentor:
        reason = order.reason if order.reason in _REASONS else "other"
        yield words(f"reason.{reason}")
        if order.decline_note and reason == DECLINED:
            yield words("reason.note")
    wants_account = any(refund.state in WANTS_ACCOUNT for refund in order.refunds)
    if not (wants_account and visit.is_mentee and order.status is Status.CANCELLED):
        yield words(f"standing.{order.status}.{visit.link.recipient}_next")
    if not visit.is_mentor:
        yield from _about_money(visit)


def _about_money(visit: Visit) -> Iterator[str]:
    order, words = visit.order, visit.words
    table = "refund" if visit.is_mentee else "refund_admin"
    for refund in order.refunds:
        yield words.knowing(
            {"amount": phrases.rupiah(refund.amount), "account": visit.account_of(refund)}
        )(f"{table}.{refund.state}")
    kept = order.cancellation is not None and not order.cancellation.refund
    if kept and order.payment is not None and not order.refunds:
        yield words(f"{table}.none")


def _actions(visit: Visit) -> Iterator[Action]:
    order, words = visit.order, visit.words
    if visit.is_mentee and order.status is Status.INVOICED and order.invoice:
        yield from _outside(words("do.pay"), order.invoice.url)
    if order.status is Status.SCHEDULED and order.meeting and (visit.is_mentee or visit.is_mentor):
        yield from _outside(words("do.join"), order.meeting.meet_url)
    if visit.is_mentor:
        yield from _of_mentor(visit)
    elif visit.is_mentee:
        yield from (_payout(visit, r) for r in order.refunds if r.state in WANTS_ACCOUNT)
        yield from _of_mentee(visit)
    else:
        due = (r for r in order.refunds if r.state is MoneyBackState.PAYOUT_DUE)
        yield from (_payout(visit, refund) for refund in due)


def _of_mentor(visit: Visit) -> Iterator[Action]:
    words = visit.words
    if _can(visit, Purpose.ACCEPT):
        yield Action(label=words("do.accept"), url=visit.url(Purpose.ACCEPT), weight="main")
    if _can(visit, Purpose.DECLINE):
        scheduled = visit.order.status is Status.SCHEDULED
        label = words("do.decline_scheduled" if scheduled else "do.decline")
        yield Action(label=label, url=visit.url(Purpose.DECLINE))


def _of_mentee(visit: Visit) -> Iterator[Action]:
    words, status = visit.words, visit.order.status
    if _can(visit, Purpose.RESCHEDULE):
        yield Action(
            label=words("do.reschedule"),
            url=visit.url(Purpose.RESCHEDULE),
            # Where nothing has to be done, nothing stands out.
            weight="main" if status is Status.AWAITING_MENTEE else "quiet",
            note=words("rule.move") if status is Status.SCHEDULED else "",
        )
    if _can(visit, Purpose.CANCEL):
        choice = "do.cancel_choice" if status is Status.AWAITING_MENTEE else "do.cancel"
        url = visit.url(Purpose.CANCEL)
        yield Action(label=words(choice), url=url, note=words(f"rule.{_rule(visit)}"))


def _rule(visit: Visit) -> str:
    if visit.order.payment is None:
        return "unpaid"
    if not visit.refund_on_cancel:
        return "refund_none"
    return "refund" if visit.order.status is Status.SCHEDULED else "refund_always"


def _payout(visit: Visit, refund: MoneyBack) -> Action:
    purpose = Purpose.PAYOUT_ACCOUNT if visit.is_mentee else Purpose.PAYOUT_DONE
    label = "do.payout_account" if visit.is_mentee else "do.payout_done"
    words = visit.words.knowing({"amount": phrases.rupiah(refund.amount)})
    return Action(label=words(label), url=visit.url(purpose, refund.invoice_id), weight="main")


def _outside(label: str, url: str) -> Iterator[Action]:
    # It came from a vendor, and what is no address of a page is not made a link.
    if url.startswith(("https://", "http://")):
        yield Action(label=label, url=url, weight="main")


def _can(visit: Visit, purpose: Purpose) -> bool:
    fresh = msgspec.structs.replace(visit.link, revision=visit.order.revision)
    return why_not(purpose, fresh, visit.order, visit.rules.move_until, visit.now) is None

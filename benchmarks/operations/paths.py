"""The paths of an order, and the least that each of them could cost.

A row of a minimum is one push, tick or webhook. It is derived in docs/performance.md.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from benchmarks.operations.counts import Counts
from benchmarks.operations.stage import Stage
from functions.manage_booking.pages import Page
from shared.domain.schedule import Session
from shared.links import Purpose

# Far enough for all three reminders.
_AHEAD = timedelta(hours=30)
_PAID_AFTER = timedelta(minutes=1)
# Of money that came this way, Xendit gives back.
_REFUNDABLE = "OVO"
_CHANGED_AFTER = timedelta(hours=1)
# Before anybody looks at it: a wallet gives back within seconds.
_REFUNDED_AFTER = timedelta(minutes=1)

_PUBLISHED = Counts(messages=1, pushed=1)
_INVOICE = Counts(reads=3, writes=3, vendor_calls=1, messages=1, pushed=1)
_CALLBACK = Counts(reads=1, writes=1, vendor_calls=1, messages=1, pushed=2)
_EXPIRY = Counts(reads=2, writes=2, vendor_calls=1, messages=1, pushed=1)
_MEETING = Counts(reads=1, writes=1, vendor_calls=1, messages=1, pushed=1)
_REMINDER = Counts(reads=1, writes=1, messages=1, pushed=1)
_TO_ONE = Counts(reads=2, writes=2, vendor_calls=2)
_TO_BOTH = Counts(reads=3, writes=4, vendor_calls=4)
# The calendar is asked once more: an event that was deleted since the look before is told of.
_COMPLETION = Counts(reads=1, writes=1, vendor_calls=1)
# The first look reads whether the three messages about payment and meeting are out.
_FIRST_LOOK = Counts(reads=4, writes=1, vendor_calls=1)
_LATER_LOOK = Counts(reads=1, writes=1, vendor_calls=1)
_PAGE = Counts(reads=1)
_CHOICE = Counts(reads=3)
# It is told to those who tell both, clear the calendar and give the money back.
_CANCEL = Counts(reads=2, writes=2, messages=1, pushed=3)
_CLEARING = Counts(reads=1, writes=1, vendor_calls=1)
_REFUND = Counts(reads=1, writes=1, vendor_calls=1, messages=1, pushed=1)
_REFUNDED = Counts(reads=1, writes=1, vendor_calls=1, messages=1, pushed=1)
_MOVE = Counts(reads=3, writes=2, messages=1, pushed=2)
_FOLLOWING = Counts(reads=1, writes=1, vendor_calls=1)


class Path(msgspec.Struct, frozen=True):
    """What happens to an order, and the rows of the least possible cost."""

    play: Callable[[Stage], None]
    least: tuple[Counts, ...]

    @property
    def minimum(self) -> Counts:
        """The least possible cost."""
        return sum(self.least, Counts())


def _sold(stage: Stage, channel: str = "BCA") -> None:
    stage.place(_AHEAD)
    stage.clock.advance(_PAID_AFTER)
    stage.pay(channel)


def _happy(stage: Stage) -> None:
    _sold(stage)
    stage.move_to(stage.order.session.ends_at)
    stage.look()


def _happy_looked_after(stage: Stage) -> None:
    _sold(stage)
    stage.move_to(stage.order.session.ends_at, looked_after=True)


def _expired(stage: Stage) -> None:
    stage.place(_AHEAD)
    stage.expire()


def _cancelled(stage: Stage) -> None:
    _sold(stage, _REFUNDABLE)
    stage.clock.advance(_CHANGED_AFTER)
    stage.open(Purpose.MANAGE)
    stage.send(Purpose.CANCEL, stage.open(Purpose.CANCEL))
    stage.clock.advance(_REFUNDED_AFTER)
    stage.refund()


def _moved(stage: Stage) -> None:
    _sold(stage)
    stage.clock.advance(_CHANGED_AFTER)
    stage.open(Purpose.MANAGE)
    page = stage.open(Purpose.RESCHEDULE)
    stage.send(Purpose.RESCHEDULE, page, starts_at=_later(page, stage.order.session))
    stage.move_to(stage.order.session.ends_at)
    stage.look()


def _later(page: Page, session: Session) -> str:
    """Return the first time on offer after this one, which is on the same day."""
    assert page.form is not None
    offered = (choice.value for day in page.form.days for choice in day.choices)
    later = next(at for at in offered if datetime.fromisoformat(at) >= session.ends_at)
    assert datetime.fromisoformat(later).date() == session.starts_at.date()
    return later


_SOLD = (_PUBLISHED, _INVOICE, _TO_ONE, _CALLBACK, _TO_ONE, _MEETING, _TO_BOTH)
_REMINDED = (_REMINDER, _TO_BOTH) * 3
PATHS = {
    "happy": Path(_happy, (*_SOLD, *_REMINDED, _COMPLETION)),
    # The same with every look that reconcile_orders takes at it on the way.
    "happy_looked_after": Path(
        _happy_looked_after,
        (*_SOLD, *_REMINDED, _FIRST_LOOK, _LATER_LOOK, _LATER_LOOK, _COMPLETION),
    ),
    "expired": Path(
        _expired, (_PUBLISHED, _INVOICE, _TO_ONE, _REMINDER, _TO_ONE, _EXPIRY, _TO_ONE)
    ),
    "cancelled": Path(
        _cancelled,
        (
            *(*_SOLD, _PAGE, _PAGE, _CANCEL, _PAGE),
            *(_TO_BOTH, _CLEARING, _REFUND, _TO_ONE, _REFUNDED, _TO_ONE),
        ),
    ),
    "moved": Path(
        _moved,
        (
            *(*_SOLD, _PAGE, _CHOICE, _MOVE, _PAGE),
            *(_TO_BOTH, _FOLLOWING, *_REMINDED, _COMPLETION),
        ),
    ),
}

"""The people of the sample orders who answer, cancel, choose and pay out, by the links they got."""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime

import httpx

from local.demo.plan import PlannedOrder, Story
from local.people import People
from local.visitor import Form, Page
from shared.domain.availability import Availability
from shared.domain.notifications import Kind, Recipient
from shared.domain.order import MoneyBackState, Order, Status
from shared.links import Purpose
from shared.ports import AvailabilityStore

_ACCOUNT = {"bank": "BCA", "number": "1234567890", "holder": "Sari Wulandari"}
_CANCELLING = frozenset({Story.CANCELS, Story.PAID_OUT})


class Actors:
    """Does what is next for each order, from the links that its people got. Safe to repeat.

    A link that has been used does nothing, so somebody who is not sure just tries again.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._visitor = people.visitor
        self._links: Mapping[str, tuple[str, ...]] = {}

    def act(self, planned: Iterable[PlannedOrder], seen: Mapping[str, Order]) -> None:
        """Let everybody do what their story has them do next, if they have heard of it."""
        acting = [(p, seen[p.id]) for p in planned if p.id in seen and _is_next(p, seen[p.id])]
        if not acting:
            return
        self._links = self._people.messages()
        for order_planned, order in acting:
            # Whoever does not get through tries again after the next look.
            with contextlib.suppress(httpx.HTTPError):
                self._act(order_planned, order)

    def _act(self, planned: PlannedOrder, order: Order) -> None:
        declines = planned.story is Story.DECLINED and not order.was(Status.AWAITING_MENTEE)
        match order.status:
            case Status.AWAITING_MENTOR if declines:
                self._submit(self._direct(order, Purpose.DECLINE), note="Saya sedang di jalan.")
            case Status.AWAITING_MENTOR:
                self._submit(self._direct(order, Purpose.ACCEPT))
            case Status.SCHEDULED if declines:
                page = self._from_manage(order, Recipient.MENTOR, Purpose.DECLINE)
                self._submit(page, note="Maaf, saya sakit.")
            case Status.AWAITING_MENTEE:
                self._choose(self._direct(order, Purpose.RESCHEDULE), order.session.starts_at)
            case Status.SCHEDULED:
                self._submit(self._from_manage(order, Recipient.MENTEE, Purpose.CANCEL))
            case _:
                self._collect(order)

    def _collect(self, order: Order) -> None:
        """Say where the money shall go, and, as the admin, transfer it."""
        state = order.refunds[0].state
        if state is MoneyBackState.ACCOUNT_WANTED:
            self._submit(self._direct(order, Purpose.PAYOUT_ACCOUNT), **_ACCOUNT)
        elif state is MoneyBackState.PAYOUT_DUE:
            self._submit(self._direct(order, Purpose.PAYOUT_DONE))

    def _choose(self, page: Page | None, not_before: datetime) -> None:
        """Take the first time that is offered at or after the one that was ordered."""
        for form in page.forms if page else ():
            for name, values in form.choices.items():
                later = [v for v in values if datetime.fromisoformat(v) > not_before]
                if later:
                    self._visitor.send(form, **{name: later[0]})
                    return

    def _submit(self, page: Page | None, **filled: str) -> None:
        form = _only_form(page)
        if form is not None:
            self._visitor.send(form, **filled)

    def _direct(self, order: Order, purpose: Purpose) -> Page | None:
        """Open the latest link of this purpose that still has something to send."""
        found = [
            link
            for key, links in self._links.items()
            if key.split(":")[0] == order.id
            for link in links
            if f"/{purpose}?" in link
        ]
        pages = (self._visitor.open(link) for link in reversed(found))
        return next((page for page in pages if page.forms), None)

    def _from_manage(self, order: Order, recipient: Recipient, purpose: Purpose) -> Page | None:
        """Go by the page of the booking, whose link came with the news of the session."""
        for key, links in self._links.items():
            if key.startswith(f"{order.id}:{Kind.SESSION_SCHEDULED}") and f":{recipient}:" in key:
                for link in links:
                    if f"/{Purpose.MANAGE}?" in link:
                        wanted = self._visitor.open(link).link_to(purpose)
                        return self._visitor.open(wanted) if wanted else None
        return None


def keep_hours(availability: AvailabilityStore, planned: Iterable[PlannedOrder]) -> None:
    """Record that the mentors who will be asked for another time take sessions at any hour."""
    for order in planned:
        if order.story is Story.DECLINED:
            mentor = order.event.mentor
            availability.put(Availability(mentor_id=mentor.id, time_zone=mentor.time_zone))


def _is_next(planned: PlannedOrder, order: Order) -> bool:
    """Whether somebody has something to do for this order."""
    if order.status in {Status.AWAITING_MENTOR, Status.AWAITING_MENTEE}:
        return True
    if order.status is Status.SCHEDULED:
        declines = planned.story is Story.DECLINED and not order.was(Status.AWAITING_MENTEE)
        return declines or planned.story in _CANCELLING
    waiting = {MoneyBackState.ACCOUNT_WANTED, MoneyBackState.PAYOUT_DUE}
    return any(refund.state in waiting for refund in order.refunds)


def _only_form(page: Page | None) -> Form | None:
    return page.forms[0] if page is not None and page.forms else None

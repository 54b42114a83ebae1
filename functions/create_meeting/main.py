"""The door of create_meeting: Pub/Sub, topics invoice.paid and order.rescheduled."""

from functools import cache

from functions.create_meeting.use_case import CreateMeeting
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import Event, InvoicePaid, OrderRescheduled
from shared.settings import BookingSettings, GoogleSettings, ReminderSettings

# A Meet room is usually there within a second or two.
POLLS_S = (0.25, 0.5, 1.0, 2.0)

wiring = Wiring(GoogleSettings, ReminderSettings, BookingSettings)


@cache
def _step() -> CreateMeeting:
    step = CreateMeeting(
        orders=wiring.orders,
        meetings=wiring.meetings,
        events=wiring.events,
        clock=wiring.clock,
        leads=wiring.settings[ReminderSettings].leads,
        polls=POLLS_S,
        answer_within=wiring.settings[BookingSettings].answer_within,
    )
    wiring.load_ahead(step.orders, step.meetings, step.events)
    return step


@entrypoint.pubsub(wiring, InvoicePaid, OrderRescheduled)
def create_meeting(event: Event) -> None:
    """Make, or move, the meeting of a paid order."""
    _step()(event)

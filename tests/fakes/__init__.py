"""In-memory implementations of the ports that behave as the real ones do, failures included.

Each fake's ``faults`` makes a coming call fail, before or after it has taken effect.
"""

from tests.fakes.calendars import FakeBusyCalendars, FakeMeetingScheduler
from tests.fakes.channels import FakeMailer, FakeMessenger
from tests.fakes.payments import FakeInvoiceGateway, FakeRefundGateway
from tests.fakes.publisher import FakePublisher, PublishedMessage
from tests.fakes.stores import (
    FakeAvailabilityStore,
    FakeDeliveryStore,
    FakeOrderStore,
    FakeRejectedStore,
)
from tests.fakes.world import FakeClock, Faults

__all__ = [
    "FakeAvailabilityStore",
    "FakeBusyCalendars",
    "FakeClock",
    "FakeDeliveryStore",
    "FakeInvoiceGateway",
    "FakeMailer",
    "FakeMeetingScheduler",
    "FakeMessenger",
    "FakeOrderStore",
    "FakePublisher",
    "FakeRefundGateway",
    "FakeRejectedStore",
    "Faults",
    "PublishedMessage",
]

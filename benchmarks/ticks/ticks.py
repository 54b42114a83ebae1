"""One tick of each scheduled function, with vendors that answer at once."""

from collections.abc import Callable

from benchmarks.operations.counts import Counts
from benchmarks.ticks.orders import TICK_AT
from benchmarks.ticks.stores import Stores, counted_stores
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.send_reminder.use_case import SendReminders
from shared.domain.meetings import meeting_request
from tests.builders import order
from tests.fakes import (
    FakeClock,
    FakeInvoiceGateway,
    FakeMeetingScheduler,
    FakePublisher,
    FakeRefundGateway,
)


def remind(stores: Stores) -> int:
    """Run one tick of send_reminder; return how many orders it found due."""
    return SendReminders(stores.orders, FakePublisher())(TICK_AT).due


def reconcile(stores: Stores) -> int:
    """Run one tick of reconcile_orders; return how many orders it found due."""
    clock = FakeClock(TICK_AT)
    meetings = FakeMeetingScheduler()
    # The due orders are copies of one order and share its event.
    meetings.ensure(meeting_request(order()))
    invoices = FakeInvoiceGateway(clock)
    step = ReconcileOrders(
        orders=stores.orders,
        deliveries=stores.deliveries,
        invoices=invoices,
        refunds=FakeRefundGateway(invoices),
        meetings=meetings,
        events=FakePublisher(clock),
        clock=clock,
    )
    return step(TICK_AT).due


TICKS: dict[str, Callable[[Stores], int]] = {"reminder": remind, "reconcile": reconcile}


def counted(tick: Callable[[Stores], int], stored: int, due: int, *, seen: bool = True) -> Counts:
    """Return what a tick costs with so many orders stored and so many due, ``seen`` before or not."""
    stores, counts = counted_stores(stored, due, seen=seen)
    assert tick(stores) == due
    return counts

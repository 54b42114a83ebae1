"""One order's world, in which a path is played, and what has been counted there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from benchmarks.operations.counts import Counts
from benchmarks.operations.steps import Queue, Steps
from functions.manage_booking.pages import Page
from functions.payment_callback.refund_webhook import RefundCallback
from functions.payment_callback.use_case import InvoiceCallback
from shared.domain.notifications import Recipient
from shared.domain.order import Order, OrderInvoice
from shared.links import LOOK_UP_FOR, Link, Purpose
from tests.builders import order_created, session
from tests.fakes import FakeClock
from tests.unit.functions.chain import SIGNER
from tests.vendors import KEY, Vendor, served_google, served_xendit


class Stage:
    """The order and everybody around it. Time stands still except where a path moves it."""

    def __init__(self, clock: FakeClock, xendit: Vendor, google: Vendor) -> None:
        self.clock = clock
        self.counts = Counts()
        self._xendit = xendit
        self._google = google
        self._queue = Queue(self.counts)
        self._steps = Steps(self.counts, self._queue, clock, xendit.url, google.url)

    @property
    def order(self) -> Order:
        """The order, read without being counted."""
        before = self.counts.reads
        found = self._steps.order(order_created().order_id)
        self.counts.reads = before
        return found

    def place(self, ahead: timedelta) -> None:
        """Publish an order whose session begins so far ahead, and let everything follow."""
        starts_at = self.clock.now().replace(microsecond=0) + ahead
        self._queue.publish(order_created(session=session(starts_at=starts_at)))
        self._deliver()

    def pay(self, channel: str = "BCA") -> None:
        """Pay at Xendit, whose webhook then comes."""
        self._xendit.tell(f"invoices/{self._invoice.id}/pay", webhook=False, channel=channel)
        self._webhook("PAID")

    def expire(self) -> None:
        """Let the invoice's time run out, and Xendit say so."""
        invoice = self._invoice
        self._xendit.admin.post(f"{self._xendit.url}/invoices/{invoice.id}/expire!", auth=(KEY, ""))
        self.move_to(invoice.expires_at)
        self._webhook("EXPIRED")

    def refund(self) -> None:
        """Let Xendit say that the money is back, which it is by now."""
        (owed,) = self.order.refunds
        assert owed.refund_id is not None
        self._steps.refund_callback(
            RefundCallback(
                event="refund.succeeded",
                refund_id=owed.refund_id,
                invoice_id=owed.invoice_id,
                order_id=self.order.id,
            )
        )
        self._deliver()

    def open(self, purpose: Purpose) -> Page:
        """Let the mentee open a page of the order by a link that is still good."""
        desk = self._steps.desk()
        answer = desk.show(desk.receive(purpose, self._token(purpose)), done="")
        assert answer.outcome == "shown", answer.outcome
        assert answer.page is not None
        return answer.page

    def send(self, purpose: Purpose, page: Page, **filled: str) -> None:
        """Let the mentee send the page's form, and see the order's page after that."""
        assert page.form is not None
        desk, fields = self._steps.desk(), {**page.form.hidden, **filled}
        answer = desk.act(desk.receive(purpose, fields["token"]), fields)
        assert answer.outcome == "done", answer.outcome
        self._deliver()
        self.open(Purpose.MANAGE)

    def move_to(self, moment: datetime, *, looked_after: bool = False) -> None:
        """Let time go by; the ticks in which something is due happen, unless nobody looks."""
        while True:
            order = self.order
            timers = (order.next_reminder_at, order.check_at if looked_after else None)
            due = min((at for at in timers if at is not None and at <= moment), default=None)
            if due is None:
                break
            self._advance(due)
            self._tick(looked_after=looked_after)
        self._advance(moment)

    def look(self) -> None:
        """Run one tick of reconcile_orders."""
        self._steps.reconcile(self.clock.now())
        self._deliver()

    def total(self) -> Counts:
        """Return all operations so far."""
        # What the path itself does at Xendit is not the pipeline's.
        asked = [request for request in self._xendit.requests if "/expire!" not in request]
        return self.counts + Counts(vendor_calls=len(asked) + len(self._google.requests))

    @property
    def _invoice(self) -> OrderInvoice:
        invoice = self.order.invoice
        assert invoice is not None
        return invoice

    def _token(self, purpose: Purpose) -> str:
        order = self.order
        link = Link(
            order_id=order.id,
            recipient=Recipient.MENTEE,
            revision=order.revision,
            expires_at=int((order.session.ends_at + LOOK_UP_FOR).timestamp()),
        )
        return SIGNER.token(purpose, link)

    def _webhook(self, status: str) -> None:
        """Let Xendit say how the invoice stands."""
        told = InvoiceCallback(external_id=self.order.id, id=self._invoice.id, status=status)
        self._steps.callback(told)
        self._deliver()

    def _deliver(self) -> None:
        """Push every message that waits, and those that follow."""
        while self._queue.waiting:
            name, event = self._queue.waiting.popleft()
            self.counts.pushed += 1
            self._steps.subscribed[name](event)

    def _tick(self, *, looked_after: bool) -> None:
        self._steps.remind(self.clock.now())
        self._deliver()
        if looked_after:
            self.look()

    def _advance(self, moment: datetime) -> None:
        self.clock.advance(max(timedelta(), moment - self.clock.now()))


@contextmanager
def staged() -> Iterator[Stage]:
    """Serve the vendors' simulators for the block; a Meet room is ready at once."""
    clock = FakeClock()
    with served_xendit(clock) as xendit, served_google(clock) as google:
        xendit.tell("webhooks", expired_enabled=False)
        yield Stage(clock, xendit, google)

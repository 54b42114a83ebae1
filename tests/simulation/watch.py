"""The promises that can be judged while the world runs, at the very instant of a change."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import combinations

from local.invariants import FINAL, Violation
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.notifications import Kind, Mail
from shared.domain.order import HOLDS_SLOT, Order, Status
from tests.simulation.kernel import Kernel, Task
from tests.simulation.trace import Trace
from tests.simulation.vendors import SimulatedXendit


class Watch:
    """Sees every write, invoice and mail; keeps what broke a promise and what was reached."""

    def __init__(self, kernel: Kernel, trace: Trace) -> None:
        self.violations: list[Violation] = []
        self.transitions: Counter[tuple[str, str]] = Counter()
        self.orders: dict[str, Order] = {}
        self.sent: Counter[str] = Counter()
        self._kernel = kernel
        self._trace = trace
        self._xendit: SimulatedXendit
        self._claim_left: set[str] = set()
        self._making: dict[str, list[tuple[Task, timedelta]]] = defaultdict(list)

    def meet(self, xendit: SimulatedXendit) -> None:
        """Get to know Xendit's books."""
        self._xendit = xendit

    def making_invoice(self, task: Task, claim: timedelta) -> None:
        """Remember who makes an order's invoice, and how long he may be alone with it."""
        self._making[task.order_id].append((task, claim))

    def order_written(self, before: Order | None, order: Order) -> None:
        """Judge a write: no two orders may hold one slot, no status may change against the table."""
        self.orders[order.id] = order
        if order.status not in FINAL and order.check_at is None:
            self._broken("open_orders_have_a_timer", order, f"{order.status} without a timer")
        was = before.status if before else "new"
        if was == order.status:
            return
        self.transitions[was, order.status] += 1
        if order.status in HOLDS_SLOT:
            self._check_slot(order)
        if order.status is Status.PAID:
            self._check_paid(order)

    def _check_slot(self, order: Order) -> None:
        holders = [o for o in self.orders.values() if o.status in HOLDS_SLOT]
        for one, other in combinations(holders, 2):
            same_mentor = one.mentor.id == other.mentor.id
            if order in (one, other) and same_mentor and one.session.overlaps(other.session):
                self._broken("no_double_booking", order, f"{one.id} overlaps {other.id}")

    def _check_paid(self, order: Order) -> None:
        books = [i for i in self._xendit.books if i.order_id == order.id]
        price = order.price.amount
        if not any(i.status is InvoiceStatus.PAID and i.paid_amount == price for i in books):
            self._broken("paid_means_confirmed", order, "paid, but Xendit has no such payment")

    def invoice_made(self, invoice: Invoice) -> None:
        """Judge a new invoice: while nobody overstays a claim, there is no second payable one."""
        order_id = invoice.order_id
        payable = [
            i
            for i in self._xendit.books
            if i.order_id == order_id and i.status is InvoiceStatus.PENDING
        ]
        if len(payable) > 1 and not self._overstayed(order_id):
            detail = f"{len(payable)} payable invoices at once"
            self._broken("one_payable_invoice", self.orders[order_id], detail)

    def _overstayed(self, order_id: str) -> bool:
        running = [(t, claim) for t, claim in self._making[order_id] if t in self._kernel.tasks]
        if any(self._kernel.now - task.started >= claim for task, claim in running):
            self._claim_left.add(order_id)
        return order_id in self._claim_left

    def mail_sent(self, mail: Mail) -> None:
        """Judge a mail: once each; reminders only of scheduled sessions that have not begun."""
        self.sent[mail.key] += 1
        self._trace.note(f"mail {mail.key}")
        order_id, kind = mail.key.split(":")[:2]
        order = self.orders[order_id]
        if self.sent[mail.key] > 1:
            self._broken("each_message_once", order, f"{mail.key} sent again")
        if kind.startswith(f"{Kind.REMINDER}-"):
            self._check_reminder(order, mail)

    def _check_reminder(self, order: Order, mail: Mail) -> None:
        task = self._kernel.current
        assert task is not None, "only a step sends mails"
        if not order.was(Status.SCHEDULED):
            self._broken("reminders_are_true", order, f"{mail.key} of a {order.status} order")
        elif task.started >= order.session.starts_at:
            self._broken("reminders_are_true", order, f"{mail.key} after the start")

    def unforeseen(self, task: str, order_id: str, error: Exception) -> None:
        """Note an error that no rule of the domain and no port is meant to raise."""
        detail = f"{task}: {type(error).__name__}: {error}"
        self._add(Violation(invariant="no_unforeseen_error", order_id=order_id, detail=detail))

    def _broken(self, invariant: str, order: Order, detail: str) -> None:
        self._add(Violation(invariant=invariant, order_id=order.id, detail=detail))

    def _add(self, violation: Violation) -> None:
        self._trace.note(f"VIOLATION {violation.invariant}", violation.detail)
        self.violations.append(violation)

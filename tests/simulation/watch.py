"""The promises that can be judged while the world runs, at the very instant of a change."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import combinations

from local.evidence import SeenAction
from local.invariants import FINAL, Violation
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.notifications import Kind
from shared.domain.order import HOLDS_SLOT, Order, Status
from shared.domain.refund import RefundRequest
from tests.simulation.kernel import Kernel, Task
from tests.simulation.stores import STALENESS
from tests.simulation.trace import Trace
from tests.simulation.vendors import SimulatedXendit

_HAS_MEETING = frozenset({Status.SCHEDULED, Status.COMPLETED})


class Watch:
    """Sees every write, invoice and message; keeps what broke a promise and what was reached."""

    def __init__(self, kernel: Kernel, trace: Trace) -> None:
        self.violations: list[Violation] = []
        self.transitions: Counter[tuple[str, str]] = Counter()
        self.orders: dict[str, Order] = {}
        self.actions: list[SeenAction] = []
        self.last_session = kernel.now
        # By a message's key: how often it was sent, and when the step that sent it had begun.
        self.sent: Counter[str] = Counter()
        self.sent_at: dict[str, datetime] = {}
        # When the session's time, or whether there is to be one, last changed.
        self.changed_at: dict[str, datetime] = {}
        self.moved_at: dict[str, datetime] = {}
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
        self.last_session = max(self.last_session, order.session.ends_at)
        self._check_link(before, order)
        if order.status not in FINAL and order.check_at is None:
            self._broken("open_orders_have_a_timer", order, f"{order.status} without a timer")
        was = before.status if before else "new"
        moved = before is not None and before.session != order.session
        if was == order.status and not moved:
            return
        self.changed_at[order.id] = self._kernel.now
        if moved:
            self.moved_at[order.id] = self._kernel.now
        if was != order.status:
            self.transitions[was, order.status] += 1
        if order.status in HOLDS_SLOT:
            self._check_slot(order)
        if order.status is Status.PAID:
            self._check_paid(order)

    def _check_link(self, before: Order | None, order: Order) -> None:
        """Judge a write that somebody caused by a link: it must not be one of the past."""
        task = self._kernel.current
        action = task.action if task else None
        if action is None or before is None or action.order_id != order.id:
            return
        self.actions.append(action)
        if not action.invoice_id and action.revision != before.revision:
            detail = f"{action.purpose} of {action.revision} works at {before.revision}"
            self._broken("used_links_are_dead", order, detail)

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

    def refund_started(self, request: RefundRequest) -> None:
        """Judge a refund at the very start: the order must owe it."""
        order = self.orders[request.order_id]
        if order.refund_of(request.invoice_id) is None:
            detail = f"{request.invoice_id} goes back, and the order does not owe it"
            self._broken("standing_sessions_keep_their_money", order, detail)

    def message_sent(self, key: str) -> None:
        """Judge a message: once over each channel; reminders only while they are true."""
        task = self._kernel.current
        assert task is not None, "only a step sends messages"
        self.sent[key] += 1
        self.sent_at.setdefault(key, task.started)
        self._trace.note(f"message {key}")
        order_id, named = key.split(":")[:2]
        if self.sent[key] > 1:
            self._add(_violation("each_message_once", order_id, f"{key} sent again"))
        kind, _, detail = named.partition("-")
        if kind == Kind.REMINDER:
            self._check_reminder(self.orders[order_id], key, int(detail.partition("-")[2] or 0))

    def _check_reminder(self, order: Order, key: str, of_move: int) -> None:
        task = self._kernel.current
        assert task is not None
        # Who read the order before it changed could not know; and reads may be behind.
        knew = task.started > self.changed_at[order.id] + STALENESS
        if not order.was(Status.SCHEDULED) or (knew and order.status not in _HAS_MEETING):
            self._broken("reminders_are_true", order, f"{key} of a {order.status} order")
        elif knew and of_move != order.moves:
            self._broken("reminders_are_true", order, f"{key} of another time")
        elif of_move == order.moves and task.started >= order.session.starts_at:
            self._broken("reminders_are_true", order, f"{key} after the start")

    def unforeseen(self, task: str, order_id: str, error: Exception) -> None:
        """Note an error that no rule of the domain and no port is meant to raise."""
        detail = f"{task}: {type(error).__name__}: {error}"
        self._add(_violation("no_unforeseen_error", order_id, detail))

    def _broken(self, invariant: str, order: Order, detail: str) -> None:
        self._add(_violation(invariant, order.id, detail))

    def _add(self, violation: Violation) -> None:
        self._trace.note(f"VIOLATION {violation.invariant}", violation.detail)
        self.violations.append(violation)


def _violation(invariant: str, order_id: str, detail: str) -> Violation:
    return Violation(invariant=invariant, order_id=order_id, detail=detail)

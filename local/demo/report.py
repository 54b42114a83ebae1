"""What a demo showed: as JSON for programs, as a table for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table

from local.demo.plan import Plan
from local.evidence import Evidence, SeenInvoice
from local.invariants import Violation, violations
from shared.domain.notifications import Kind
from shared.domain.order import Order, Status
from shared.domain.reminders import DEFAULT_LEAD_MINUTES


def shortcomings(plan: Plan, seen: Evidence) -> list[Violation]:
    """Return every broken promise, and every order that did not end as its story should."""
    return [*violations(seen), *_wrong_ends(plan, seen), *_missing_reminders(plan, seen)]


def as_json(plan: Plan, seen: Evidence, duration_s: float) -> dict[str, Any]:
    """Return the results: orders, summary, violations."""
    statuses = Counter(order.status for order in seen.orders)
    return {
        "orders": [_order_json(order, seen) for order in seen.orders],
        "summary": {
            "orders": len(seen.orders),
            "scheduled": statuses[Status.SCHEDULED] + statuses[Status.COMPLETED],
            "expired": statuses[Status.EXPIRED],
            "rejected": statuses[Status.REJECTED],
            "duration_s": round(duration_s, 3),
            "orders_per_s": round(len(seen.orders) / duration_s, 3),
        },
        "violations": [
            {"invariant": v.invariant, "order_id": v.order_id, "detail": v.detail}
            for v in shortcomings(plan, seen)
        ],
    }


def as_table(plan: Plan, seen: Evidence) -> Table:
    """Return the results as a table."""
    table = Table(
        title="What became of the sample orders",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("order", "mentee", "status", "room", "reminders", "mails"):
        table.add_column(heading, no_wrap=True)
    orders = {order.id: order for order in seen.orders}
    for planned in plan.orders:
        order = orders.get(planned.id)
        if order is None:
            table.add_row(planned.id, planned.story, "[red]missing[/red]")
            continue
        colour = "green" if order.status is planned.end else "red"
        table.add_row(
            order.id,
            planned.story,
            f"[{colour}]{order.status}[/{colour}]",
            order.meeting.meet_url.rpartition("/")[2] if order.meeting else "",
            str(len(_reminded(order, seen)) or ""),
            str(_sent(order, seen)),
        )
    return table


def _order_json(order: Order, seen: Evidence) -> dict[str, Any]:
    invoices: dict[str, SeenInvoice] = {invoice.id: invoice for invoice in seen.invoices}
    told = order.invoice and invoices.get(order.invoice.id)
    return {
        "order_id": order.id,
        "status": order.status,
        "invoice": told and {"id": told.id, "url": told.url, "status": told.status},
        "meeting": order.meeting
        and {"event_id": order.meeting.event_id, "meet_url": order.meeting.meet_url},
        "reminders_sent": len(_reminded(order, seen)),
        "notifications_sent": _sent(order, seen),
        "timeline": [
            {"status": change.status, "at": change.at.isoformat()} for change in order.history
        ],
    }


def _wrong_ends(plan: Plan, seen: Evidence) -> Iterable[Violation]:
    orders = {order.id: order for order in seen.orders}
    for planned in plan.orders:
        order = orders.get(planned.id)
        if order is None or order.status is not planned.end:
            detail = f"should be {planned.end}, is {order.status if order else 'missing'}"
            yield Violation(invariant="ends_as_planned", order_id=planned.id, detail=detail)


def _missing_reminders(plan: Plan, seen: Evidence) -> Iterable[Violation]:
    orders = {order.id: order for order in seen.orders}
    for planned in plan.orders:
        order = orders.get(planned.id)
        if order is not None and planned.end is Status.SCHEDULED:
            missing = set(DEFAULT_LEAD_MINUTES) - _reminded(order, seen)
            for lead in sorted(missing):
                detail = f"not both reminded {lead} minutes before"
                yield Violation(invariant="reminded_at_each_lead", order_id=order.id, detail=detail)


def _reminded(order: Order, seen: Evidence) -> set[int]:
    """Return the lead times at which both mentee and mentor were reminded."""
    told: defaultdict[int, set[str]] = defaultdict(set)
    for mail in seen.mails:
        order_id, _, rest = mail.key.partition(":")
        kind, _, recipient = rest.partition(":")
        if order_id == order.id and kind.startswith(f"{Kind.REMINDER}-"):
            told[int(kind.removeprefix(f"{Kind.REMINDER}-"))].add(recipient)
    return {lead for lead, recipients in told.items() if len(recipients) == 2}  # noqa: PLR2004 - both


def _sent(order: Order, seen: Evidence) -> int:
    return sum(mail.key.startswith(f"{order.id}:") for mail in seen.mails)

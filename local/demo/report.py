"""What a demo showed: as JSON for programs, as a table for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from local.demo.plan import MEETS, Plan
from local.evidence import Evidence, SeenInvoice
from local.invariants import Violation, violations
from local.told import Told, everything_told, reminders
from shared.domain.order import Order, Status
from shared.domain.reminders import DEFAULT_LEAD_MINUTES


def shortcomings(plan: Plan, seen: Evidence) -> list[Violation]:
    """Return every broken promise, and every order that did not end as its story should."""
    return [*violations(seen), *_wrong_ends(plan, seen), *_missing_reminders(plan, seen)]


def as_json(plan: Plan, seen: Evidence, duration_s: float) -> dict[str, Any]:
    """Return the results: orders, summary, violations."""
    statuses = Counter(order.status for order in seen.orders)
    invoices = {invoice.id: invoice for invoice in seen.invoices}
    told = _by_order(everything_told(seen.mails, seen.chats))
    return {
        "orders": [_order_json(order, invoices, told[order.id]) for order in seen.orders],
        "summary": {
            "orders": len(seen.orders),
            "scheduled": statuses[Status.SCHEDULED] + statuses[Status.COMPLETED],
            "expired": statuses[Status.EXPIRED],
            "rejected": statuses[Status.REJECTED],
            "cancelled": statuses[Status.CANCELLED],
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
        collapse_padding=True,
    )
    for heading in ("order", "mentee", "status", "room", "reminders", "told"):
        table.add_column(heading, no_wrap=True)
    orders = {order.id: order for order in seen.orders}
    told = _by_order(everything_told(seen.mails, seen.chats))
    for planned in plan.orders:
        order = orders.get(planned.id)
        if order is None:
            table.add_row(planned.id, planned.story, "[red]missing[/red]")
            continue
        colour = "green" if planned.ended(order) else "red"
        table.add_row(
            order.id,
            planned.story,
            f"[{colour}]{order.status}[/{colour}]",
            _room(order),
            str(len(reminders(told[order.id])) or ""),
            str(len(told[order.id])),
        )
    return table


def _room(order: Order) -> str:
    """Return the room of a session that stands."""
    if order.meeting is None or order.status is Status.CANCELLED:
        return ""
    return order.meeting.meet_url.rpartition("/")[2]


def _order_json(
    order: Order, invoices: Mapping[str, SeenInvoice], told: Sequence[Told]
) -> dict[str, Any]:
    shown = order.invoice and invoices.get(order.invoice.id)
    return {
        "order_id": order.id,
        "status": order.status,
        "invoice": shown and {"id": shown.id, "url": shown.url, "status": shown.status},
        "meeting": order.meeting
        and {"event_id": order.meeting.event_id, "meet_url": order.meeting.meet_url},
        "moves": order.moves,
        "refunds": [{"amount": r.amount, "state": r.state} for r in order.refunds],
        "reminders_sent": len(reminders(told)),
        "notifications_sent": len(told),
        "messages": [
            {
                "kind": message.kind,
                "recipient": message.recipient,
                "channel": message.channel,
                "language": message.language,
            }
            for message in told
        ],
        "timeline": [
            {"status": change.status, "at": change.at.isoformat()} for change in order.history
        ],
    }


def _wrong_ends(plan: Plan, seen: Evidence) -> Iterable[Violation]:
    orders = {order.id: order for order in seen.orders}
    for planned in plan.orders:
        order = orders.get(planned.id)
        if not planned.ended(order):
            detail = f"should be {planned.end}, is {order.status if order else 'missing'}"
            yield Violation(invariant="ends_as_planned", order_id=planned.id, detail=detail)


def _missing_reminders(plan: Plan, seen: Evidence) -> Iterable[Violation]:
    wanted = {(order.id, lead) for order in plan.told(*MEETS) for lead in DEFAULT_LEAD_MINUTES}
    for order_id, lead in sorted(wanted - reminders(everything_told(seen.mails, seen.chats))):
        detail = f"not both reminded {lead} minutes before"
        yield Violation(invariant="reminded_at_each_lead", order_id=order_id, detail=detail)


def _by_order(told: Iterable[Told]) -> defaultdict[str, list[Told]]:
    grouped = defaultdict(list)
    for message in told:
        grouped[message.order_id].append(message)
    return grouped

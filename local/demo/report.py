"""What a demo showed: as JSON for programs, as a table for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from local.demo.plan import CHANNELS, Plan
from local.evidence import Evidence, SeenInvoice, SeenMail
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
    invoices = {invoice.id: invoice for invoice in seen.invoices}
    mails = _mails_by_order(seen)
    return {
        "orders": [_order_json(order, invoices, mails[order.id]) for order in seen.orders],
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
    mails = _mails_by_order(seen)
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
            order.meeting.meet_url.rpartition("/")[2] if order.meeting else "",
            str(len(reminders(mails[order.id])) or ""),
            str(len(mails[order.id])),
        )
    return table


def _order_json(
    order: Order, invoices: Mapping[str, SeenInvoice], mails: Sequence[SeenMail]
) -> dict[str, Any]:
    told = order.invoice and invoices.get(order.invoice.id)
    return {
        "order_id": order.id,
        "status": order.status,
        "invoice": told and {"id": told.id, "url": told.url, "status": told.status},
        "meeting": order.meeting
        and {"event_id": order.meeting.event_id, "meet_url": order.meeting.meet_url},
        "reminders_sent": len(reminders(mails)),
        "notifications_sent": len(mails),
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
    wanted = {(order.id, lead) for order in plan.told(*CHANNELS) for lead in DEFAULT_LEAD_MINUTES}
    for order_id, lead in sorted(wanted - reminders(seen.mails)):
        detail = f"not both reminded {lead} minutes before"
        yield Violation(invariant="reminded_at_each_lead", order_id=order_id, detail=detail)


def reminders(mails: Iterable[SeenMail]) -> set[tuple[str, int]]:
    """Return which orders were reminded at which lead times, both mentee and mentor."""
    told: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for mail in mails:
        order_id, kind, recipient = (*mail.key.split(":"), "", "")[:3]
        if kind.startswith(f"{Kind.REMINDER}-"):
            lead = int(kind.removeprefix(f"{Kind.REMINDER}-"))
            told[order_id, lead].add(recipient)
    return {which for which, recipients in told.items() if len(recipients) == 2}  # noqa: PLR2004 - both


def _mails_by_order(seen: Evidence) -> defaultdict[str, list[SeenMail]]:
    mails = defaultdict(list)
    for mail in seen.mails:
        mails[mail.key.partition(":")[0]].append(mail)
    return mails

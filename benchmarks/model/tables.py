"""The study as tables for a terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from benchmarks.model.study import Row


def tables(rows: Sequence[Row]) -> Iterable[Table]:
    """Yield: what holds at which volume, and when each resource is full."""
    yield _volumes(rows)
    yield _ceilings(rows[-1])


def _volumes(rows: Sequence[Row]) -> Table:
    table = Table(title="At the day's peak", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in (
        "orders a day",
        "peak a minute",
        "first bottleneck",
        "used",
        "longest wait",
        "invoice p50 / p95, limits raised",
        "room p50 / p95",
        "instances",
        "USD per 1,000",
    ):
        table.add_column(heading, justify="left" if heading == "first bottleneck" else "right")
    for row in rows:
        invoice, room = row.raised.journeys["create_invoice"], row.raised.journeys["create_meeting"]
        table.add_row(
            f"{row.orders_a_day:,}",
            f"{row.peak_rate * 60:,.1f}",
            row.bottleneck,
            f"{row.utilisation:,.2f}",
            "every day longer" if row.queue_age_s is None else f"{row.queue_age_s:,.0f} s",
            f"{invoice.p50:.2f} / {invoice.p95:.2f} s",
            f"{room.p50:.2f} / {room.p95:.2f} s",
            str(sum(row.raised.instances.values())),
            f"{row.usd_per_1000:.3f}",
        )
    return table


def _ceilings(row: Row) -> Table:
    table = Table(title="What is full when", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("resource")
    table.add_column("orders a day", justify="right")
    table.add_column("stops")
    table.add_column("lifted by")
    for one in sorted(row.resources, key=lambda resource: resource.orders_a_day):
        stops = "orders" if one.stops_sales else "healing or punctuality"
        table.add_row(one.name, f"{one.orders_a_day:,.0f}", stops, one.raised_by)
    return table

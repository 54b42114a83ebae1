"""Business: what an order costs, from when the system pays, and what that hangs on."""

from collections.abc import Callable, Iterator
from math import isfinite

from benchmarks.model import cost
from benchmarks.model.study import Row
from benchmarks.report import plots
from benchmarks.report.blocks import (
    Block,
    Card,
    Cards,
    Note,
    Plot,
    Section,
    Table,
    missing,
    section,
)
from benchmarks.report.business import Cloud, Month, break_even, levers, month, months_to_pay_back
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Evidence
from benchmarks.report.numbers import Figure, compact, day, dollars, number, plain, rupiah
from benchmarks.report.words import Text, both, say

_DAYS = 30
_SHOWN_LEVERS = 8
_NO_DATA = "python -m benchmarks.model"
_PARTS = (
    ("cpu", ("cloud_run_cpu",), plots.ACCENT),
    ("memory", ("cloud_run_memory", "cloud_run_requests"), plots.PALE),
    ("firestore", ("firestore_reads", "firestore_writes", "firestore_deletes"), plots.GREEN),
    ("storage", ("firestore_storage",), "#8fc7a8"),
    ("others", ("pubsub", "logging", "scheduler", "secret_versions", "secret_access"), plots.SOFT),
)


def write(evidence: Evidence, known: Assumptions) -> Section:
    """Return the section."""
    if not evidence.rows:
        return section("business", None, [missing("model", _NO_DATA)])
    cloud = _cloud(evidence.rows)
    return section("business", _headline(known, cloud), list(_blocks(evidence.rows, known, cloud)))


def _headline(known: Assumptions, cloud: Cloud) -> Card:
    return Card(figure=_finite(break_even(known, cloud), number), label=say("business.headline"))


def _blocks(rows: list[Row], known: Assumptions, cloud: Cloud) -> Iterator[Block]:
    likely = month(known, cloud)
    yield Cards(
        (
            Card(
                figure=both(rupiah(likely.net)),
                label=say("business.net", orders=number(likely.orders)),
                mood="good" if likely.net > 0 else "bad",
            ),
            Card(
                figure=both(number(likely.hours_saved)),
                label=say("business.hours", orders=number(likely.orders)),
            ),
            Card(
                figure=_finite(months_to_pay_back(known, cloud), lambda n: number(n, 1)),
                label=say("business.pay_back", hours=number(known.business.build_hours.likely)),
            ),
        )
    )
    yield _account(likely)
    yield _tornado(known, cloud, likely)
    yield Note(say("business.assumed"))
    yield _costs(rows)
    yield _prices()


def _account(likely: Month) -> Block:
    lines = [
        ("saved", likely.saved),
        ("cloud", -likely.cloud),
        ("workspace", -likely.workspace),
        ("upkeep", -likely.upkeep),
        ("left", likely.net),
    ]
    return Table(
        caption=say("business.account", orders=number(likely.orders)),
        head=(say("business.line"), say("business.rupiah")),
        rows=tuple((say(f"business.{name}"), both(rupiah(amount))) for name, amount in lines),
    )


def _tornado(known: Assumptions, cloud: Cloud, likely: Month) -> Block:
    found = levers(known, cloud)[:_SHOWN_LEVERS]
    return Plot(
        svg=plots.tornado(
            [say(f"lever.{lever.name}") for lever in found],
            [(lever.low, lever.high) for lever in found],
            likely.net,
        ),
        caption=say("business.tornado"),
    )


def _costs(rows: list[Row]) -> Block:
    return Plot(
        svg=plots.stacks(
            [both(compact(row.orders_a_day)) for row in rows],
            [
                (say(f"business.{name}"), _part(rows, items), colour)
                for name, items, colour in _PARTS
            ],
            label=say("business.costs_axis"),
        ),
        caption=say("business.costs"),
    )


def _part(rows: list[Row], items: tuple[str, ...]) -> list[float]:
    return [sum(row.usd_a_day[item] for item in items) / row.orders_a_day * 1000 for row in rows]


def _prices() -> Block:
    prices = cost.load()
    return Table(
        caption=say("business.prices", date=day(prices.date), region=plain(prices.region)),
        head=tuple(say(f"business.{name}") for name in ("item", "price", "free", "source")),
        rows=tuple(
            (
                both(plain(name.replace("_", " "))),
                say(
                    "business.price_per",
                    price=dollars(item.price, max(2, _digits(item.price))),
                    per=number(item.per),
                    unit=plain(item.unit),
                ),
                say(f"business.free_{item.free_every}", free=number(item.free, _digits(item.free))),
                say("business.checked" if item.checked else "business.unchecked"),
            )
            for name, item in prices.items.items()
        ),
        worded=(0, 1, 2, 3),
    )


def _digits(value: float) -> int:
    """Return how many digits after the point show a price or an amount without zeros."""
    text = f"{value:.7f}".rstrip("0")
    return len(text.partition(".")[2])


def _cloud(rows: list[Row]) -> Cloud:
    """Return the month's USD by orders a month, with straight lines between the modelled volumes."""
    known = [
        (0.0, 0.0),
        *((row.orders_a_day * _DAYS, sum(row.usd_a_day.values()) * _DAYS) for row in rows),
    ]

    def usd(orders: float) -> float:
        above = next((n for n, (volume, _) in enumerate(known) if volume >= orders), len(known) - 1)
        (x0, y0), (x1, y1) = known[max(0, above - 1)], known[max(1, above)]
        return y0 + (y1 - y0) * (orders - x0) / (x1 - x0)

    return usd


def _finite(value: float, shown: Callable[[float], Figure]) -> Text:
    return both(shown(value)) if isfinite(value) else say("business.never")

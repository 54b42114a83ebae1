"""What the system costs and saves in a month, when it has paid for itself, and what that hangs on."""

from collections.abc import Callable, Mapping
from math import inf

import msgspec

from benchmarks.report.effort import Assumptions, Range, manual_minutes


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One month in rupiah. ``hours_saved`` of the admin's."""

    orders: float
    hours_saved: float
    saved: float
    cloud: float
    workspace: float
    upkeep: float

    @property
    def net(self) -> float:
        """What is left."""
        return self.saved - self.cloud - self.workspace - self.upkeep


class Lever(msgspec.Struct, frozen=True, kw_only=True):
    """An assumption and the month's net with it at its low and its high end, all others likely."""

    name: str
    low: float
    high: float

    @property
    def swing(self) -> float:
        """How much it moves the result."""
        return abs(self.high - self.low)


# USD of the cloud in a month, by orders in the month.
Cloud = Callable[[float], float]


def month(known: Assumptions, cloud: Cloud, chosen: Mapping[str, float] | None = None) -> Month:
    """Return a month with everything at its likely value, but what is ``chosen`` by name."""

    def at(name: str, span: Range) -> float:
        return (chosen or {}).get(name, span.likely)

    business = known.business
    orders = at("orders_a_month", business.orders_a_month)
    dollar = at("usd_to_rupiah", business.usd_to_rupiah)
    manual = at("manual_minutes", manual_range(known))
    automatic = at("share_for_admin", known.automatic.share_for_admin) * at(
        "minutes_of_a_case", known.automatic.minutes
    )
    hours = orders * (manual - automatic) / 60
    return Month(
        orders=orders,
        hours_saved=hours,
        saved=hours * at("admin_rupiah_an_hour", business.admin_rupiah_an_hour),
        cloud=cloud(orders) * dollar,
        workspace=at("workspace_usd_a_month", business.workspace_usd_a_month) * dollar,
        upkeep=at("upkeep_hours_a_month", business.upkeep_hours_a_month)
        * at("upkeep_rupiah_an_hour", business.upkeep_rupiah_an_hour),
    )


def manual_range(known: Assumptions) -> Range:
    """Return the minutes of an order without the system: all tasks low, likely, high."""
    return Range(
        low=manual_minutes(known, lambda one: one.low),
        likely=manual_minutes(known, lambda one: one.likely),
        high=manual_minutes(known, lambda one: one.high),
    )


def break_even(known: Assumptions, cloud: Cloud) -> float:
    """Return the orders a month from which a month costs less than it saves; infinite if never."""
    low, high = 0.0, 1e6
    if month(known, cloud, {"orders_a_month": high}).net < 0:
        return inf
    for _ in range(60):
        middle = (low + high) / 2
        if month(known, cloud, {"orders_a_month": middle}).net < 0:
            low = middle
        else:
            high = middle
    return high


def months_to_pay_back(known: Assumptions, cloud: Cloud) -> float:
    """Return after how many likely months the hours of building are earned back."""
    built = known.business.build_hours.likely * known.business.upkeep_rupiah_an_hour.likely
    net = month(known, cloud).net
    return built / net if net > 0 else inf


def levers(known: Assumptions, cloud: Cloud) -> list[Lever]:
    """Return every assumption with what it does to a month's net, the strongest first."""
    business = msgspec.structs.asdict(known.business)
    ranges = {name: span for name, span in business.items() if name != "build_hours"}
    ranges |= {
        "manual_minutes": manual_range(known),
        "share_for_admin": known.automatic.share_for_admin,
        "minutes_of_a_case": known.automatic.minutes,
    }
    found = [
        Lever(
            name=name,
            low=month(known, cloud, {name: span.low}).net,
            high=month(known, cloud, {name: span.high}).net,
        )
        for name, span in ranges.items()
    ]
    return sorted(found, key=lambda lever: -lever.swing)

"""A day's orders: how many come when, and what a limit makes of the rush hours."""

from collections.abc import Sequence

import msgspec

DAY_S = 86400
_QUARTER_S = 900
_QUARTERS = DAY_S // _QUARTER_S


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What a limit leaves waiting in the course of a day. ``longest_wait_s`` is the queue's age.

    ``caught_up`` says whether a whole day suffices for its orders; else more wait every day.
    """

    most: float
    longest_wait_s: float
    caught_up: bool


def quarters(hours: Sequence[float]) -> list[float]:
    """Return the share of a day's orders in each quarter of an hour, from 24 weights of hours.

    An hour's weight stands at its middle, with straight lines between, so that peaks are not cut.
    """
    total = sum(hours)
    at = [(quarter + 0.5) / 4 - 0.5 for quarter in range(_QUARTERS)]
    raw = [_between(hours, hour) / total / 4 for hour in at]
    return [share / sum(raw) for share in raw]


def peak_rate(hours: Sequence[float], per_day: float) -> float:
    """Return the orders a second in the busiest quarter of an hour."""
    return max(quarters(hours)) * per_day / _QUARTER_S


def rates(hours: Sequence[float], per_day: float) -> list[float]:
    """Return the orders a second in each quarter of an hour."""
    return [share * per_day / _QUARTER_S for share in quarters(hours)]


def backlog(hours: Sequence[float], per_day: float, capacity: float) -> Backlog:
    """Return what waits before a resource that handles ``capacity`` orders a second.

    A fluid that begins at midnight with nothing waiting, over one day.
    """
    waiting = most = 0.0
    for rate in rates(hours, per_day):
        waiting = max(0.0, waiting + (rate - capacity) * _QUARTER_S)
        most = max(most, waiting)
    caught_up = per_day <= capacity * DAY_S
    return Backlog(most=most, longest_wait_s=most / capacity, caught_up=caught_up)


def _between(hours: Sequence[float], at: float) -> float:
    low = int(at // 1)
    share = at - low
    return hours[low % len(hours)] * (1 - share) + hours[(low + 1) % len(hours)] * share

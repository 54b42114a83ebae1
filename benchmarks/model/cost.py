"""What a month of orders costs at Google Cloud, item by item, after what is free."""

from collections.abc import Mapping
from datetime import date
from math import ceil, exp
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.model.ceilings import request_s
from benchmarks.model.demand import KINDS
from benchmarks.model.parameters import Parameters
from benchmarks.model.profile import DAY_S, rates
from benchmarks.model.slice import Setup

PRICES = Path(__file__).parent / "prices.toml"
DAYS_A_MONTH = 30
_GIB = 2**30
# Pub/Sub counts at least 1,000 bytes, of a publish and of a push.
_LEAST_MESSAGE = 1000
_MESSAGE_BYTES = 1600  # assumed: an event with its attributes
# Assumed: our line, those of status changes, and Cloud Run's own, for each request.
_LOG_BYTES_A_REQUEST = 2500
# Assumed: an order, its slot and its deliveries, with their indexes; kept for a year.
_STORED_BYTES_AN_ORDER = 12_000
_KEPT_DAYS = 365
_MEMORY_GIB = 0.5
# Seconds of a tick that finds nothing due; assumed.
_EMPTY_TICK_S = 0.2
# The secrets that each new instance of the functions that need them reads.
_SECRETS = 2
# An instance lives for about so long; assumed, only for the count of starts.
_INSTANCE_LIVES_S = 1800


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A price: USD for ``per`` units, beyond ``free`` of them every day or month."""

    unit: str
    price: float
    per: float
    free: float
    free_every: Literal["day", "month"]
    checked: bool
    note: str
    url: str


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """All prices, of one date and region."""

    date: date
    region: str
    usd_to_idr: float
    items: dict[str, Item]


def load(path: Path = PRICES) -> Prices:
    """Read the prices."""
    return msgspec.toml.decode(path.read_bytes(), type=Prices)


def price(item: Item, used_a_day: float) -> float:
    """Return the USD that a day's use costs: of a month of such days, a thirtieth."""
    free_a_day = item.free if item.free_every == "day" else item.free / DAYS_A_MONTH
    return max(0.0, used_a_day - free_a_day) * item.price / item.per


def usage(
    orders_a_day: float,
    setup: Setup,
    parameters: Parameters,
) -> dict[str, float]:
    """Return what a day uses of each item, in the item's unit."""
    ticks = 2 * DAY_S / 60
    requests = sum(setup.demand.requests.values()) * orders_a_day + ticks
    billed = _billed_seconds(orders_a_day, setup, parameters)
    billed += ticks * _EMPTY_TICK_S
    seconds_of_looks = sum(
        times * request_s(name, parameters, setup.processor_s)
        for name, times in setup.demand.looks.items()
    )
    billed += orders_a_day * seconds_of_looks
    messages = setup.demand.messages * orders_a_day
    return {
        "cloud_run_cpu": billed,
        "cloud_run_memory": billed * _MEMORY_GIB,
        "cloud_run_requests": requests,
        "pubsub": messages * 2 * max(_MESSAGE_BYTES, _LEAST_MESSAGE) / _GIB,
        # A query that finds nothing is billed as one read.
        "firestore_reads": setup.demand.reads * orders_a_day + ticks,
        "firestore_writes": setup.demand.writes * orders_a_day,
        "firestore_deletes": orders_a_day,
        "firestore_storage": orders_a_day
        * _STORED_BYTES_AN_ORDER
        * _KEPT_DAYS
        / _GIB
        / DAYS_A_MONTH,
        "logging": requests * _LOG_BYTES_A_REQUEST / _GIB,
        "scheduler": 2 / DAYS_A_MONTH,
        "secret_versions": _SECRETS / DAYS_A_MONTH,
        "secret_access": _SECRETS * billed / _INSTANCE_LIVES_S,
    }


def cost_a_day(prices: Prices, used: Mapping[str, float]) -> dict[str, float]:
    """Return the USD of each item for a day of this use."""
    return {name: price(prices.items[name], amount) for name, amount in used.items()}


def active_instances(at_once: float, concurrency: int, target: float) -> float:
    """Return how many instances are billed on average, where ``at_once`` requests run on average.

    An instance is billed while it has a request. With random arrivals, one that shares them is free
    of any with chance exp(-load).
    """
    instances = max(1, ceil(at_once / (target * concurrency)))
    return instances * (1 - exp(-at_once / instances))


def _billed_seconds(
    orders_a_day: float,
    setup: Setup,
    parameters: Parameters,
) -> float:
    total = 0.0
    spread = rates(parameters.day.hours, orders_a_day)
    for function in dict.fromkeys(kind.function for kind in KINDS.values()):
        kinds = [name for name in setup.demand.requests if KINDS[name].function == function]
        an_order = sum(
            setup.demand.requests[name] * request_s(name, parameters, setup.processor_s)
            for name in kinds
        )
        busy = sum(setup.demand.requests[name] * setup.processor_s[name] for name in kinds)
        how = setup.scaling[function]
        for rate in spread:
            # Where the processor is the scarcer, it decides how many instances there are.
            at_once = rate * an_order
            by_processor = rate * busy / how.speed / how.target
            billed = active_instances(at_once, how.concurrency, how.target)
            total += max(billed, by_processor) * DAY_S / len(spread)
    return total

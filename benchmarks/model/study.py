"""From a hundred to ten million orders a day: as deployed, and with what gives out first raised."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

import msgspec

from benchmarks.model import cost
from benchmarks.model.ceilings import Resource, resources
from benchmarks.model.demand import KINDS
from benchmarks.model.parameters import Parameters
from benchmarks.model.profile import backlog, peak_rate
from benchmarks.model.service import wanted_instances
from benchmarks.model.slice import Setup, Slice, simulate

VOLUMES = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# Limits that are raised leave so much room.
_ROOM = 2.0
_UNLIMITED_INSTANCES = 100_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One volume. ``deployed`` is the peak as things are, ``raised`` with the limits lifted.

    ``queue_age_s`` is the longest wait before the first bottleneck in a day as things are; None
    where a whole day does not suffice. ``usd_per_1000`` is of each item, per 1,000 orders.
    """

    orders_a_day: int
    peak_rate: float
    bottleneck: str
    utilisation: float
    queue_age_s: float | None
    resources: list[Resource]
    deployed: Slice
    raised: Slice
    raise_to: dict[str, float]
    usd_a_day: dict[str, float]

    @property
    def usd_per_1000(self) -> float:
        """USD for a thousand orders."""
        return sum(self.usd_a_day.values()) / self.orders_a_day * 1000


def study(setup: Setup, parameters: Parameters, volumes: Sequence[int] = VOLUMES) -> Iterator[Row]:
    """Yield a row for each volume; a few seconds each."""
    prices = cost.load()
    for volume in volumes:
        yield row(setup, parameters, prices, volume)


def row(setup: Setup, parameters: Parameters, prices: cost.Prices, orders_a_day: int) -> Row:
    """Return what the model says of a volume."""
    hours = parameters.day.hours
    rate = peak_rate(hours, orders_a_day)
    found = resources(orders_a_day, setup, parameters)
    first = found[0]
    waiting = backlog(hours, orders_a_day, peak_rate(hours, first.orders_a_day))
    lifted, raise_to = raised(setup, found)
    used = cost.usage(orders_a_day, lifted, parameters)
    return Row(
        orders_a_day=orders_a_day,
        peak_rate=rate,
        bottleneck=first.name,
        utilisation=first.utilisation,
        queue_age_s=waiting.longest_wait_s if waiting.caught_up else None,
        resources=found,
        deployed=simulate(setup, rate, warm=warm(setup, found)),
        raised=simulate(lifted, rate, warm=warm(lifted, found)),
        raise_to=raise_to,
        usd_a_day=cost.cost_a_day(prices, used),
    )


def raised(setup: Setup, found: Sequence[Resource]) -> tuple[Setup, dict[str, float]]:
    """Return the setup with room in every limit, and what each full one has to be raised to."""
    raise_to = {one.name: float(ceil(one.used * _ROOM)) for one in found if one.utilisation > 1}
    generous = {name: limit * 1e6 for name, limit in setup.limits.items()}
    scaling = {
        name: msgspec.structs.replace(how, max_instances=_UNLIMITED_INSTANCES)
        if name in _SCALED
        else how
        for name, how in setup.scaling.items()
    }
    return replace(setup, limits=generous, scaling=scaling), raise_to


_SCALED = frozenset(kind.function for kind in KINDS.values())


def warm(setup: Setup, found: Sequence[Resource]) -> Mapping[str, int]:
    """Return the instances that the rush has brought about before the slice begins."""
    at_once = {one.name: one.used for one in found}
    wanted = {
        name: wanted_instances(
            setup.scaling[name],
            at_once[f"requests of {name}"],
            at_once[f"processor of {name}"],
        )
        for name in _SCALED
    }
    # A rush of some orders an hour keeps nothing warm.
    return {name: count for name, count in wanted.items() if at_once[f"requests of {name}"] > 1}

"""A slice of the day's peak, simulated at one rate: latencies, instances, queues."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import simpy

from benchmarks.model.calls import Calls, Place
from benchmarks.model.demand import KINDS, Demand
from benchmarks.model.parameters import PushRules
from benchmarks.model.pipeline import TICKS, Going, Log, Pipeline
from benchmarks.model.service import Scaling, Service
from benchmarks.spread import percentile

# Rush-hour slice; shorter where that many orders are too many, longer where they would be too few.
SLICE_S = 900.0
MOST_ORDERS = 6000
FEWEST_ORDERS = 200
_WARM_UP = 0.25


@dataclass(frozen=True, slots=True)
class Setup:
    """What is simulated. ``processor_s``: of each kind of request and of ticked work."""

    scaling: Mapping[str, Scaling]
    places: Mapping[str, Place]
    limits: Mapping[str, float]
    processor_s: Mapping[str, float]
    push: PushRules
    demand: Demand


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: the median and the 95th percentile."""

    p50: float
    p95: float
    count: int


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen. ``stages``: latency by kind of request; ``journeys``: from order or payment on.

    ``waited``: share of all waiting, by reason. ``orders_in`` came; ``orders_out`` have an invoice.
    """

    rate: float
    seconds: float
    orders_in: int
    orders_out: int
    in_flight: dict[str, int]
    stages: dict[str, Spread]
    journeys: dict[str, Spread]
    instances: dict[str, int]
    started: dict[str, int]
    oldest_message_s: float
    overdue: dict[str, int]
    refused: dict[str, int]
    waited: dict[str, float]


def seconds_for(rate: float) -> float:
    """Return how long a slice at this rate is to be."""
    return min(max(SLICE_S, FEWEST_ORDERS / rate), max(MOST_ORDERS / rate, 30.0))


def simulate(
    setup: Setup, rate: float, seed: int = 0, warm: Mapping[str, int] | None = None
) -> Slice:
    """Simulate ``rate`` orders a second; the first quarter warms up and is not counted.

    ``warm``: instances that are there already, by function, in the midst of a rush.
    """
    env, rng = simpy.Environment(), random.Random(seed)
    services = {
        name: Service(env, scaling, (warm or {}).get(name, 0))
        for name, scaling in setup.scaling.items()
    }
    calls = Calls(setup.places, setup.limits, rng)
    pipeline = Pipeline(
        env,
        services=services,
        calls=calls,
        processor_s=setup.processor_s,
        push=setup.push,
        rng=rng,
    )
    if warm:
        pipeline.open_windows()
    _start_streams(env, pipeline, setup.demand, rate, rng)
    seconds = seconds_for(rate)
    env.run(until=seconds * _WARM_UP)
    pipeline.log = _continued(pipeline.log)
    env.run(until=seconds)
    return _seen(pipeline, services, calls, rate, seconds)


def _start_streams(
    env: simpy.Environment, pipeline: Pipeline, demand: Demand, rate: float, rng: random.Random
) -> None:
    """Let orders, payments, and what falls due come as Poisson streams.

    A payment belongs to an order of some time ago, so within a slice it is a stream of its own.
    """

    def stream(times: float, act: Callable[[str], None], what: str) -> Going:
        while True:
            yield env.timeout(rng.expovariate(rate * times))
            act(what)

    env.process(stream(1.0, pipeline.publish, "create_invoice"))
    env.process(stream(demand.requests["payment_callback"], pipeline.call, "payment_callback"))
    for ticked, times in demand.looks.items():
        env.process(stream(times, pipeline.fall_due, ticked))


def _continued(before: Log) -> Log:
    """Return a log that knows what is still open, and nothing of what is done."""
    log = Log()
    log.open = before.open
    for message in before.open.values():
        log.published[message.kind] += 1
    return log


def _seen(
    pipeline: Pipeline, services: Mapping[str, Service], calls: Calls, rate: float, seconds: float
) -> Slice:
    log = pipeline.log
    waited = sum(log.waited.values()) or 1.0
    in_flight = dict.fromkeys(KINDS, 0)
    for message in log.open.values():
        in_flight[message.kind] += 1
    return Slice(
        rate=rate,
        seconds=seconds,
        orders_in=log.published["create_invoice"],
        orders_out=len(log.latency["create_invoice"]),
        in_flight=in_flight,
        stages={kind: spread(log.latency[kind]) for kind in KINDS},
        journeys={kind: spread(log.since_origin[kind]) for kind in KINDS},
        instances={name: service.most for name, service in services.items()},
        started={name: service.started for name, service in services.items()},
        oldest_message_s=log.oldest(seconds),
        overdue={function: pipeline.overdue(function) for function in TICKS},
        refused=dict(calls.refused),
        waited={reason: s / waited for reason, s in log.waited.items() if s / waited > 0.001},  # noqa: PLR2004 - a thousandth
    )


def spread(values: list[float]) -> Spread:
    """Return the median and the 95th percentile."""
    return Spread(p50=percentile(values, 0.5), p95=percentile(values, 0.95), count=len(values))

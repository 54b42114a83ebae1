import pytest
import simpy

from benchmarks.model.demand import KINDS
from benchmarks.model.pipeline import Going
from benchmarks.model.service import Scaling, Service, wanted_instances
from benchmarks.model.slice import simulate
from tests.unit.benchmarks.worlds import DEPLOYED, toy


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_orders_that_came_are_out_or_in_flight(rate: float) -> None:
    seen = simulate(DEPLOYED, rate)
    assert seen.orders_in > 0
    assert seen.orders_in == seen.orders_out + seen.in_flight["create_invoice"]


def test_nothing_is_lost_under_an_overload() -> None:
    seen = simulate(toy(limits={"xendit_create": 60}), rate=4.0)
    assert seen.refused["xendit_create"] > 0
    assert seen.in_flight["create_invoice"] > 0
    assert seen.orders_in == seen.orders_out + seen.in_flight["create_invoice"]


def test_a_request_that_waits_for_nothing_takes_as_long_as_its_calls() -> None:
    seen = simulate(toy(), rate=1.0, warm=dict.fromkeys(toy().scaling, 2))
    transport = DEPLOYED.push.transport.median
    calls = len(KINDS["create_invoice"].calls) * 0.1
    assert seen.stages["create_invoice"].p50 == pytest.approx(calls + transport, rel=0.02)


def test_little_holds_for_requests_in_an_instance() -> None:
    env = simpy.Environment()
    service = Service(env, Scaling(concurrency=100, max_instances=1), warm=1)
    seen: list[int] = []

    def request() -> Going:
        instance = yield from service.enter()
        assert instance is not None
        yield env.timeout(2.0)
        service.leave(instance)

    def arrivals() -> Going:
        while True:
            yield env.timeout(0.1)
            env.process(request())
            seen.append(service.instances[0].requests)

    env.process(arrivals())
    env.run(until=100)
    assert sum(seen[100:]) / len(seen[100:]) == pytest.approx(10.0 * 2.0, rel=0.06)


def test_an_order_limit_caps_what_comes_out() -> None:
    seen = simulate(toy(limits={"xendit_create": 60}), rate=4.0)
    assert seen.orders_out / (seen.seconds * 0.75) == pytest.approx(1.0, rel=0.15)


def test_what_waits_is_named() -> None:
    seen = simulate(toy(limits={"xendit_create": 60}), rate=4.0)
    assert seen.waited["backoff"] + seen.waited["push window"] > 0.95


def test_a_first_request_waits_for_its_instance_and_the_next_does_not() -> None:
    env = simpy.Environment()
    service = Service(env, Scaling(concurrency=1, start=3.0))
    entered: list[float] = []

    def request(at: float) -> Going:
        yield env.timeout(at)
        instance = yield from service.enter()
        assert instance is not None
        entered.append(env.now - at)
        yield env.timeout(0.5)
        service.leave(instance)

    for at in (0.0, 10.0):
        env.process(request(at))
    env.run(until=20)
    assert entered == [3.0, 0.0]
    assert service.started == 1


def test_an_idle_instance_ends_after_its_while() -> None:
    env = simpy.Environment()
    service = Service(env, Scaling(concurrency=1, idle_for=100.0), warm=2)
    env.run(until=99)
    assert len(service.instances) == 2
    env.run(until=111)
    assert service.instances == []


def test_a_request_is_refused_when_no_instance_may_be_added() -> None:
    env = simpy.Environment()
    service = Service(env, Scaling(concurrency=1, max_instances=1, start=0.1), warm=1)
    answers: list[bool] = []

    def request() -> Going:
        instance = yield from service.enter()
        answers.append(instance is not None)
        yield env.timeout(60.0)

    for _ in range(2):
        env.process(request())
    env.run(until=30)
    assert answers == [True, False]


@pytest.mark.parametrize(
    ("in_flight", "processors", "wanted"),
    [(0, 0, 0), (9.6, 0, 1), (9.7, 0, 2), (1, 1.3, 3), (999, 0, 10)],
)
def test_instances_follow_the_scarcer_of_requests_and_processor(
    in_flight: float, processors: float, wanted: int
) -> None:
    assert wanted_instances(Scaling(concurrency=16), in_flight, processors) == wanted

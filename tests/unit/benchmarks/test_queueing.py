import math
import random

import pytest
import simpy

from benchmarks.model.gates import Gate, Processor, Quota, next_window
from benchmarks.model.pipeline import Going
from tests.unit.benchmarks import queueing


def test_one_server_waits_as_often_as_it_is_busy() -> None:
    assert queueing.erlang_c(1, 0.7) == pytest.approx(0.7)


def test_erlang_c_of_a_textbook_example() -> None:
    # Ten agents, eight Erlangs: tables give 0.4092.
    assert queueing.erlang_c(10, 8.0) == pytest.approx(0.4092, abs=1e-4)


def test_an_overloaded_queue_waits_for_ever() -> None:
    assert queueing.mean_wait(2, 3.0, 1.0) == math.inf
    assert queueing.erlang_c(2, 3.0) == 1.0


def _queue(servers: int, rate: float, service: float, customers: int) -> tuple[float, float, float]:
    """Run an M/M/c queue through a gate; return mean wait, mean in system, mean time in system."""
    env, rng = simpy.Environment(), random.Random(11)
    gate = Gate(env, servers)
    waits: list[float] = []
    times: list[float] = []
    area = inside = last = 0.0

    def note(change: int) -> None:
        nonlocal area, inside, last
        area += inside * (env.now - last)
        inside, last = inside + change, env.now

    def customer() -> Going:
        note(1)
        came = env.now
        yield gate.enter()
        waits.append(env.now - came)
        yield env.timeout(rng.expovariate(1 / service))
        gate.leave()
        note(-1)
        times.append(env.now - came)

    def arrivals() -> Going:
        for _ in range(customers):
            yield env.timeout(rng.expovariate(rate))
            env.process(customer())

    env.process(arrivals())
    env.run()
    return sum(waits) / customers, area / env.now, sum(times) / customers


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 2.8), (8, 5.6)])
def test_gate_waits_as_the_formula_of_erlang_says(servers: int, load: float) -> None:
    waited, _, _ = _queue(servers, load, 1.0, 60_000)
    assert waited == pytest.approx(queueing.mean_wait(servers, load, 1.0), rel=0.1)


def test_littles_law_holds_in_the_gate() -> None:
    customers = 20_000
    _, in_system, time_in_system = _queue(3, 2.0, 1.0, customers)
    assert in_system == pytest.approx(2.0 * time_in_system, rel=0.02)


def test_room_that_is_added_lets_in_who_waits() -> None:
    env = simpy.Environment()
    gate = Gate(env, 1)
    first, second = gate.enter(), gate.enter()
    assert (first.triggered, second.triggered, gate.waiting) == (True, False, 1)
    gate.room = 2
    assert (second.triggered, gate.waiting) == (True, 0)


def test_who_is_patient_gives_way() -> None:
    gate = Gate(simpy.Environment(), 1)
    gate.enter()
    patient, other = gate.enter(patient=True), gate.enter()
    gate.leave()
    assert (patient.triggered, other.triggered) == (False, True)


def test_who_gives_up_is_not_let_in() -> None:
    env = simpy.Environment()
    gate = Gate(env, 1)
    inside, waiting = gate.enter(), gate.enter()
    assert gate.give_up(waiting)
    assert not gate.give_up(inside)
    gate.leave()
    assert (gate.inside, waiting.triggered) == (0, False)


def test_a_process_works_on_one_core_only_and_two_share_one() -> None:
    env = simpy.Environment()
    one_core = Gate(env, 1)
    ended: list[float] = []

    def work(processor: Processor) -> Going:
        yield from processor.work(1.0)
        ended.append(env.now)

    for processor in (Processor(env, one_core), Processor(env, one_core)):
        env.process(work(processor))
    env.run()
    assert ended == pytest.approx([2.0, 2.0], abs=0.01)


def test_a_slower_processor_takes_longer() -> None:
    env = simpy.Environment()
    processor = Processor(env, Gate(env, 1), speed=0.5)
    env.process(processor.work(1.0))
    env.run()
    assert env.now == pytest.approx(2.0)


def test_a_quota_says_when_its_window_ends() -> None:
    quota = Quota(limit=2, window=60.0)
    assert [quota.wait(10.0), quota.wait(20.0)] == [0.0, 0.0]
    assert quota.wait(30.0) == 40.0
    assert quota.wait(70.0) == 0.0
    assert quota.refused == 1


def test_a_push_window_doubles_when_it_was_filled_and_halves_when_refused() -> None:
    assert next_window(2, 0, refused=False, largest=8) == (2, 1)
    assert next_window(2, 1, refused=False, largest=8) == (4, 0)
    assert next_window(8, 7, refused=False, largest=8) == (8, 0)
    assert next_window(8, 3, refused=True, largest=8) == (4, 0)
    assert next_window(1, 0, refused=True, largest=8) == (1, 0)

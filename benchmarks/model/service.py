"""A Cloud Run service: instances that are started, filled, and ended as the requests need them."""

import math
from collections.abc import Generator
from typing import Any

import msgspec
import simpy

from benchmarks.model.gates import Gate, Processor


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is run. Times in seconds; ``target`` is of concurrency and of processor use."""

    concurrency: int
    min_instances: int = 0
    max_instances: int = 10
    start: float = 2.5
    idle_for: float = 900.0
    target: float = 0.6
    evaluate_every: float = 5.0
    queue_patience: float = 10.0
    speed: float = 1.0


def wanted_instances(scaling: Scaling, in_flight: float, processors: float) -> int:
    """Return how many instances the averages over a minute ask for.

    ``in_flight`` requests and ``processors`` in use, both of the whole service.
    """
    by_requests = in_flight / (scaling.target * scaling.concurrency)
    by_processor = processors / scaling.target
    wanted = math.ceil(max(by_requests, by_processor) - 1e-9)
    return min(max(wanted, scaling.min_instances), scaling.max_instances)


class Instance:
    """One instance: its own processor, and room for ``concurrency`` requests."""

    def __init__(self, env: simpy.Environment, speed: float) -> None:
        self.processor = Processor(env, Gate(env, 1), speed)
        self.requests = 0
        self.idle_since = env.now


class Service:
    """Instances and the requests that wait for them."""

    def __init__(self, env: simpy.Environment, scaling: Scaling, warm: int = 0) -> None:
        self._env = env
        self.scaling = scaling
        self.instances = [Instance(env, scaling.speed) for _ in range(warm)]
        self.starting = 0
        self.started = 0
        self.most = warm
        self._averages = _Averages(env)
        self._room = Gate(env, 0)
        self._room.room = warm * scaling.concurrency
        env.process(self._evaluate())

    @property
    def waiting(self) -> int:
        """Requests that no instance has taken."""
        return self._room.waiting

    def enter(self) -> Generator[simpy.Event, Any, Instance | None]:
        """Wait for an instance; return it, or None where Cloud Run answers 429 instead."""
        entry = self._room.enter()
        if not entry.triggered:
            self._start_for_waiting()
            patience = max(self.scaling.queue_patience, 3.5 * self.scaling.start)
            yield entry | self._env.timeout(patience)
            if not entry.triggered and self._room.give_up(entry):
                return None
        return self._assign()

    def leave(self, instance: Instance) -> None:
        """Give the place in the instance back."""
        instance.requests -= 1
        self._averages.change(-1)
        if instance.requests == 0:
            instance.idle_since = self._env.now
        self._room.leave()

    def _assign(self) -> Instance:
        # The fullest that has room, so that others can become idle.
        free = (i for i in self.instances if i.requests < self.scaling.concurrency)
        chosen = max(free, key=lambda instance: instance.requests)
        chosen.requests += 1
        self._averages.change(1)
        return chosen

    def _start_for_waiting(self) -> None:
        coming = self.starting * self.scaling.concurrency
        if self._room.waiting > coming:
            self._start(1)

    def _start(self, count: int) -> None:
        possible = self.scaling.max_instances - len(self.instances) - self.starting
        for _ in range(min(count, possible)):
            self.starting += 1
            self._env.process(self._boot())

    def _boot(self) -> Generator[simpy.Event, Any, None]:
        yield self._env.timeout(self.scaling.start)
        self.starting -= 1
        self.started += 1
        self.instances.append(Instance(self._env, self.scaling.speed))
        self.most = max(self.most, len(self.instances))
        self._room.room = len(self.instances) * self.scaling.concurrency

    def _evaluate(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self._env.timeout(self.scaling.evaluate_every)
            used = sum(instance.processor.used for instance in self.instances)
            in_flight, processors = self._averages.over_last_minute(used)
            wanted = wanted_instances(self.scaling, in_flight, processors)
            self._start(wanted - len(self.instances) - self.starting)
            self._end_idle()

    def _end_idle(self) -> None:
        if self._room.inside > sum(instance.requests for instance in self.instances):
            return  # a request is on its way into one of them at this very instant
        spare = len(self.instances) - self.scaling.min_instances
        ended_by = self._env.now - self.scaling.idle_for
        idle = [i for i in self.instances if not i.requests and i.idle_since <= ended_by]
        for instance in idle[: max(0, spare)]:
            self.instances.remove(instance)
            self._averages.forget(instance.processor.used)
        self._room.room = len(self.instances) * self.scaling.concurrency


class _Averages:
    """Averages over about a minute, smoothed exponentially, of requests and processor use."""

    _MINUTE_S = 60.0

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._requests = 0
        self._area = 0.0
        self._changed = env.now
        self._seen = env.now
        self._used = 0.0
        self._in_flight = 0.0
        self._processors = 0.0

    def change(self, by: int) -> None:
        """Note that a request began or ended."""
        self._area += self._requests * (self._env.now - self._changed)
        self._changed = self._env.now
        self._requests += by

    def forget(self, used: float) -> None:
        """Note that an instance which had used so much is gone."""
        self._used -= used

    def over_last_minute(self, used: float) -> tuple[float, float]:
        """Return mean requests in flight and processors in use; ``used`` is the sum so far."""
        self.change(0)
        passed = self._env.now - self._seen
        weight = 1 - math.exp(-passed / self._MINUTE_S)
        self._in_flight += weight * (self._area / passed - self._in_flight)
        self._processors += weight * ((used - self._used) / passed - self._processors)
        self._area, self._used, self._seen = 0.0, used, self._env.now
        return self._in_flight, self._processors

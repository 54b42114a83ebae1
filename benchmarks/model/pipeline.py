"""The pipeline on Google Cloud as a discrete-event simulation: topics, services, vendors, ticks."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Mapping
from typing import Any

import msgspec
import simpy

from benchmarks.model.calls import Calls, draw
from benchmarks.model.demand import KINDS, TICKED, Kind
from benchmarks.model.gates import Gate, next_window
from benchmarks.model.parameters import PushRules
from benchmarks.model.service import Instance, Service

Going = Generator[simpy.Event, Any, None]
TICK_EVERY_S = 60.0
# functions/reconcile_orders/use_case.py: TICK_LASTS.
TICK_LASTS_S = 40.0
# A payment whose webhook failed is found by reconcile_orders, three minutes after the invoice.
_HEALED_AFTER_S = 180.0
# deploy/messaging.py.
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 600.0
TICKS: Mapping[str, tuple[str, ...]] = {
    "send_reminder": ("remind",),
    "reconcile_orders": ("look_xendit", "look_calendar"),
}


class Message(msgspec.Struct, eq=False, kw_only=True):
    """A message on its way, or a webhook. ``done`` calls were made; before ``hold`` none is."""

    kind: str
    published: float
    origin: float
    attempt: int = 0
    done: int = 0
    hold: float = 0.0


class Log:
    """What happened, in seconds by kind.

    ``latency``: from being published to the answer, of what is done; ``since_origin``: the same
    from the order or the payment on; ``waited``: by reason.
    """

    def __init__(self) -> None:
        self.published: Counter[str] = Counter()
        self.latency: defaultdict[str, list[float]] = defaultdict(list)
        self.since_origin: defaultdict[str, list[float]] = defaultdict(list)
        self.waited: defaultdict[str, float] = defaultdict(float)
        self.deliveries: Counter[str] = Counter()
        self.open: dict[int, Message] = {}
        self.late: defaultdict[str, list[float]] = defaultdict(list)

    def oldest(self, now: float) -> float:
        """Return the age of the oldest message that waits, or has ever waited."""
        ages = [now - message.published for message in self.open.values()]
        return max((*ages, *(max(done) for done in self.latency.values() if done)), default=0.0)


class Pipeline:
    """All of it in one SimPy environment.

    ``services`` by function, ``processor_s`` of each kind of request.
    """

    def __init__(
        self,
        env: simpy.Environment,
        *,
        services: Mapping[str, Service],
        calls: Calls,
        processor_s: Mapping[str, float],
        push: PushRules,
        rng: random.Random,
    ) -> None:
        self._env = env
        self._services = services
        self._calls = calls
        self._processor_s = processor_s
        self._push = push
        self._rng = rng
        self._windows = {kind: Gate(env, push.first_window) for kind in KINDS}
        self._acks: Counter[str] = Counter()
        self._due: dict[str, deque[tuple[float, str]]] = {name: deque() for name in TICKS}
        self.log = Log()
        for function in TICKS:
            env.process(self._tick_for_ever(function))

    def publish(self, kind: str, origin: float | None = None) -> None:
        """Publish a message to a kind of request."""
        self._env.process(self._deliver(self._begin(kind, origin)))

    def call(self, kind: str) -> None:
        """Call a function as Xendit does: its webhook."""
        self._env.process(self._webhook(self._begin(kind, None)))

    def fall_due(self, ticked: str) -> None:
        """Let something fall due that a tick handles."""
        (function,) = (name for name, kinds in TICKS.items() if ticked in kinds)
        self._due[function].append((self._env.now, ticked))

    def open_windows(self) -> None:
        """Let Pub/Sub push as it does after a while of acks."""
        for gate in self._windows.values():
            gate.room = self._push.largest_window

    def _begin(self, kind: str, origin: float | None) -> Message:
        now = self._env.now
        message = Message(kind=kind, published=now, origin=now if origin is None else origin)
        self.log.published[kind] += 1
        self.log.open[id(message)] = message
        return message

    def _deliver(self, message: Message) -> Going:
        window = self._windows[message.kind]
        yield self._env.timeout(draw(self._push.transport, self._rng))
        while True:
            asked = self._env.now
            yield window.enter()
            self.log.waited["push window"] += self._env.now - asked
            acked = yield from self._serve(message)
            window.leave()
            self._adapt(message.kind, window, refused=not acked)
            if acked:
                return
            pause = self._pause(message.attempt)
            self.log.waited["backoff"] += pause
            yield self._env.timeout(pause)

    def _webhook(self, message: Message) -> Going:
        while not (yield from self._serve(message)):
            yield self._env.timeout(_HEALED_AFTER_S)

    def _pause(self, attempt: int) -> float:
        longest = min(_LONGEST_PAUSE_S, _SHORTEST_PAUSE_S * 2.0 ** min(attempt - 1, 30))
        return longest * self._rng.uniform(0.8, 1.2)

    def _adapt(self, kind: str, window: Gate, *, refused: bool) -> None:
        room, self._acks[kind] = next_window(
            window.room, self._acks[kind], refused=refused, largest=self._push.largest_window
        )
        if room != window.room:
            window.room = room

    def _serve(self, message: Message) -> Generator[simpy.Event, Any, bool]:
        kind, service = KINDS[message.kind], self._services[KINDS[message.kind].function]
        message.attempt += 1
        self.log.deliveries[message.kind] += 1
        asked = self._env.now
        instance = yield from service.enter()
        self.log.waited[f"instance of {kind.function}"] += self._env.now - asked
        if instance is None:
            return False
        done = yield from self._run(message, kind, instance)
        service.leave(instance)
        if done:
            self._finish(message, kind)
        return done

    def _run(
        self, message: Message, kind: Kind, instance: Instance
    ) -> Generator[simpy.Event, Any, bool]:
        half = self._processor_s[message.kind] / 2
        yield from instance.processor.work(half)
        if message.attempt > 1:
            yield self._env.timeout(self._calls.duration("firestore_read"))
        if self._env.now < message.hold:
            return False  # its claim says until when
        while message.done < len(kind.calls):
            place = kind.calls[message.done]
            wait = self._calls.refusal(place, self._env.now)
            if wait > 0:
                message.hold = self._env.now + wait if place.startswith("xendit") else 0.0
                return False
            yield self._env.timeout(self._calls.duration(place))
            message.done += 1
        yield from instance.processor.work(half)
        return True

    def _finish(self, message: Message, kind: Kind) -> None:
        now = self._env.now
        del self.log.open[id(message)]
        self.log.latency[message.kind].append(now - message.published)
        self.log.since_origin[message.kind].append(now - message.origin)
        for following in kind.leads_to:
            self.publish(following, message.origin)

    def _tick_for_ever(self, function: str) -> Going:
        while True:
            yield self._env.timeout(TICK_EVERY_S)
            instance = yield from self._services[function].enter()
            if instance is None:
                continue
            yield from self._tick(function, instance)
            self._services[function].leave(instance)

    def _tick(self, function: str, instance: Instance) -> Going:
        due, began = self._due[function], self._env.now
        yield self._env.timeout(self._calls.duration("firestore_read"))
        while due and self._env.now - began < TICK_LASTS_S:
            since, name = due.popleft()
            yield from instance.processor.work(self._processor_s[name])
            if name == "remind":
                self.publish("tell_reminder")
            for place in TICKED[name].calls:
                if self._calls.refusal(place, self._env.now) > 0:
                    due.append((since, name))
                    return
                yield self._env.timeout(self._calls.duration(place))
            self.log.late[function].append(self._env.now - since)

    def overdue(self, function: str) -> int:
        """Return how many wait for a tick."""
        return len(self._due[function])

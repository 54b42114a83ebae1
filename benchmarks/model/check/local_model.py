"""The same model on the local world: its dispatcher, its processes, and the cores they share."""

import math
import random
from collections.abc import Generator, Sequence
from statistics import median
from typing import Any

import msgspec
import simpy

from benchmarks.model.check.calibrate import Calibration
from benchmarks.model.check.crowd import PAY_AFTER_S, Journey
from benchmarks.model.gates import Gate, Processor
from local.dispatcher import CONCURRENCY, POLL_S
from local.world import THREADS

Going = Generator[simpy.Event, Any, None]
# Other programs' use of a core comes in bursts of about so long.
_BURST_S = 0.02
_GIVES_WAY_S = 0.001
# What follows from what; the number of mails beside it.
_SAID = {
    "create_invoice": (("send_notification", 1),),
    "payment_callback": (("create_meeting", 0), ("send_notification", 1)),
    "create_meeting": (("send_notification", 2),),
}


class Hops(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that the calibration shows beyond what the model explains, on each way."""

    order_to_invoice: float = 0.0
    payment_to_room: float = 0.0


class LocalWorld:
    """One local world in a SimPy environment."""

    def __init__(
        self, env: simpy.Environment, known: Calibration, hops: Hops, cores: int, seed: int
    ) -> None:
        self._env = env
        self._known = known
        self._hops = hops
        self._rng = random.Random(seed)
        shared = Gate(env, cores)
        self._processes = {
            name: Processor(env, shared) for name in (*known.processor_s, "vendors", "dispatcher")
        }
        self._people = Processor(env, shared)
        self._threads = {name: Gate(env, THREADS) for name in known.processor_s}
        self._windows: dict[tuple[str, int], Gate] = {}
        self.at: dict[tuple[str, int], float] = {}
        for _ in range(cores):
            env.process(self._others(shared, known.background / cores))

    def order(self, number: int) -> Going:
        """Publish an order, and pay it a while later."""
        self.at["published", number] = self._env.now
        yield from self._people.work(self._known.people_s / 2)
        yield self._env.timeout(self._hops.order_to_invoice)
        self._env.process(self._deliver("create_invoice", 0, number))
        due = self.at["published", number] + PAY_AFTER_S
        yield self._env.timeout(max(0.0, due - self._env.now))
        self.at["paid", number] = self._env.now
        yield from self._people.work(self._known.people_s / 2)
        yield self._env.timeout(self._hops.payment_to_room)
        yield from self._serve("payment_callback", 0, number)

    def _deliver(self, function: str, mails: int, number: int) -> Going:
        # send_notification has a subscription for each kind of event.
        window = self._windows.setdefault((function, mails), Gate(self._env, CONCURRENCY))
        yield self._env.timeout(self._rng.uniform(0, POLL_S))
        yield window.enter()
        yield from self._processes["dispatcher"].work(self._known.dispatcher_s / 2)
        yield from self._serve(function, mails, number)
        yield from self._processes["dispatcher"].work(self._known.dispatcher_s / 2)
        window.leave()

    def _serve(self, function: str, mails: int, number: int) -> Going:
        yield self._threads[function].enter()
        own, times = self._known.processor_s[function], max(1, mails)
        for _ in range(times):
            yield from self._processes[function].work(own / 2)
            yield from self._processes["vendors"].work(self._known.vendors_s[function])
            yield self._env.timeout(self._known.asleep_s[function])
            self.at[function, number] = self._env.now
            yield from self._processes[function].work(own / 2)
        self._threads[function].leave()
        for following, its_mails in _SAID.get(function, ()):
            self._env.process(self._deliver(following, its_mails, number))

    def _others(self, cores: Gate, share: float) -> Going:
        """Use a core as other programs do, which hold it for long.

        They give way soon to what wakes up for a moment, as Linux's scheduler has them do.
        """
        while share > 0:
            burst = self._rng.expovariate(1 / _BURST_S)
            for _ in range(math.ceil(burst / _GIVES_WAY_S)):
                yield cores.enter(patient=True)
                yield self._env.timeout(_GIVES_WAY_S)
                cores.leave()
            yield self._env.timeout(burst * max(0.0, 1 / share - 1))


def forecast(
    known: Calibration, hops: Hops, instants: Sequence[float], cores: int, seed: int = 0
) -> list[Journey]:
    """Return the journeys of orders that come at these instants."""
    env = simpy.Environment()
    local = LocalWorld(env, known, hops, cores, seed)

    def arrive() -> Going:
        for number, at in enumerate(instants):
            yield env.timeout(at - env.now)
            env.process(local.order(number))

    env.process(arrive())
    env.run(until=instants[-1] + 60)
    began = local.at["published", 0]
    return [
        Journey(
            published=local.at["published", number] - began,
            invoiced=local.at["create_invoice", number] - began,
            paid=local.at["paid", number] - began,
            scheduled=local.at["create_meeting", number] - began,
        )
        for number in range(len(instants))
    ]


def fitted_hops(known: Calibration, instants: Sequence[float], cores: int) -> Hops:
    """Return what the calibration run shows beyond the model of that very run."""
    modelled = forecast(known, Hops(), instants, cores)
    invoice = median(journey.order_to_invoice for journey in modelled)
    room = median(journey.payment_to_room for journey in modelled)
    return Hops(
        order_to_invoice=max(0.0, known.order_to_invoice_s - invoice),
        payment_to_room=max(0.0, known.payment_to_room_s - room),
    )

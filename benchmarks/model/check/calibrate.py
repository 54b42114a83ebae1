"""A short run of the local world at an easy rate, to learn what its processes take."""

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.model.check.crowd import Journey, arrivals, send
from benchmarks.model.check.processes import Usage, usage
from local import config as configuration
from local.config import WorldConfig
from local.topology import FUNCTIONS
from local.world import World, running
from shared.errors import PipelineError

# Not so seldom that every request finds its process asleep: then each takes more of the processor than
# in a busy minute, and the forecast of that has queues that are not there.
RATE, SECONDS, SEED = 4.0, 25.0, 1
_IDLE_S = 4.0
_AFTERWARDS_S = 2.0
# Xendit's limit is not what is measured here.
_UNLIMITED = 1_000_000
# Mails of a paid order, of which one each for invoice and payment, and two for the room.
MAILS = 4
Say = Callable[[str], None]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``busy_s``: processor seconds of each process that the orders caused.

    ``background``: cores that were busy with anything else. ``latency_s``: the median time of a
    request, by function, as the functions log it.
    """

    journeys: list[Journey]
    requests: dict[str, int]
    busy_s: dict[str, float]
    latency_s: dict[str, float]
    background: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt. Seconds; ``processor_s`` of a request (of a mail, of a delivery).

    ``vendors_s`` is the vendors' processor time for a request of each function, ``people_s`` what
    the crowd takes for an order.
    """

    processor_s: dict[str, float]
    vendors_s: dict[str, float]
    asleep_s: dict[str, float]
    dispatcher_s: float
    people_s: float
    order_to_invoice_s: float
    payment_to_room_s: float
    background: float

    @property
    def order_s(self) -> float:
        """Processor seconds of an order in all processes together."""
        functions = sum(self.processor_s[name] * n for name, n in AN_ORDER.items())
        return functions + self.vendors_order_s + self.dispatcher_s * DELIVERIES + self.people_s

    @property
    def vendors_order_s(self) -> float:
        """Processor seconds of an order in the vendors' one process."""
        return sum(self.vendors_s[name] * n for name, n in AN_ORDER.items())


# Requests of a paid order, but send_notification's: its are counted in mails.
AN_ORDER: Mapping[str, int] = {
    "create_invoice": 1,
    "payment_callback": 1,
    "create_meeting": 1,
    "send_notification": MAILS,
}
DELIVERIES = 5
# create_meeting looks again after so long for a room that takes 0.3 s (POLLS_S in its main.py).
_ASLEEP_S = {"create_meeting": 0.75}


@contextmanager
def world(folder: Path, say: Say) -> Iterator[World]:
    """Start a fresh world in this folder for the block."""
    shutil.rmtree(folder, ignore_errors=True)
    config = configuration.prepare(folder, "embedded", {}, rate_limit_per_minute=_UNLIMITED)
    with running(config, say) as started:
        yield started


def run(started: World, rate: float, seconds: float, seed: int) -> Run:
    """Send orders into the world, and return what was seen."""
    pids = {name: child.process.pid for name, child in started.supervisor.children.items()}
    idle = _between(usage(pids), _after(_IDLE_S, pids))
    before = usage(pids)
    journeys = send(started.config, arrivals(rate, seconds, seed), seed)
    time.sleep(_AFTERWARDS_S)
    spent = _between(before, usage(pids))
    busy = {
        name: max(0.0, s - idle.own[name] / idle.at * spent.at) for name, s in spent.own.items()
    }
    latencies = _latencies(started.config)
    return Run(
        journeys=journeys,
        requests={name: len(found) for name, found in latencies.items()},
        busy_s=busy,
        latency_s={name: median(found) for name, found in latencies.items() if found},
        background=max(0.0, (spent.machine - sum(busy.values())) / spent.at),
    )


def calibration(seen: Run) -> Calibration:
    """Derive what each request takes. Raises PipelineError where too little was seen."""
    orders = len(seen.journeys)
    missing = [name for name in AN_ORDER if not seen.requests[name]]
    if missing:
        raise PipelineError(f"no requests of {', '.join(missing)} were seen")
    processor = {name: seen.busy_s[name] / orders / n for name, n in AN_ORDER.items()}
    return Calibration(
        processor_s=processor,
        vendors_s=_vendors(seen, processor),
        asleep_s={name: _ASLEEP_S.get(name, 0.0) for name in AN_ORDER},
        dispatcher_s=seen.busy_s["dispatcher"] / orders / DELIVERIES,
        people_s=seen.busy_s["people"] / orders,
        order_to_invoice_s=median(journey.order_to_invoice for journey in seen.journeys),
        payment_to_room_s=median(journey.payment_to_room for journey in seen.journeys),
        background=seen.background,
    )


def _vendors(seen: Run, processor: Mapping[str, float]) -> dict[str, float]:
    """Share out the vendors' time by how long the functions waited for them."""
    orders = len(seen.journeys)
    mails_a_request = MAILS * orders / seen.requests["send_notification"]
    per = {name: mails_a_request if name == "send_notification" else 1.0 for name in AN_ORDER}
    waited = {
        name: max(
            0.0005,
            (seen.latency_s[name] - _ASLEEP_S.get(name, 0.0)) / per[name] - processor[name] / 2,
        )
        for name in AN_ORDER
    }
    total = sum(waited[name] * n for name, n in AN_ORDER.items())
    scale = seen.busy_s["vendors"] / orders / total
    return {name: s * scale for name, s in waited.items()}


def _after(seconds: float, pids: Mapping[str, int]) -> Usage:
    time.sleep(seconds)
    return usage(pids)


def _between(before: Usage, after: Usage) -> Usage:
    own = {name: after.own[name] - before.own[name] for name in before.own}
    return Usage(at=after.at - before.at, own=own, machine=after.machine - before.machine)


def _latencies(config: WorldConfig) -> Mapping[str, list[float]]:
    """Return the seconds of each handled request by function, from the functions' logs."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for function in FUNCTIONS:
        log = config.path / "logs" / f"{function.name}.log"
        lines = (line for line in log.read_text(errors="replace").splitlines() if "latency" in line)
        for line in lines:
            fields = msgspec.json.decode(line)
            if fields["message"] == "handled":
                found[function.name].append(fields["latency_ms"] / 1000)
    return {function.name: found[function.name] for function in FUNCTIONS}

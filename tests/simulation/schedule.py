"""Cloud Scheduler: each job once a minute, never two runs of one job; idle minutes are skipped."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.order import Order
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, Reply

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# Cloud Scheduler tries again what did not answer 2xx, where it is told to.
_AGAIN_S = 300.0


@dataclass
class Job:
    """A scheduled function. ``timer`` reads from an order when the job is next needed for it."""

    name: str
    timer: Callable[[Order], datetime | None]
    # Gets the tick's time, and what to call once the run is over.
    run: Callable[[datetime, Callable[[], None]], None]
    last: datetime | None = None
    running: bool = False

    def next_at(self, orders: Iterable[Order], now: datetime) -> datetime | None:
        """Return the first full minute at which a run would find something to do."""
        due = min((at for order in orders if (at := self.timer(order))), default=None)
        if self.running or due is None:
            return None
        at = _full_minute(max(due, now))
        return at if self.last is None or at > self.last else self.last + MINUTE


class Scheduler:
    """Ticks when an order's timer has run out."""

    def __init__(self, kernel: Kernel, weather: Weather, jobs: tuple[Job, ...]) -> None:
        self._kernel = kernel
        self._weather = weather
        self._jobs = jobs
        self._planned: datetime | None = None
        self._stale = True

    def changed(self) -> None:
        """Hear that an order was written."""
        self._stale = True

    def next_at(self, orders: Iterable[Order]) -> datetime | None:
        """Return when the next tick is."""
        if self._stale:
            now, orders = self._kernel.now, tuple(orders)
            ticks = (job.next_at(orders, now) for job in self._jobs)
            self._planned = min((at for at in ticks if at), default=None)
            self._stale = False
        return self._planned

    def tick(self, orders: Iterable[Order]) -> None:
        """Run the jobs that are due now."""
        now, orders = self._kernel.now, tuple(orders)
        for job in self._jobs:
            at = job.next_at(orders, now)
            if at is not None and at <= now:
                self._start(job, at)
        self._stale = True

    def _start(self, job: Job, at: datetime) -> None:
        job.last = at
        if self._weather.strikes(Fault.TICK_MISSED, 0.1):
            self._weather.fire(Fault.TICK_MISSED)
            return
        job.running = True

        def done() -> None:
            job.running = False
            self._stale = True

        job.run(at, done)


class Daily:
    """A job that ticks at midnight for some days, and again after a while if it failed."""

    def __init__(
        self, kernel: Kernel, weather: Weather, run: Callable[[datetime, Answer], None]
    ) -> None:
        self._kernel = kernel
        self._weather = weather
        self._run = run

    def plan(self, days: int) -> None:
        """Plan the ticks of the next days."""
        midnight = self._kernel.now.replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(1, days + 1):
            self._kernel.at(midnight + number * DAY, self._tick)

    def _tick(self) -> None:
        self._start(self._kernel.now)
        if self._weather.strikes(Fault.DUPLICATE, 0.1):
            self._weather.fire(Fault.DUPLICATE)
            self._start(self._kernel.now)

    def _start(self, at: datetime) -> None:
        def answered(reply: Reply) -> None:
            if reply is Reply.AGAIN:
                self._kernel.after(_AGAIN_S, lambda: self._start(at))

        self._run(at, answered)


def _full_minute(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + MINUTE

"""What handling an order costs a person, without and with the system: assumptions, drawn at random."""

import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import msgspec

from benchmarks.report.words import Text
from benchmarks.spread import percentile

ASSUMPTIONS = Path(__file__).parent / "assumptions.toml"
DRAWS = 20_000
_SEED = 2026


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A triangular distribution."""

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.likely <= self.high:
            raise ValueError("low, likely and high are out of order")

    def draw(self, rng: random.Random) -> float:
        """Draw a value."""
        return rng.triangular(self.low, self.high, self.likely)

    @property
    def mean(self) -> float:
        """The mean."""
        return fmean((self.low, self.likely, self.high))


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a person does ``times`` for each order."""

    name: Text
    minutes: Range
    times: int = 1


class Wait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minutes until a person sees an order, and a payment."""

    order: Range
    payment: Range


class Automatic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of orders that a person has to look at, and the minutes of each."""

    share_for_admin: Range
    minutes: Range


class Business(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the two ways cost. Hours and rupiah as the names say."""

    orders_a_month: Range
    admin_rupiah_an_hour: Range
    upkeep_hours_a_month: Range
    upkeep_rupiah_an_hour: Range
    workspace_usd_a_month: Range
    usd_to_rupiah: Range
    build_hours: Range


class Assumptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them."""

    manual: tuple[Task, ...]
    manual_wait: Wait
    automatic: Automatic
    business: Business


class Sample(msgspec.Struct, frozen=True):
    """Drawn values."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return percentile(self.values, 0.5)

    @property
    def low(self) -> float:
        """Where the interval of 95 % begins."""
        return percentile(self.values, 0.025)

    @property
    def high(self) -> float:
        """Where it ends."""
        return percentile(self.values, 0.975)


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes of a person for an order, in both ways; and what is saved."""

    manual: Sample
    automatic: Sample
    saved: Sample
    manual_wait: Sample


def load(path: Path = ASSUMPTIONS) -> Assumptions:
    """Read the assumptions."""
    return msgspec.toml.decode(path.read_bytes(), type=Assumptions)


def effort(known: Assumptions, draws: int = DRAWS, seed: int = _SEED) -> Effort:
    """Draw what an order takes in both ways. The same seed gives the same figures."""
    rng = random.Random(seed)
    manual = _sample(draws, lambda: manual_minutes(known, lambda one: one.draw(rng)))
    automatic = _sample(draws, lambda: automatic_minutes(known, lambda one: one.draw(rng)))
    waits = _sample(
        draws, lambda: known.manual_wait.order.draw(rng) + known.manual_wait.payment.draw(rng)
    )
    saved = Sample(tuple(m - a for m, a in zip(manual.values, automatic.values, strict=True)))
    return Effort(manual=manual, automatic=automatic, saved=saved, manual_wait=waits)


Pick = Callable[[Range], float]


def manual_minutes(known: Assumptions, pick: Pick) -> float:
    """Return the minutes of an order without the system."""
    return sum(task.times * pick(task.minutes) for task in known.manual)


def automatic_minutes(known: Assumptions, pick: Pick) -> float:
    """Return the minutes of an order with the system, on average over all orders."""
    return pick(known.automatic.share_for_admin) * pick(known.automatic.minutes)


def _sample(draws: int, draw: Callable[[], float]) -> Sample:
    return Sample(tuple(draw() for _ in range(draws)))

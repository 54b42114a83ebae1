"""Every port behind a proxy that gives way before and after each call, and lets calls go wrong."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.domain.schedule import DayKey
from shared.errors import NotDoneError, PermanentError, RetryableError
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Kernel, KilledError
from tests.simulation.trace import Trace

# The adapters' own limit for one call.
CALL_TIMEOUT_S = 10.0
_BEFORE = frozenset(
    {Fault.CRASH_BEFORE, Fault.ERROR, Fault.TIMEOUT, Fault.RATE_LIMIT, Fault.REFUSED}
)
_AFTER = frozenset({Fault.CRASH_AFTER, Fault.ERROR_AFTER, Fault.TIMEOUT_AFTER})
_CRASHES = frozenset({Fault.CRASH_BEFORE, Fault.CRASH_AFTER})
_TIMEOUTS = frozenset({Fault.TIMEOUT, Fault.TIMEOUT_AFTER})
_DELAYS = frozenset({Fault.STALL, Fault.CLOCK_JUMP})
# Answered from what the adapter remembers, without a call.
_LOCAL = frozenset({"budget"})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What decides how a call goes."""

    kernel: Kernel
    weather: Weather
    chance: random.Random
    trace: Trace


class Port:
    """A port as a use case sees it in this world."""

    def __init__(self, name: str, target: Any, conditions: Conditions) -> None:
        self._name = name
        self._target = target
        self._kernel = conditions.kernel
        self._weather = conditions.weather
        self._chance = conditions.chance
        self._trace = conditions.trace

    def __getattr__(self, method: str) -> Any:
        if method in _LOCAL:
            return getattr(self._target, method)
        return partial(self._call, method)

    def _call(self, method: str, *args: Any) -> Any:
        fault = self._weather.at_call(self._name, method)
        if fault is Fault.REFUSED and method == "refund" and self._target.knows(*args):
            fault = None  # what was taken once is answered the same again
        if len(args) > 1 and method == "publish" and self._weather.strikes(Fault.PARTIAL, 0.08):
            fault = Fault.PARTIAL
        self._kernel.pause(self._latency())
        try:
            if fault in _BEFORE:
                self._fail(fault, method)
            result = self._effect(fault, method, args)
            self._kernel.pause(self._latency() + self._stall(fault, method))
            if fault in _AFTER:
                self._fail(fault, method)
        except BaseException as error:
            self._trace.call(self._name, method, args, error)
            raise
        self._trace.call(self._name, method, args, result)
        return result

    def _latency(self) -> float:
        # Mostly some milliseconds, now and then seconds.
        return 2.0 * self._chance.random() ** 6

    def _stall(self, fault: Fault | None, method: str) -> float:
        if fault not in _DELAYS:
            return 0.0
        self._weather.fire(fault, self._name, method)
        seconds = self._chance.uniform(20.0, 400.0)
        if fault is Fault.CLOCK_JUMP:
            self._kernel.jump(seconds)
            return 0.0
        return seconds

    def _fail(self, fault: Fault, method: str) -> None:
        if fault in _TIMEOUTS:
            self._kernel.pause(CALL_TIMEOUT_S)
        self._weather.fire(fault, self._name, method)
        if fault in _CRASHES:
            raise KilledError(fault)
        if fault is Fault.RATE_LIMIT:
            raise NotDoneError(fault, retry_after=self._chance.choice((None, 1.0, 30.0, 60.0)))
        if fault is Fault.REFUSED:
            raise PermanentError(fault)
        raise RetryableError(fault)

    def _effect(self, fault: Fault | None, method: str, args: tuple[Any, ...]) -> Any:
        if fault is Fault.STALE:
            return self._stale(method, args)
        if fault is Fault.CONFLICT:
            return self._contended(*args)
        if fault is Fault.PARTIAL:
            self._target.publish(*args[: self._chance.randrange(1, len(args))])
            self._fail(Fault.PARTIAL, method)
        return getattr(self._target, method)(*args)

    def _stale(self, method: str, args: tuple[Any, ...]) -> Any:
        fresh = getattr(self._target, method)(*args)
        stale = getattr(self._target, f"stale_{method}")(*args, self._chance)
        if stale != fresh:
            self._weather.fire(Fault.STALE, self._name, method)
        return stale

    def _contended(self, key: str, decide: Callable[..., Any], *days: Collection[DayKey]) -> Any:
        """Let others run between the reading and the committing; refuse the commit once."""
        attempts = 0

        def conflicting(*read: Any) -> Any:
            nonlocal attempts
            attempts += 1
            decided = decide(*read)
            if attempts == 1:
                self._kernel.pause(self._latency())
                self._weather.fire(Fault.CONFLICT, self._name, "transact")
                raise _ConflictError
            return decided

        try:
            return self._target.transact(key, conflicting, *days)
        except _ConflictError:
            return self._target.transact(key, conflicting, *days)


class _ConflictError(Exception):
    """Somebody else wrote in between."""

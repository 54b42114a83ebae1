"""What processes have used of the processors, as Linux tells it in ``/proc``."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Of the fields after a process's name: user and system time, own and of children that have ended.
_OWN_AND_ENDED = slice(11, 15)
# Of /proc/stat's first line: all but idle, iowait, and the guests' that are counted under user.
_IDLE_FIELDS = frozenset({3, 4, 8, 9})


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Processor seconds until a moment (``at``, monotonic seconds), by process and of all others."""

    at: float
    own: dict[str, float]
    machine: float


def usage(pids: Mapping[str, int]) -> Usage:
    """Read what the named processes, this one (``people``), and the whole machine have used."""
    own = {name: cpu_s(pid) for name, pid in pids.items()} | {"people": time.process_time()}
    return Usage(at=time.monotonic(), own=own, machine=_machine_s())


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and all that it has started; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()[_OWN_AND_ENDED]
    return sum(map(int, fields)) / _TICKS_PER_S + sum(cpu_s(int(child)) for child in children)


def _machine_s() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(f) for n, f in enumerate(fields) if n not in _IDLE_FIELDS) / _TICKS_PER_S

"""Orders per second and latencies of the local world as it is, and of the same work on DBOS.

The systems take turns on the same simulators, and those whose turn it is not are stopped. After
them, for itself, comes the world on the official emulators.
"""

import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.pipeline.figures import BUSIEST, Runs, figures
from benchmarks.pipeline.load import Load, Run, System
from benchmarks.pipeline.orders import orders
from benchmarks.pipeline.ours import Ours, Records
from benchmarks.pipeline.peers import Peer, python
from benchmarks.pipeline.records import EmbeddedRecords, EmulatedRecords
from benchmarks.scene import CORE, set_latency
from benchmarks.scene.emulators import started_emulators
from local.config import Backend, WorldConfig, prepare
from local.lifeline import TetheredProcess
from local.ports import free_ports
from local.world import World, running

# Those that work on an order: four functions and the dispatcher.
PROCESSES = 5
_VENDOR_LATENCIES_S = (0.0, 0.2)
# Orders under way at once, and how many are played.
_LOADS = {1: 10, 8: 50, 64: 100}
# All systems are compared in BUSIEST; elsewhere ours and the peer that does the same work.
_EVERYWHERE = {"embedded", "emulator", "dbos"}
_ROUNDS = 2
_ROOM_DELAY_S = 0.0
_WARM_UP = 16


class Contender:
    """A system and the processes that are stopped while it is not its turn."""

    def __init__(self, system: System, processes: Sequence[TetheredProcess]) -> None:
        self.system = system
        self._processes = processes

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let it run for the block."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def end(self) -> None:
        """Kill its processes."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for process in self._processes:
            process.signal(number)


def run(progress: Progress) -> dict[str, Any]:
    """Return the figures of all systems; those on the emulators only where these can be started."""
    python()  # before anything runs that an installation would disturb
    with tempfile.TemporaryDirectory(prefix="pipeline-") as root:
        runs = _compared(Path(root), progress)
        with started_emulators(Path(root), progress) as emulators:
            runs |= _emulated(Path(root), emulators, progress) if emulators else {}
    return figures(runs)


# ``thorough`` does all that ours does; the plain one has the four steps alone.
_PEERS = (("dbos", True, 1), ("dbos_processes", True, PROCESSES), ("dbos_plain", False, 1))


def _compared(folder: Path, progress: Progress) -> Runs:
    config = _config(folder / "embedded", "embedded")
    with running(config, lambda _what: None) as world, ExitStack() as started:
        contenders = {"embedded": _ours(world, EmbeddedRecords(world.config))}
        started.callback(contenders["embedded"].end)
        for name, thorough, count in _PEERS:
            peer = Peer(folder, config, free_ports(count), thorough=thorough)
            contenders[name] = Contender(peer, peer.processes)
            started.callback(contenders[name].end)
        return _measured(contenders, config, progress)


def _emulated(folder: Path, emulators: dict[str, str], progress: Progress) -> Runs:
    config = _config(folder / "emulated", "emulator", emulators=emulators)
    with running(config, lambda _what: None) as world:
        contender = _ours(world, EmulatedRecords(world.config))
        return _measured({"emulator": contender}, config, progress)


def _config(folder: Path, backend: Backend, **options: Any) -> WorldConfig:
    swift = {"rate_limit_per_minute": 10**9, "room_delay_s": _ROOM_DELAY_S}
    return prepare(folder, backend, {}, replaced=CORE, **swift, **options)


def _ours(world: World, records: Records) -> Contender:
    children = world.supervisor.children.items()
    processes = [child.process for name, child in children if name != "vendors"]
    return Contender(Ours(world.config, records), processes)


def _measured(contenders: dict[str, Contender], config: WorldConfig, progress: Progress) -> Runs:
    settings = [
        (name, latency_s, at_once)
        for latency_s in _VENDOR_LATENCIES_S
        for at_once in _LOADS
        for _ in range(_ROUNDS)
        for name in contenders
        if (latency_s, at_once) == BUSIEST or name in _EVERYWHERE
    ]
    runs: Runs = {}
    for contender in contenders.values():
        with contender.turn():
            _played(contender.system, config, _WARM_UP, 8)
    for name, latency_s, at_once in progress.track(settings, description="pipeline"):
        set_latency(config, latency_s)
        with contenders[name].turn():
            played = _played(contenders[name].system, config, _LOADS[at_once], at_once)
        runs.setdefault((name, latency_s, at_once), []).append(played)
    return runs


def _played(system: System, config: WorldConfig, count: int, at_once: int) -> Run:
    load = Load(system, config.url("xendit"), config.url("google"))
    return load.run(orders(count), at_once)

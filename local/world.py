"""A whole local world: functions, dispatcher or emulators, simulators, scheduler and shop."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import msgspec

from local.config import HOST, WorldConfig
from local.emulators import Emulators
from local.ports import is_free
from local.processes import Supervisor
from local.pubsub_topology import Redelivery, create_topics_and_subscriptions
from local.staging import ROOT, stage
from local.topology import FUNCTIONS
from shared.errors import PipelineError

_READY_TIMEOUT_S = 60.0
# How long a world that was killed just now may need to go.
_PORTS_TIMEOUT_S = 3.0
_POLL_S = 0.05
# Requests that one function process works on at a time. In production there are 16, and more
# instances as they are needed; here is one.
THREADS = 32
# What a process gets of the environment that the world was started in, beside its settings.
_PASSED_ON = ("PATH", "HOME", "LANG", "TRACES", "OTEL_EXPORTER_OTLP_ENDPOINT")


class WorldError(PipelineError):
    """The local world could not be started; the message names the process and its log."""


class World:
    """The processes of one world, from start to stop."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        self.supervisor = Supervisor(config.path / "logs")
        self._emulators: Emulators | None = None

    def start(self, progress: Callable[[str], None] = lambda _what: None) -> None:
        """Start everything and return when all of it answers. Raises WorldError."""
        await_ports(self.config)
        if self.config.backend == "emulator":
            progress("starting the Firestore and Pub/Sub emulators")
            self._start_emulators()
        self.config.write()
        progress("staging and starting the functions")
        self._start_helpers()
        for function in FUNCTIONS:
            folder = stage(function.name, self.config.path / "staged" / function.name)
            self._start_function(function.name, folder)
        progress("waiting until everything answers")
        self._await_ready()

    def heal(self) -> list[str]:
        """Restart what has died; return the names."""
        return self.supervisor.heal()

    def stop(self) -> None:
        """Stop everything."""
        self.supervisor.stop()
        if self._emulators is not None:
            self._emulators.stop()

    def _start_emulators(self) -> None:
        self._emulators = Emulators(self.config.path / "logs", self.config.project)
        self._emulators.start()
        self.config = msgspec.structs.replace(self.config, emulators=self._emulators.environment)
        endpoints = {
            name: (topic, self.config.push_url(function.name))
            for function in FUNCTIONS
            for name, topic in function.subscriptions().items()
        }
        create_topics_and_subscriptions(
            self.config.project, endpoints, Redelivery(max_attempts=self.config.max_attempts)
        )

    def _start_helpers(self) -> None:
        names = ["vendors", "world"]
        if self.config.backend == "embedded":
            names.append("dispatcher")
        if self.config.disturbance is not None:
            names.append("postman")
        for name in names:
            command = [sys.executable, "-m", "local.process", name, self.config.folder]
            self.supervisor.start(name, command, _environment(self.config.emulators), ROOT)

    def _start_function(self, name: str, folder: Path) -> None:
        command = [
            str(Path(sys.executable).parent / "functions-framework"),
            f"--target={name}",
            "--source=main.py",
            f"--host={HOST}",
            f"--port={self.config.ports[name]}",
        ]
        settings = self.config.function_settings() | {"THREADS": str(THREADS)}
        self.supervisor.start(name, command, _environment(settings), folder)

    def _await_ready(self) -> None:
        servers = set(self.config.ports)
        if self.config.disturbance is None:
            servers.remove("postman")
        waiting = {self.config.url(name): name for name in servers}
        deadline = time.monotonic() + _READY_TIMEOUT_S
        with httpx.Client(timeout=1.0, trust_env=False) as client:
            while waiting:
                for url in [url for url in waiting if _answers(client, url)]:
                    del waiting[url]
                self._check_alive()
                if time.monotonic() > deadline:
                    raise WorldError(f"not ready: {', '.join(waiting.values())}; see {self._logs}")
                time.sleep(_POLL_S)

    def _check_alive(self) -> None:
        for child in self.supervisor.children.values():
            if not child.process.running:
                tail = child.log.read_text(errors="replace")[-2000:]
                raise WorldError(f"{child.name} did not start:\n{tail}")

    @property
    def _logs(self) -> Path:
        return self.config.path / "logs"


def await_ports(config: WorldConfig) -> None:
    """Return once nobody listens on the world's ports. Raises WorldError if somebody goes on."""
    deadline = time.monotonic() + _PORTS_TIMEOUT_S
    while taken := [f"{port} ({name})" for name, port in config.ports.items() if not is_free(port)]:
        if time.monotonic() > deadline:
            more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            raise WorldError(
                f"in use by another process: port {taken[0]}{more}. If it is a world in"
                f" {config.folder}, stop it first; removing that folder makes it choose other ports"
            )
        time.sleep(_POLL_S)


@contextlib.contextmanager
def running(config: WorldConfig, progress: Callable[[str], None]) -> Iterator[World]:
    """Run a world for the block; whatever happens, nothing of it is left."""
    world = World(config)
    try:
        world.start(progress)
        yield world
    finally:
        world.stop()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(settings)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        client.get(url)
    except httpx.HTTPError:
        return False
    return True

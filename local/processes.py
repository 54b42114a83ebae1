"""Child processes: started together, restarted when one dies, and never left behind."""

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.lifeline import TetheredProcess

_STOP_PATIENCE_S = 5.0
_POLL_S = 0.02
# A process that dies at once would be restarted in a tight loop.
_RESTART_PAUSE_S = 0.5


@dataclass
class Child:
    """One supervised command. ``restarts`` counts how often it had to be started again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: TetheredProcess
    started_at: float
    restarts: int = 0


class Supervisor:
    """Starts children, restarts the ones that die, stops all of them."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self.children: dict[str, Child] = {}

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        """Start a child; what it prints goes to ``NAME.log``."""
        self._log_folder.mkdir(parents=True, exist_ok=True)
        log = self._log_folder / f"{name}.log"
        process = TetheredProcess(command, log, environment, folder)
        self.children[name] = Child(
            name, command, environment, folder, log, process, time.monotonic()
        )

    def heal(self) -> list[str]:
        """Restart what has died; return the names."""
        now = time.monotonic()
        died = [
            child
            for child in self.children.values()
            if not child.process.running and now - child.started_at > _RESTART_PAUSE_S
        ]
        for child in died:
            child.process.end()  # what it may have left in its group
            child.process = TetheredProcess(
                child.command, child.log, child.environment, child.folder
            )
            child.started_at = now
            child.restarts += 1
        return [child.name for child in died]

    def stop(self) -> None:
        """Stop all children, by force where they do not listen."""
        processes = [child.process for child in self.children.values()]
        for process in processes:
            process.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_PATIENCE_S
        while any(process.running for process in processes) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        for process in processes:
            process.end()
        self.children.clear()

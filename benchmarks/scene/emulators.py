"""The official emulators, for what is measured with production's clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import Progress

from local.emulators import Emulators, EmulatorsUnavailableError


@contextmanager
def started_emulators(root: Path, progress: Progress) -> Iterator[dict[str, str]]:
    """Start the emulators, and yield the variables that name them: none where there are none."""
    emulators = Emulators(root / "emulators")
    try:
        emulators.start()
    except EmulatorsUnavailableError as error:
        progress.console.print(f"Nothing is measured with production's clients: {error}")
        yield {}
        return
    with emulators:
        yield emulators.environment

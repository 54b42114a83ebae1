"""The official emulators, for what is measured with production's clients."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from google.pubsub_v1 import PublisherClient
from rich.progress import Progress

from benchmarks.scene.world import World
from local.config import prepare
from local.emulators import Emulators, EmulatorsUnavailableError
from shared.adapters.pubsub import PubSubPublisher
from shared.domain.events import MeetingScheduled
from shared.domain.facts import facts

# After so many calls Java has compiled what is called again and again: a commit that took 16 ms
# takes 5. Firestore and Pub/Sub have not been started just now, either.
_WARM_UP = 400


@contextmanager
def started_emulators(root: Path, progress: Progress) -> Iterator[dict[str, str]]:
    """Start and warm up the emulators, and yield the variables that name them.

    There are none where the emulators cannot be started, which is said.
    """
    emulators = Emulators(root / "emulators")
    try:
        emulators.start()
    except EmulatorsUnavailableError as error:
        progress.console.print(f"Nothing is measured with production's clients: {error}")
        yield {}
        return
    with emulators:
        _warm_up(root / "warm-up", progress)
        yield emulators.environment


def _warm_up(folder: Path, progress: Progress) -> None:
    """Call what the functions call, in a project of its own."""
    config = prepare(folder, "emulator", {})
    with closing(World(config)) as world, PublisherClient() as client:
        publisher = PubSubPublisher(client, config.project, config.clock)
        for _ in progress.track(range(_WARM_UP), description="warming up the emulators"):
            order = world.put(world.scheduled(), booked=True)
            world.orders.get(order.id)
            world.orders.due_for_reminder(world.now(), 1)
            publisher.publish(*facts(order, MeetingScheduled))

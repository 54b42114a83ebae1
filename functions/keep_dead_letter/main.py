"""The door of keep_dead_letter: Pub/Sub, the dead-letter topic of every subscription."""

from functools import cache

from functions.keep_dead_letter.use_case import KeepDeadLetter
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.messages import PushedMessage

wiring = Wiring()


@cache
def _step() -> KeepDeadLetter:
    step = KeepDeadLetter(
        rejected=wiring.rejected, orders=wiring.orders, events=wiring.events, clock=wiring.clock
    )
    wiring.load_ahead(step.rejected, step.orders, step.events)
    return step


@entrypoint.pubsub_message(wiring)
def keep_dead_letter(message: PushedMessage) -> None:
    """Keep a dead letter."""
    _step()(message)

"""The embedded backend's Pub/Sub: pushes queued messages over HTTP, with its rules.

Acks on the statuses that Pub/Sub acks on, backs off exponentially per message, and makes a dead
letter of what was refused too often.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from local.connections import BRIEF
from local.topology import DEAD_LETTER_SUFFIX
from shared import messages
from shared.adapters.sqlite_queue import QueuedMessage, SqliteQueue
from shared.ports import Clock

# https://cloud.google.com/pubsub/docs/push: every other status is a nack.
ACKS = frozenset({102, 200, 201, 202, 204})
# How often the queue is looked at, in seconds, and how many messages of a subscription are out at once.
POLL_S = 0.01
CONCURRENCY = 32

log = logging.getLogger("dispatcher")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a subscription retries. Times are in seconds; attempts end in the dead letters."""

    min_backoff_s: float = 0.2
    max_backoff_s: float = 10.0
    max_attempts: int = 100
    ack_deadline_s: float = 60.0

    @property
    def ack_deadline(self) -> timedelta:
        """How long a delivery may take before the message counts as refused."""
        return timedelta(seconds=self.ack_deadline_s)

    def backoff_s(self, attempt: int, chance: float) -> float:
        """Return the wait after this attempt; ``chance`` in 0..1 spreads it over its half."""
        ceiling = min(self.max_backoff_s, self.min_backoff_s * 2.0 ** min(attempt - 1, 30))
        return ceiling * (0.5 + chance / 2)


class Dispatcher:
    """Delivers what is due, at most ``concurrency`` messages of a subscription at a time."""

    def __init__(
        self,
        queue: SqliteQueue,
        endpoints: Mapping[str, str],
        clock: Clock,
        policy: RetryPolicy,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._queue = queue
        self._endpoints = endpoints
        self._clock = clock
        self._policy = policy
        self._concurrency = concurrency
        self._running: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random()

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._queue.release_leases(self._clock.now())
        async with httpx.AsyncClient(
            limits=BRIEF, timeout=self._policy.ack_deadline_s, trust_env=False
        ) as client:
            while True:
                if not self._deliver_due(client):
                    await asyncio.sleep(POLL_S)
                await asyncio.sleep(0)

    def _deliver_due(self, client: httpx.AsyncClient) -> int:
        free = [s for s in self._endpoints if self._running[s] < self._concurrency]
        leased = self._queue.lease(
            self._clock.now(),
            self._policy.ack_deadline,
            {s: self._concurrency - self._running[s] for s in free},
        )
        for message in leased:
            self._running[message.subscription] += 1
            task = asyncio.create_task(self._deliver(client, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(leased)

    async def _deliver(self, client: httpx.AsyncClient, message: QueuedMessage) -> None:
        try:
            reason = await self._push(client, message)
            if reason is None:
                self._queue.ack(message)
            elif message.attempt >= self._policy.max_attempts and not _is_dead_letter(message):
                log.warning("gave up %s: %s", message.subscription, reason)
                self._queue.bury(
                    message, f"{message.subscription}{DEAD_LETTER_SUFFIX}", self._clock.now()
                )
            else:
                wait = self._policy.backoff_s(message.attempt, self._random.random())
                self._queue.retry(message, self._clock.now() + timedelta(seconds=wait))
        finally:
            self._running[message.subscription] -= 1

    async def _push(self, client: httpx.AsyncClient, message: QueuedMessage) -> str | None:
        """Push once; return why it was refused, or None if it was acked."""
        body = messages.push_body(
            str(message.id),
            message.data,
            message.attributes,
            published_at=message.published_at,
            subscription=f"projects/local/subscriptions/{message.subscription}",
            attempt=message.attempt,
        )
        try:
            answer = await client.post(self._endpoints[message.subscription], json=body)
        except httpx.HTTPError as error:
            return type(error).__name__
        return None if answer.status_code in ACKS else f"{answer.status_code} {answer.text[:200]}"


def _is_dead_letter(message: QueuedMessage) -> bool:
    return message.topic.endswith(DEAD_LETTER_SUFFIX)  # there is nowhere further down


def open_queue(data_dir: Path, subscriptions: Mapping[str, str]) -> SqliteQueue:
    """Open the queue and create the subscriptions (name to topic)."""
    queue = SqliteQueue(data_dir / "queue.db")
    for name, topic in subscriptions.items():
        queue.subscribe(name, topic)
    return queue

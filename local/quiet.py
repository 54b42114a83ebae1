"""Knowing when a local world has nothing under way, and when something will happen by itself."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

_POLL_S = 0.02
_PATIENCE_S = 300.0


class Quiet:
    """Asks the simulators and, where it can be asked, the queue.

    ``queue_busy`` is None on the Pub/Sub emulator, which cannot be asked; there the world counts
    as quiet when nothing in it has changed for ``still_s`` seconds.
    """

    def __init__(
        self,
        xendit: str,
        google: str,
        postman: str | None,
        queue_busy: Callable[[], bool] | None,
        still_s: float = 0.6,
    ) -> None:
        self._xendit = xendit
        self._google = google
        self._postman = postman
        self._queue_busy = queue_busy
        self._still_s = still_s
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def busy(self) -> bool:
        """Whether something is under way that can be seen."""
        if self._queue_busy is not None and self._queue_busy():
            return True
        if self._postman is not None and await self._deliveries():
            return True
        xendit, google = await self._pending()
        waits = xendit["due"] or google["pending_rooms"]
        return bool(waits or xendit["in_flight"] or google["in_flight"])

    async def next_event(self, now: datetime) -> datetime | None:
        """Return when a simulator will next do something by itself, after ``now``."""
        told = (await self._pending())[0]["next_at"]
        if told is None:
            return None
        return max(datetime.fromisoformat(told), now + timedelta(milliseconds=1))

    async def wait(self) -> None:
        """Wait until the world is quiet. Raises TimeoutError when it does not become so."""
        async with asyncio.timeout(_PATIENCE_S):
            if self._queue_busy is None:
                await self._wait_until_still()
            while await self.busy():  # noqa: ASYNC110 - other processes do the work
                await asyncio.sleep(_POLL_S)

    async def _wait_until_still(self) -> None:
        loop = asyncio.get_running_loop()
        seen, since = await self._snapshot(), loop.time()
        while loop.time() - since < self._still_s:
            await asyncio.sleep(_POLL_S * 2)
            now = await self._snapshot()
            if now != seen:
                seen, since = now, loop.time()

    async def _snapshot(self) -> Any:
        counts = await self._client.get(f"{self._google}/_admin/counts")
        return counts.json(), await self._pending()

    async def _deliveries(self) -> int:
        answer = await self._client.get(f"{self._postman}/_admin/pending")
        return int(answer.json()["under_way"])

    async def _pending(self) -> tuple[dict[str, Any], dict[str, Any]]:
        xendit = await self._client.get(f"{self._xendit}/_admin/pending")
        google = await self._client.get(f"{self._google}/_admin/pending")
        return xendit.json(), google.json()

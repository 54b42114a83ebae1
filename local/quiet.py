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
        whatsapp: str,
        *,
        postman: str | None,
        queue_busy: Callable[[], bool] | None,
        still_s: float = 0.6,
    ) -> None:
        self._xendit = xendit
        self._google = google
        self._whatsapp = whatsapp
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
        xendit, google, whatsapp = await self._pending()
        waits = xendit["due"] or google["pending_rooms"] or whatsapp["due"]
        return bool(waits or any(told["in_flight"] for told in (xendit, google, whatsapp)))

    async def next_event(self, now: datetime) -> datetime | None:
        """Return when a simulator will next do something by itself, after ``now``."""
        told = [pending.get("next_at") for pending in await self._pending()]
        coming = [datetime.fromisoformat(at) for at in told if at is not None]
        return max(min(coming), now + timedelta(milliseconds=1)) if coming else None

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
        vendors = (self._google, self._whatsapp)
        counts = [await self._client.get(f"{vendor}/_admin/counts") for vendor in vendors]
        return [count.json() for count in counts], await self._pending()

    async def _deliveries(self) -> int:
        answer = await self._client.get(f"{self._postman}/_admin/pending")
        return int(answer.json()["under_way"])

    async def _pending(self) -> list[dict[str, Any]]:
        vendors = (self._xendit, self._google, self._whatsapp)
        told = [await self._client.get(f"{vendor}/_admin/pending") for vendor in vendors]
        return [answer.json() for answer in told]

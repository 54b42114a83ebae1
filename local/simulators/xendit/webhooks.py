"""The delivery of webhooks."""

import asyncio
from typing import Final

import httpx

from local.simulators.xendit.webhook_queue import DeliveryError, Webhook, WebhookQueue

AT_ONCE: Final = 16


class Courier:
    """Sends what is due, at most ``AT_ONCE`` webhooks at the same time."""

    def __init__(
        self, queue: WebhookQueue, client: httpx.AsyncClient, callback_url: str, callback_token: str
    ) -> None:
        self._queue = queue
        self._client = client
        self._url = callback_url
        self._headers = {"x-callback-token": callback_token}
        self._tasks: set[asyncio.Task[None]] = set()

    def send_due(self) -> None:
        """Start to send what is due, as far as there is room."""
        for webhook in self._queue.take_due(AT_ONCE - len(self._tasks)):
            task = asyncio.create_task(self._send(webhook))
            self._tasks.add(task)
            task.add_done_callback(self._sent)

    async def stop(self) -> None:
        """Break off what is on its way; it stays due, so the next start sends it again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.remove_done_callback(self._sent)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()
            self.send_due()

    async def _send(self, webhook: Webhook) -> None:
        status: int | None = None
        error: DeliveryError | None = None
        try:
            answer = await self._client.post(self._url, json=webhook.body, headers=self._headers)
            status = answer.status_code
        except httpx.TimeoutException:
            error = "timeout"
        except httpx.TransportError:
            error = "no_connection"
        self._queue.note(webhook, status, error)

"""The delivery of webhooks, each signed with the app's secret."""

import asyncio
import hashlib
import hmac
from typing import Final

import httpx

from local.simulators.whatsapp.progress import Progress, Webhook

AT_ONCE: Final = 8


class Courier:
    """Sends what is due, at most ``AT_ONCE`` webhooks at the same time."""

    def __init__(
        self, progress: Progress, client: httpx.AsyncClient, callback_url: str, app_secret: str
    ) -> None:
        self._progress = progress
        self._client = client
        self._url = callback_url
        self._secret = app_secret.encode()
        self._tasks: set[asyncio.Task[None]] = set()

    def send_due(self) -> None:
        """Start to send what is due, as far as there is room."""
        for webhook in self._progress.take_due(AT_ONCE - len(self._tasks)):
            task = asyncio.create_task(self._send(webhook))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Break off what is on its way; it stays due, so the next start sends it again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, webhook: Webhook) -> None:
        body = webhook.body.encode()
        digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.TransportError:  # timeouts among them
            self._progress.note(webhook, None)
        else:
            self._progress.note(webhook, answer.status_code)

"""Server-Sent Events: what a page shows, sent again whenever it has changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

POLL_S = 0.3
_RETRY_MS = 1000


def event_stream(look: Callable[[], Mapping[str, str]]) -> StreamingResponse:
    """Return a stream of what ``look`` returns, a part at a time: first all, then what changed.

    ``look`` maps names of events to their texts and runs in a thread. The stream ends when the
    reader goes away.
    """
    headers = {"cache-control": "no-store"}
    return StreamingResponse(_changes(look), media_type="text/event-stream", headers=headers)


async def _changes(look: Callable[[], Mapping[str, str]]) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MS}\n\n"
    sent: Mapping[str, str] = {}
    while True:
        seen = await run_in_threadpool(look)
        for name, text in seen.items():
            if sent.get(name) != text:
                yield _event(name, text)
        sent = seen
        await asyncio.sleep(POLL_S)


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"

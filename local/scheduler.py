"""The local Cloud Scheduler, which can also move the world's time forward.

Fires each job at its cron times with the header that names the scheduled time; runs of one job
never overlap. Moving time forward goes in hops, and after a hop that caused something the world
is given time to finish it, so that nothing happens in the wrong order.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from croniter import croniter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.connections import BRIEF
from local.quiet import Quiet
from shared.adapters.clock import OffsetClock

HEADER = "X-CloudScheduler-ScheduleTime"
_POLL_S = 0.2
_JOB_TIMEOUT_S = 60.0
# As Cloud Scheduler does with --max-retry-attempts.
_RETRY_PAUSES_S = (0.5, 1.0, 2.0)
# The longest hop while time is moved forward: how late a tick can be then.
_HOP = timedelta(minutes=5)

log = logging.getLogger("scheduler")


@dataclass
class Job:
    """A function that is called on a schedule. ``next_at`` is None before the first look."""

    name: str
    schedule: str
    url: str
    next_at: datetime | None = None

    def scheduled_at(self, now: datetime) -> datetime | None:
        """Return the latest scheduled time that has come and was not fired, or None."""
        if self.next_at is None:
            self.next_at = croniter(self.schedule, now).get_next(datetime)
        if now < self.next_at:
            return None
        just_after = now + timedelta(microseconds=1)
        latest: datetime = croniter(self.schedule, just_after).get_prev(datetime)
        self.next_at = croniter(self.schedule, now).get_next(datetime)
        return latest


class Scheduler:
    """Fires the jobs, and moves the world's clock."""

    def __init__(self, jobs: list[Job], clock: OffsetClock, quiet: Quiet) -> None:
        self._jobs = jobs
        self._clock = clock
        self._quiet = quiet
        self._turn = asyncio.Lock()
        self._client = httpx.AsyncClient(timeout=_JOB_TIMEOUT_S, limits=BRIEF, trust_env=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fire jobs in real time while the block lasts."""
        loop = asyncio.create_task(self._run())
        try:
            yield
        finally:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop
            await self._client.aclose()
            await self._quiet.aclose()

    async def advance(self, to: datetime) -> datetime:
        """Move the world's time forward to an instant, in hops; return the new now."""
        async with self._turn:
            await self._settle()
            while (now := self._clock.now()) < to:
                hop = min(to, _next_on_grid(now), await self._quiet.next_event(now) or to)
                self._clock.advance(max(0.0, (hop - now).total_seconds()))
                if await self._fire_due() or await self._quiet.busy():
                    await self._settle()
        return self._clock.now()

    async def run_job(self, name: str) -> int:
        """Run one job now; return its HTTP status."""
        job = next(job for job in self._jobs if job.name == name)
        async with self._turn:
            answer = await self._fire(job, self._clock.now())
        return answer.status_code if answer else 502

    async def settle(self) -> None:
        """Wait until nothing is under way in the world."""
        async with self._turn:
            await self._settle()

    async def _settle(self) -> None:
        await self._quiet.wait()

    async def _run(self) -> None:
        while True:
            async with self._turn:
                await self._fire_due()
            await asyncio.sleep(_POLL_S)

    async def _fire_due(self) -> bool:
        """Fire what is due; return whether a job found anything to do."""
        found = False
        for job in self._jobs:
            scheduled_at = job.scheduled_at(self._clock.now())
            if scheduled_at is not None:
                answer = await self._fire_until_done(job, scheduled_at)
                found |= answer is None or not answer.is_success or bool(answer.json()["due"])
        return found

    async def _fire_until_done(self, job: Job, scheduled_at: datetime) -> httpx.Response | None:
        for pause_s in _RETRY_PAUSES_S:
            answer = await self._fire(job, scheduled_at)
            if answer is not None and answer.is_success:
                return answer
            await asyncio.sleep(pause_s)
        return await self._fire(job, scheduled_at)

    async def _fire(self, job: Job, scheduled_at: datetime) -> httpx.Response | None:
        stamp = scheduled_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        try:
            return await self._client.post(job.url, headers={HEADER: stamp})
        except httpx.HTTPError as error:
            log.warning("%s did not answer: %s", job.name, type(error).__name__)
            return None


def create_app(scheduler: Scheduler, clock: OffsetClock) -> Starlette:
    """Serve ``POST /advance`` ({"seconds"} or {"until"}), ``POST /settle``, ``POST /jobs/NAME``."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with scheduler.running():
            yield

    async def advance(request: Request) -> Response:
        asked = await request.json()
        if "until" in asked:
            to = datetime.fromisoformat(asked["until"])
        else:
            to = clock.now() + timedelta(seconds=float(asked["seconds"]))
        return JSONResponse({"now": (await scheduler.advance(to)).isoformat()})

    async def settle(_request: Request) -> Response:
        await scheduler.settle()
        return JSONResponse({"now": clock.now().isoformat()})

    async def run_job(request: Request) -> Response:
        status = await scheduler.run_job(request.path_params["name"])
        return JSONResponse({"status": status})

    async def now(_request: Request) -> Response:
        return JSONResponse({"now": clock.now().isoformat()})

    return Starlette(
        routes=[
            Route("/", now),
            Route("/advance", advance, methods=["POST"]),
            Route("/settle", settle, methods=["POST"]),
            Route("/jobs/{name}", run_job, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def _next_on_grid(now: datetime) -> datetime:
    hop = _HOP.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // hop + 1) * hop, UTC)

"""The local scheduler fires at cron times, and moves the world's time without skipping anything."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.quiet import Quiet
from local.scheduler import HEADER, Job, Scheduler
from shared.adapters.clock import OffsetClock
from tests.vendors import served

MINUTE = timedelta(minutes=1)


class World:
    """A function that is ticked, and the two simulators as far as the scheduler asks them."""

    def __init__(self, clock: OffsetClock) -> None:
        self.clock = clock
        self.ticks: list[tuple[datetime, datetime]] = []
        self.looks: list[datetime] = []
        self.due = 0
        self.next_at: datetime | None = None
        self.statuses: list[int] = []

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/tick", self._tick, methods=["POST"]),
                Route("/_admin/pending", self._pending),
            ]
        )

    async def _tick(self, request: Request) -> Response:
        scheduled_at = datetime.fromisoformat(request.headers[HEADER])
        self.ticks.append((scheduled_at, self.clock.now()))
        return JSONResponse({"due": self.due}, self.statuses.pop(0) if self.statuses else 200)

    async def _pending(self, _request: Request) -> Response:
        self.looks.append(self.clock.now())
        coming = self.next_at if self.next_at and self.next_at > self.clock.now() else None
        return JSONResponse(
            {
                "due": 0,
                "in_flight": 0,
                "pending_rooms": 0,
                "next_at": coming.isoformat() if coming else None,
            }
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(OffsetClock(tmp_path / "clock.json"))


def _run(world: World, use: Callable[[Scheduler], Awaitable[Any]], cron: str = "* * * * *") -> Any:
    async def run(base: str) -> Any:
        quiet = Quiet(base, base, base, postman=None, queue_busy=lambda: False)
        scheduler = Scheduler([Job("tick", cron, f"{base}/tick")], world.clock, quiet)
        async with scheduler.running():
            await asyncio.sleep(0.05)  # the first look, which sets when the job is next due
            return await use(scheduler)

    with served(world.app()) as base:
        return asyncio.run(run(base))


def test_moving_time_forward_ticks_in_hops_of_five_minutes_at_most(world: World) -> None:
    start = world.clock.now()
    target = start + timedelta(hours=1)
    _run(world, lambda scheduler: scheduler.advance(target))
    assert world.clock.now() >= target
    seen = [at for _, at in world.ticks]
    assert 12 <= len(seen) <= 14
    gaps = [later - earlier for earlier, later in zip([start, *seen], seen, strict=False)]
    assert max(gaps) <= timedelta(minutes=6)


def test_the_header_names_the_scheduled_minute_not_the_moment(world: World) -> None:
    _run(world, lambda scheduler: scheduler.advance(world.clock.now() + 10 * MINUTE))
    for scheduled_at, at in world.ticks:
        assert scheduled_at.second == scheduled_at.microsecond == 0
        assert timedelta() <= at - scheduled_at < MINUTE


def test_a_moment_that_a_simulator_names_is_not_jumped_over(world: World) -> None:
    start = world.clock.now()
    world.next_at = (start + 3 * MINUTE).replace(microsecond=0)
    _run(world, lambda scheduler: scheduler.advance(start + 4 * MINUTE))
    assert any(abs(at - world.next_at) < timedelta(seconds=1) for at in world.looks)


def test_missed_minutes_are_one_tick(world: World) -> None:
    now = datetime(2026, 12, 1, 12, 0, 30, tzinfo=UTC)
    job = Job("tick", "* * * * *", "http://nowhere")
    assert job.scheduled_at(now) is None
    much_later = now + timedelta(hours=3)
    assert job.scheduled_at(much_later) == much_later.replace(second=0)
    assert job.scheduled_at(much_later) is None


def test_a_minute_is_due_at_its_very_instant() -> None:
    now = datetime(2026, 12, 1, 12, 0, 30, tzinfo=UTC)
    job = Job("tick", "* * * * *", "http://nowhere")
    job.scheduled_at(now)
    on_the_minute = datetime(2026, 12, 1, 12, 1, tzinfo=UTC)
    assert job.scheduled_at(on_the_minute) == on_the_minute


def test_time_never_goes_back(world: World) -> None:
    with pytest.raises(ValueError, match="forward"):
        world.clock.advance(-1)


def test_a_tick_that_fails_is_tried_again(world: World) -> None:
    world.statuses = [500, 503]
    _run(world, lambda scheduler: scheduler.advance(world.clock.now() + MINUTE))
    assert world.ticks[0][0] == world.ticks[1][0] == world.ticks[2][0]

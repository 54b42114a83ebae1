import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import httpx
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette

from local.shop.app import create_app
from local.shop.forms import defaults
from local.shop.mentors import MENTORS
from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.order import Change, Order
from shared.domain.schedule import Days
from shared.errors import RetryableError
from shared.ports import Clock
from tests.builders import (
    NOW,
    invoiced_order,
    mentee,
    order,
    rejected_message,
    scheduled_order,
)
from tests.fakes import FakeClock, FakeOrderStore, FakeRejectedStore

pytestmark = pytest.mark.anyio

LINKS = {
    "mailbox": "http://mail.example/mailbox",
    "xendit": "http://xendit.example/",
    "calendar": "http://mail.example/calendar",
    "scheduler": "http://scheduler.example/",
}
ORDER_ID = "NUS-2026-000123"
NEVER = 30.0


class Bench:
    """The shop, with what it reads and what it published."""

    def __init__(self) -> None:
        self.orders = FakeOrderStore()
        self.rejected = FakeRejectedStore()
        self.published: list[bytes] = []
        self.draws = iter([42, 43, 44])
        self.clock = FakeClock()

    def app(self, clock: Clock | None = None) -> Starlette:
        return create_app(
            orders=self.orders,
            rejected=self.rejected,
            publish=self.published.append,
            clock=clock or self.clock,
            links=LINKS,
            randbelow=lambda _: next(self.draws),
        )

    def store(self, *orders: Order) -> None:
        for stored in orders:
            self.orders.transact(stored.id, partial(_replaced, stored=stored))


def _replaced(_current: Order | None, _days: Days, *, stored: Order) -> Change:
    return Change(order=stored)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(bench.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        yield client


def form(**changes: str) -> dict[str, str]:
    return defaults(NOW) | changes


async def test_the_first_page_has_a_form_the_worlds_time_and_the_links(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    for said in ('<html lang="en">', "Tue 24 Nov 2026, 09:00 WIB", *LINKS.values()):
        assert said in page
    for name, value in form().items():
        assert f'<label for="{name}">' in page
        assert f'value="{value}"' in page
    for mentor in MENTORS:
        assert mentor.name in page
    assert "None yet" in page


async def test_the_form_as_it_is_publishes_an_order_as_the_web_app_would(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    answer = await client.post("/orders", data=form())
    assert answer.status_code == 303
    assert answer.headers["location"] == "/orders/NUS-2026-000042"
    (data,) = bench.published
    assert json.loads(data) == {
        "order_id": "NUS-2026-000042",
        "created_at": "2026-11-24T09:00:05+07:00",
        "topic": "Data analysis portfolio review",
        "mentee": {
            "id": "u-78bbd86e",
            "name": "Sari Wulandari",
            "email": "sari@example.com",
            "locale": "id",
            "time_zone": "Asia/Jakarta",
        },
        "mentor": {
            "id": "m-3",
            "name": "Komang Sudarma",
            "email": "komang@mentoring.example",
            "phone": None,
            "locale": "id",
            "time_zone": "Asia/Makassar",
        },
        "session": {"starts_at": "2026-11-27T19:00:00+07:00", "duration_minutes": 60},
        "price": {"amount": 250000, "currency": "IDR"},
    }


async def test_a_number_that_is_taken_is_drawn_again(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    bench.store(order(id="NUS-2026-000042"))
    answer = await client.post("/orders", data=form())
    assert answer.headers["location"] == "/orders/NUS-2026-000043"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topic", ""),
        ("topic", "two\nlines"),
        ("topic", "x" * 201),
        ("mentor", "m-99"),
        ("date", "tomorrow"),
        ("date", "0001-01-01"),
        ("time", "25:00"),
        ("time", "19:00+09:00"),
        ("time_zone", "Asia/Atlantis"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", ""),
        ("duration", "45"),
        ("name", " "),
        ("email", "sari"),
        ("email", "sari@example.com\nbcc:all@example.com"),
        ("language", "fr"),
        ("price", "0"),
        ("price", "-1"),
        ("price", "250.50"),
        ("price", "1e5"),
        ("price", "50000000001"),
        ("price", "9" * 5000),
    ],
)
async def test_a_wrong_field_is_told_beside_it_and_nothing_is_published(
    client: httpx.AsyncClient, bench: Bench, name: str, value: str
) -> None:
    answer = await client.post("/orders", data=form(**{name: value}))
    assert answer.status_code == 422
    assert answer.text.count('<p class="error"') == 1
    assert f'aria-invalid="true" aria-describedby="{name}-error"' in answer.text
    assert f'<p class="error" id="{name}-error">' in answer.text
    assert bench.published == []


async def test_an_empty_form_has_a_complaint_for_each_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders")
    assert answer.text.count('<p class="error"') == len(form())


async def test_a_refused_form_keeps_what_was_typed_and_escapes_it(
    client: httpx.AsyncClient,
) -> None:
    typed = form(topic='"><script>x</script>', mentor="<b>", price="much")
    page = (await client.post("/orders", data=typed)).text
    assert 'value="&#34;&gt;&lt;script&gt;x&lt;/script&gt;"' in page
    assert 'value="&lt;b&gt;"' in page
    assert "<script" not in page


async def test_latest_orders_come_first(client: httpx.AsyncClient, bench: Bench) -> None:
    later = tuple(
        msgspec.structs.replace(change, at=change.at + timedelta(minutes=1))
        for change in order().history
    )
    bench.store(scheduled_order(id="a"), order(id="b", history=later), invoiced_order(id="c"))
    page = (await client.get("/")).text
    assert page.index("/orders/b") < page.index("/orders/a")
    assert page.index("/orders/b") < page.index("/orders/c")
    assert "https://checkout.example.com/inv-1" in page
    assert "https://meet.google.com/abc-defg-hij" in page


async def test_an_order_that_is_not_stored_yet_waits_for_the_first_step(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"/orders/{ORDER_ID}")
    assert answer.status_code == 200
    assert "Waiting for the first step" in answer.text
    assert '<noscript><meta http-equiv="refresh"' in answer.text


async def test_an_order_whose_message_was_rejected_says_why(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    body = json.dumps({"order_id": ORDER_ID})
    bench.rejected.keep(rejected_message(body=body, reason="`price` is missing"))
    bench.rejected.keep(rejected_message(id="other", reason="another one's"))
    page = (await client.get(f"/orders/{ORDER_ID}")).text
    assert "`price` is missing" in page
    assert "another one&#39;s" not in page
    assert "Waiting" not in page


async def test_an_invoiced_order_can_be_paid_from_its_page(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    bench.store(invoiced_order())
    page = (await client.get(f"/orders/{ORDER_ID}")).text
    assert '<a class="primary" href="https://checkout.example.com/inv-1">' in page
    assert "Wed 25 Nov 2026, 09:00 WIB" in page
    assert "http://mail.example/mailbox?to=sari%40example.com" in page


async def test_a_scheduled_order_shows_its_room_reminders_and_times_in_the_mentees_zone(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    bench.store(scheduled_order(mentee=mentee(time_zone="Asia/Jayapura")))
    page = (await client.get(f"/orders/{ORDER_ID}")).text
    for said in (
        '<a class="primary" href="https://meet.google.com/abc-defg-hij">',
        "Tue 1 Dec 2026, 21:00 WIT</time>, 60 min",
        "Tue 1 Dec 2026, 20:00 WITA",
        "Tue 24 Nov 2026, 11:10 WIT",
        "Mon 30 Nov 2026, 21:00 WIT",
        "<b>24 h</b>",
    ):
        assert said in page


async def test_a_page_says_why_a_person_is_needed_and_escapes(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    person = mentee(name="<script>x</script>")
    bench.store(invoiced_order(mentee=person).with_attention(AMOUNT_MISMATCH, NOW))
    page = (await client.get(f"/orders/{ORDER_ID}")).text
    assert "Amount mismatch, since Tue 24 Nov 2026, 09:00 WIB" in page
    assert "&lt;script&gt;x" in page
    assert "<script>" not in page


async def test_the_api_gives_the_order_as_stored(client: httpx.AsyncClient, bench: Bench) -> None:
    bench.store(scheduled_order())
    answer = await client.get(f"/api/orders/{ORDER_ID}")
    assert msgspec.json.decode(answer.content, type=Order) == scheduled_order()
    missing = await client.get("/api/orders/none")
    assert missing.status_code == 404
    assert missing.json() == {"error": "there is no order none"}


async def test_the_api_publishes_any_body_as_it_is(client: httpx.AsyncClient, bench: Bench) -> None:
    answer = await client.post("/api/orders", content=b'{"order_id": \xff')
    assert answer.status_code == 202
    assert bench.published == [b'{"order_id": \xff']


async def test_rejected_messages_are_listed_with_the_beginning_of_their_bodies(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    assert "None: everything" in (await client.get("/rejected")).text
    bench.rejected.keep(rejected_message(body="<b>" + "x" * 1000))
    page = (await client.get("/rejected")).text
    assert "JSON is malformed" in page
    assert "&lt;b&gt;xxx" in page
    assert "x" * 600 not in page


async def test_what_cannot_be_reached_is_said(client: httpx.AsyncClient, bench: Bench) -> None:
    busy = RetryableError("database is busy")
    bench.orders.faults.before("get", busy, busy)
    page = await client.post("/orders", data=form())
    answer = await client.get(f"/api/orders/{ORDER_ID}")
    assert (page.status_code, answer.status_code) == (503, 503)
    assert "database is busy" in page.text
    assert answer.json() == {"error": "database is busy"}
    assert bench.published == []


class LookedAtClock(FakeClock):
    """A clock that counts: each poll of a page's stream asks it once."""

    looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return super().now()


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    name = ""
    data: list[str] = []
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line and data:
            yield name, "\n".join(data)
            data = []


def test_an_order_is_followed_until_the_reader_leaves(bench: Bench) -> None:
    clock = LookedAtClock()
    with served(bench.app(clock)) as url, httpx.Client(base_url=url, timeout=NEVER) as client:
        with client.stream("GET", f"/orders/{ORDER_ID}/events") as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            told = events(answer.iter_lines())
            assert "Waiting for the first step" in next(told)[1]
            assert next(told) == ("clock", "Tue 24 Nov 2026, 09:00 WIB")
            bench.store(invoiced_order())
            name, progress = next(told)
            assert name == "order"
            assert 'data-status="Invoice ready"' in progress
            clock.advance(timedelta(days=1))
            assert next(told) == ("clock", "Wed 25 Nov 2026, 09:00 WIB")
        time.sleep(0.5)
        seen = clock.looks
        time.sleep(0.7)
        assert clock.looks == seen

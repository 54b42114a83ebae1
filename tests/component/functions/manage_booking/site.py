"""manage_booking as its framework serves it, and a browser in front of it."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from werkzeug.test import Client, TestResponse

from local.staging import ROOT
from shared.domain.notifications import Recipient
from shared.domain.order import Order
from shared.links import Purpose
from shared.observability import JsonFormatter
from tests.bookings import Bookings
from tests.builders import asked_order, scheduled_order, session

# A prefix, as behind a load balancer.
BASE = "https://booking.nusademy.example/b"
GIVEN = {"bank": "BCA", "number": "1234567890", "holder": "Sari Wulandari"}
OTHER_TIME = session(starts_at=session().starts_at + timedelta(days=1))
# For each purpose an order at which it can be done, and what its form sends.
OPEN: dict[Purpose, tuple[Order, dict[str, str]]] = {
    Purpose.ACCEPT: (asked_order(), {}),
    Purpose.DECLINE: (asked_order(), {"note": "I am ill"}),
    Purpose.RESCHEDULE: (scheduled_order(), {"starts_at": OTHER_TIME.starts_at.isoformat()}),
    Purpose.CANCEL: (scheduled_order(), {"told": "refunded"}),
}


class Site:
    """The pages, what is behind them, and what was logged."""

    def __init__(self, bookings: Bookings, client: Client, logs: io.StringIO) -> None:
        self.bookings = bookings
        self.client = client
        self._logs = logs

    @property
    def logs(self) -> str:
        """What was logged since the last ``clear``."""
        return self._logs.getvalue()

    def clear(self) -> None:
        """Forget all orders, and what was logged."""
        self.bookings.clear()
        self._logs.truncate(0)
        self._logs.seek(0)

    def get(self, purpose: Purpose, token: str, **options: Any) -> TestResponse:
        """Open the page of a token."""
        return self.client.get(f"/{purpose}", query_string={"token": token}, **options)

    def post(self, purpose: Purpose, token: str, **fields: str) -> TestResponse:
        """Send a form with a token."""
        return self.client.post(f"/{purpose}", data={"token": token, **fields})

    def do(self, purpose: Purpose, order: Order, **fields: str) -> TestResponse:
        """Send the form of a link to the order."""
        return self.post(purpose, self.bookings.token(purpose, order), **fields)

    def see(
        self, purpose: Purpose, order: Order, recipient: Recipient | None = None
    ) -> TestResponse:
        """Open a link to the order."""
        return self.get(purpose, self.bookings.token(purpose, order, recipient))

    def follow(self, answer: TestResponse) -> TestResponse:
        """Go where the answer sends the browser."""
        assert answer.status_code == 303
        assert answer.location.startswith(BASE)
        return self.client.get(answer.location.removeprefix(BASE))


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Site]:
    """Serve the function over stores of its own, in this process."""
    bookings = Bookings(folder, BASE)
    logs, logger = io.StringIO(), logging.getLogger("pipeline")
    handler = logging.StreamHandler(logs)
    handler.setFormatter(JsonFormatter("test"))
    source = str(ROOT / "functions" / "manage_booking" / "main.py")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (bookings.settings | settings).items():
            patch.setenv(name, value)
        patch.setattr(logger, "handlers", [handler])
        level = logger.level
        logger.setLevel(logging.INFO)
        app = functions_framework.create_app("manage_booking", source)
        try:
            yield Site(bookings, app.test_client(), logs)
        finally:
            logger.setLevel(level)
            bookings.close()


def heading(answer: TestResponse) -> str:
    (found,) = re.findall(r"<h1>(.*)</h1>", answer.text)
    return unescape(found)


def links(answer: TestResponse) -> dict[str, str]:
    """Return the addresses of the page's links by what they say, without the base URL."""
    found = re.findall(r'<a [^>]*href="([^"#][^"]*)"[^>]*>(.*?)</a>', answer.text)
    return {unescape(label): unescape(url).removeprefix(BASE) for url, label in found}


def form(answer: TestResponse) -> tuple[str, dict[str, str]]:
    """Return where the page's form goes, and its hidden fields."""
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', answer.text)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
    return unescape(action), {name: unescape(value) for name, value in hidden}

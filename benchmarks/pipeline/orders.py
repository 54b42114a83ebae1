"""Orders that do not get in each other's way: each has a mentor of its own."""

import itertools
import time
from datetime import UTC, datetime

from shared.domain.events import OrderCreated
from tests.builders import mentee, mentor, order_created, session_after

_numbers = itertools.count(1)


def orders(count: int) -> list[OrderCreated]:
    """Return so many orders of sessions about three days ahead."""
    now = datetime.now(UTC)
    return [_order(f"{time.time_ns()}-{next(_numbers)}", now) for _ in range(count)]


def _order(number: str, now: datetime) -> OrderCreated:
    return order_created(
        order_id=f"NUS-{number}",
        created_at=now,
        mentee=mentee(id=f"u-{number}"),
        mentor=mentor(id=f"m-{number}"),
        session=session_after(now),
    )

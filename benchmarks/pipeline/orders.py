"""Orders that do not get in each other's way: each has a mentor of its own."""

import itertools
import time
from datetime import UTC, datetime, timedelta

from shared.domain.events import OrderCreated
from tests.builders import mentee, mentor, order_created, session

_numbers = itertools.count(1)


def orders(count: int) -> list[OrderCreated]:
    """Return so many orders of sessions three days ahead."""
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    return [_order(f"{time.time_ns()}-{next(_numbers)}", starts_at) for _ in range(count)]


def _order(number: str, starts_at: datetime) -> OrderCreated:
    return order_created(
        order_id=f"NUS-{number}",
        created_at=datetime.now(UTC),
        mentee=mentee(id=f"u-{number}"),
        mentor=mentor(id=f"m-{number}"),
        session=session(starts_at=starts_at),
    )

"""What manage_booking works on: orders in a store of its own, the links to them, and its time."""

import base64
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from shared.adapters.clock import OffsetClock
from shared.adapters.sqlite_queue import SqliteQueue
from shared.adapters.sqlite_stores import SqliteAvailabilityStore, SqliteOrderStore
from shared.adapters.vault import FernetVault
from shared.domain.events import TOPICS
from shared.domain.notifications import Recipient
from shared.domain.order import Change, MoneyBackState, Order
from shared.links import Link, LinkSigner, Purpose
from tests.builders import NOW, days, refunding_order

SECRET = "s" * 32
VAULT_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
ACCOUNT = "BCA 1234567890 a.n. Sari Wulandari"
# Whose links are for what.
READER = {
    Purpose.MANAGE: Recipient.MENTEE,
    Purpose.ACCEPT: Recipient.MENTOR,
    Purpose.DECLINE: Recipient.MENTOR,
    Purpose.RESCHEDULE: Recipient.MENTEE,
    Purpose.CANCEL: Recipient.MENTEE,
    Purpose.PAYOUT_ACCOUNT: Recipient.MENTEE,
    Purpose.PAYOUT_DONE: Recipient.ADMIN,
}
# Forgets what manage_booking and its tests write; nothing of it has to survive a crash.
_CLEARING = {
    "orders": "PRAGMA synchronous=OFF; DELETE FROM orders; DELETE FROM mentor_days;",
    "availability": "PRAGMA synchronous=OFF; DELETE FROM availability;",
    "queue": "PRAGMA synchronous=OFF; DELETE FROM messages; DELETE FROM deliveries;",
}
_PAYOUTS = frozenset({Purpose.PAYOUT_ACCOUNT, Purpose.PAYOUT_DONE})


class Bookings:
    """The stores of a manage_booking that is served at ``base_url``, two hours after NOW."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir()
        self.base_url = base_url
        self._offset = folder / "clock.json"
        self.clock = OffsetClock(self._offset)
        self.set_time(NOW + timedelta(hours=2))
        self.orders = SqliteOrderStore(self.data_dir / "orders.db")
        self.availability = SqliteAvailabilityStore(self.data_dir / "availability.db")
        self.queue = SqliteQueue(self.data_dir / "queue.db")
        for topic in TOPICS:
            self.queue.subscribe(f"test--{topic}", topic)
        self.signer = LinkSigner([SECRET], base_url)
        self.vault = FernetVault([VAULT_KEY])

    def close(self) -> None:
        for each in (self.orders, self.availability, self.queue):
            each.close()

    def set_time(self, at: datetime) -> None:
        """Let it be this time in the function's world."""
        offset = (at - datetime.now(UTC)).total_seconds()
        self._offset.write_text(json.dumps({"offset_s": offset}))

    def clear(self) -> None:
        """Forget everything, and let it be two hours after NOW again."""
        self.set_time(NOW + timedelta(hours=2))
        for name, script in _CLEARING.items():
            with closing(sqlite3.connect(self.data_dir / f"{name}.db")) as database:
                database.executescript(script)

    @property
    def settings(self) -> dict[str, str]:
        """The function's environment."""
        return {
            "BACKEND": "embedded",
            "DATA_DIR": str(self.data_dir),
            "CLOCK_OFFSET_FILE": str(self._offset),
            "LINKS_SECRETS": SECRET,
            "LINKS_BASE_URL": self.base_url,
            "VAULT_KEYS": VAULT_KEY,
            "BRAND_NAME": "Nusademy",
            "BRAND_HELP_EMAIL": "help@nusademy.example",
            "BRAND_ADMIN_EMAIL": "admin@nusademy.example",
        }

    def put(self, order: Order) -> Order:
        """Store the order as it is, holding its slot."""
        held = tuple(days(order, of=order).values())
        return self.orders.transact(
            order.id, lambda _current, _days: Change(order=order, days=held), order.day_keys
        )

    def refunding(self, state: MoneyBackState) -> Order:
        """Store a cancelled order whose money has come this far."""
        sealed = self.vault.seal(ACCOUNT) if state is MoneyBackState.PAYOUT_DUE else None
        return self.put(refunding_order(state, account=sealed))

    def order(self, order_id: str) -> Order:
        """Return an order that must exist."""
        found = self.orders.get(order_id)
        assert found is not None
        return found

    def link(self, purpose: Purpose, order: Order, recipient: Recipient | None = None) -> Link:
        """Return the link that a message about the order as it is would have."""
        return Link(
            order_id=order.id,
            recipient=recipient or READER[purpose],
            revision=order.revision,
            expires_at=int((order.session.ends_at + timedelta(days=30)).timestamp()),
            invoice_id="inv-1" if purpose in _PAYOUTS else "",
        )

    def token(self, purpose: Purpose, order: Order, recipient: Recipient | None = None) -> str:
        """Return the token of that link."""
        return self.signer.token(purpose, self.link(purpose, order, recipient))

    def url(self, purpose: Purpose, order: Order, recipient: Recipient | None = None) -> str:
        """Return the address that a message about the order would have."""
        return self.signer.url(purpose, self.link(purpose, order, recipient))

    def expired(self, purpose: Purpose, order: Order) -> str:
        """Return the token of a link that held until a second ago."""
        until = int((self.clock.now() - timedelta(seconds=1)).timestamp())
        link = msgspec.structs.replace(self.link(purpose, order), expires_at=until)
        return self.signer.token(purpose, link)

    def topics(self) -> Sequence[str]:
        """Take what was published off the queue, and return its topics in order."""
        topics = {f"test--{topic}": 100 for topic in TOPICS}
        leased = self.queue.lease(self.clock.now(), timedelta(minutes=1), topics)
        for message in leased:
            self.queue.ack(message)
        return [message.topic for message in leased]

    def everything(self) -> list[str]:
        """Return all that is stored and queued, to be compared with what it is later."""
        return [line for path in sorted(self.data_dir.glob("*.db")) for line in _dump(path)]


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())

"""The clients that the functions use, without anything of ours around them."""

import sqlite3
from pathlib import Path
from typing import Any

import google_auth_httplib2
import httplib2
import urllib3
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from xendit import ApiClient, Configuration
from xendit.invoice.invoice_api import InvoiceApi

from local.config import XENDIT_KEY, WorldConfig

Statement = tuple[str, tuple[Any, ...]]
XENDIT_OPTIONS = {"_preload_content": False, "_request_timeout": 5.0}


class Database:
    """A SQLite file as the embedded stores open it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")

    def select(self, sql: str, values: tuple[Any, ...]) -> None:
        """Read rows and do nothing with them."""
        self._db.execute(sql, values).fetchall()

    def run(self, sql: str, values: tuple[Any, ...]) -> None:
        """Run one statement, which commits itself."""
        self._db.execute(sql, values)

    def transact(self, *statements: Statement) -> None:
        """Run statements in one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        for sql, values in statements:
            self._db.execute(sql, values).fetchall()
        self._db.execute("COMMIT")

    def publish(self, topic: str, data: bytes, attributes: str, at: float) -> None:
        """Put one message on the queue."""
        self._db.execute("BEGIN IMMEDIATE")
        (number,) = self._db.execute(
            "INSERT INTO messages (topic, data, attributes, published_at)"
            " VALUES (?, ?, ?, ?) RETURNING id",
            (topic, data, attributes, "2026-11-24T02:00:05.123456+00:00"),
        ).fetchone()
        self._db.execute(
            "INSERT INTO deliveries (message_id, subscription, due_at)"
            " SELECT ?, name, ? FROM subscriptions WHERE topic = ?",
            (number, at, topic),
        )
        self._db.execute("COMMIT")


class Clients:
    """Everything that a function calls, each built once."""

    def __init__(self, config: WorldConfig) -> None:
        data = config.data_dir
        self.orders = Database(data / "orders.db")
        self.availability = Database(data / "availability.db")
        self.deliveries = Database(data / "deliveries.db")
        self.rejected = Database(data / "rejected.db")
        self.queue = Database(data / "queue.db")
        client = ApiClient(Configuration(host=config.url("xendit"), api_key=XENDIT_KEY))
        client.rest_client.pool_manager = urllib3.PoolManager(retries=False)
        self.xendit = InvoiceApi(client)
        self.events = _google("calendar", "v3", f"{config.url('google')}/calendar/v3/").events()
        self.drafts = _google("gmail", "v1", f"{config.url('google')}/").users().drafts()


def _google(api: str, version: str, endpoint: str) -> Any:
    http = google_auth_httplib2.AuthorizedHttp(
        Credentials(token="local"),  # noqa: S106 - the simulator takes any
        http=httplib2.Http(timeout=5),
    )
    return discovery.build(
        api,
        version,
        http=http,
        client_options={"api_endpoint": endpoint},
        static_discovery=True,
    )

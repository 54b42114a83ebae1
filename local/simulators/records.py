"""Durable records of a simulator: JSON documents in SQLite, kept through ``kill -9``."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Records:
    """A tiny document store. One thread (the event loop) uses it, so calls never interleave."""

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, document TEXT, seq INTEGER,"
            " PRIMARY KEY (kind, key))"
        )
        # Both the order of a list and the next place in it are read from this index alone.
        self._db.execute("CREATE INDEX IF NOT EXISTS records_order ON records (kind, seq)")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes inside appear together, or not at all when an exception leaves the block."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(self, kind: str, key: str, document: Document) -> None:
        """Create or replace a document; a replaced one keeps its place in the list."""
        self._db.execute(
            "INSERT INTO records VALUES"
            " (?, ?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM records WHERE kind = ?))"
            " ON CONFLICT (kind, key) DO UPDATE SET document = excluded.document",
            (kind, key, json.dumps(document), kind),
        )

    def get(self, kind: str, key: str) -> Document | None:
        """Return the document, or None."""
        row = self._db.execute(
            "SELECT document FROM records WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def list(self, kind: str, skip: int = 0) -> list[Document]:
        """Return the documents of a kind in the order they were first put, but the first ``skip``."""
        rows = self._db.execute(
            "SELECT document FROM records WHERE kind = ? ORDER BY seq LIMIT -1 OFFSET ?",
            (kind, skip),
        )
        return [json.loads(document) for (document,) in rows]

    def count(self, kind: str) -> int:
        """Return how many documents of a kind there are."""
        row = self._db.execute("SELECT count(*) FROM records WHERE kind = ?", (kind,)).fetchone()
        return int(row[0])

    def delete(self, kind: str, key: str) -> bool:
        """Delete a document; False when there was none."""
        return bool(
            self._db.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key)).rowcount
        )

    def clear(self) -> None:
        """Forget everything."""
        self._db.execute("DELETE FROM records")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

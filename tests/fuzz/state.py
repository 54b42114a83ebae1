"""What the functions have stored, whole, so that any change shows; and what they hold in memory."""

import hashlib
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

# Rejected messages are large and many, and never rewritten without a new time.
_COLUMNS = {"rejected": "id, received_at"}


@dataclass(frozen=True, slots=True)
class State:
    """Each table of each file, as a digest; ``rejected`` tells when each id was last kept."""

    tables: Mapping[str, str]
    rejected: Mapping[str, float]

    def differs_in(self, other: "State") -> list[str]:
        """Return the tables that are not the same in both."""
        names = self.tables.keys() | other.tables.keys()
        return sorted(n for n in names if self.tables.get(n) != other.tables.get(n))

    def kept_since(self, before: "State") -> set[str]:
        """Return the ids that were kept after ``before``, those that were kept again among them."""
        return {key for key, at in self.rejected.items() if before.rejected.get(key) != at}


def read(folder: Path) -> State:
    """Return the state of all files of the embedded backend."""
    tables: dict[str, str] = {}
    rejected: dict[str, float] = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as db:
            names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                rows = db.execute(f"SELECT {_COLUMNS.get(name, '*')} FROM {name}").fetchall()  # noqa: S608 - a table that is there
                tables[f"{path.stem}.{name}"] = _digest(rows)
                if name == "rejected":
                    rejected = dict(rows)
    return State(tables, rejected)


def resident_mib(processes: Iterable[int]) -> dict[int, float]:
    """Return the resident memory of these processes and all below them, by process id, in MiB."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss="],  # noqa: S607 - POSIX has it
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    wanted = set(processes)
    for _ in range(3):  # the server, its workers, and what those start
        wanted |= {pid for pid, parent, _ in rows if parent in wanted}
    return {pid: kib / 1024 for pid, _, kib in rows if pid in wanted}


def _digest(rows: Iterable[tuple[object, ...]]) -> str:
    digest = hashlib.sha256()
    for row in sorted(map(repr, rows)):
        digest.update(row.encode())
    return digest.hexdigest()

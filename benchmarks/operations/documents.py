"""A Firestore in memory that counts: what the stores of production use of its client, no more.

The counts are those of the real adapters, so a document that an adapter reads twice counts twice.
What the real Firestore does is for the contract tests on its emulator.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition

from benchmarks.operations.counts import Counts

Content = dict[str, Any]


class Document:
    """A reference and what is stored there: reference and snapshot in one."""

    def __init__(self, documents: "Documents", path: str) -> None:
        self.path = path
        self.id = path.rpartition("/")[2]
        self.update_time: datetime | None = None
        self._documents = documents
        self._content: Content | None = None

    @property
    def reference(self) -> "Document":
        """See DocumentSnapshot."""
        return self

    @property
    def exists(self) -> bool:
        """See DocumentSnapshot."""
        return self._content is not None

    def to_dict(self) -> Content | None:
        """See DocumentSnapshot."""
        return self._content

    def get(self, **_options: Any) -> "Document":
        """See DocumentReference."""
        return next(self._documents.get_all([self]))

    def set(self, content: Content, **_options: Any) -> None:
        """See DocumentReference."""
        self._documents.write(self.path, content)

    def showing(self, content: Content | None, update_time: datetime | None) -> "Document":
        """Return the snapshot of this document."""
        self._content, self.update_time = content, update_time
        return self


class Documents:
    """Firestore's client."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self._stored: dict[str, Content] = {}
        self._updated: dict[str, datetime] = {}
        self._time = datetime(2026, 1, 1, tzinfo=UTC)

    def collection(self, name: str) -> "Collection":
        """See Client."""
        return Collection(self, name)

    def get_all(self, references: Iterable[Document], **_options: Any) -> Iterator[Document]:
        """See Client. A document that does not exist is charged for, too."""
        for reference in references:
            self.counts.reads += 1
            yield self.snapshot(reference.path)

    def batch(self) -> "Batch":
        """See Client."""
        return Batch(self)

    def write_option(self, *, last_update_time: datetime) -> datetime:
        """See Client."""
        return last_update_time

    def snapshot(self, path: str) -> Document:
        """Return the document as it stands."""
        return Document(self, path).showing(self._stored.get(path), self._updated.get(path))

    def below(self, collection: str) -> list[Document]:
        """Return the documents of a collection."""
        prefix = f"{collection}/"
        return [self.snapshot(path) for path in self._stored if path.startswith(prefix)]

    def all(self) -> list[Document]:
        """Return every document."""
        return [self.snapshot(path) for path in self._stored]

    def write(self, path: str, content: Content) -> Document:
        """Store a document."""
        self._time += timedelta(milliseconds=1)
        self._stored[path], self._updated[path] = content, self._time
        self.counts.writes += 1
        return self.snapshot(path)


class Batch:
    """Writes that happen together; see WriteBatch."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._writes: list[tuple[Document, Content, datetime | None]] = []

    def create(self, reference: Document, content: Content) -> None:
        """See WriteBatch."""
        self._writes.append((reference, content, None))

    def update(self, reference: Document, content: Content, *, option: datetime) -> None:
        """See WriteBatch."""
        self._writes.append((reference, content, option))

    def commit(self, **_options: Any) -> list[Document]:
        """See WriteBatch."""
        for reference, _, expected in self._writes:
            if self._documents.snapshot(reference.path).update_time != expected:
                raise FailedPrecondition("changed") if expected else AlreadyExists("exists")
        return [self._documents.write(ref.path, content) for ref, content, _ in self._writes]


class Collection:
    """A collection, and the query for what is due in it."""

    def __init__(self, documents: Documents, name: str) -> None:
        self._documents = documents
        self._name = name
        self._field = ""
        self._until: Any = None

    def document(self, name: str) -> Document:
        """See CollectionReference."""
        return Document(self._documents, f"{self._name}/{name}")

    def where(self, *, filter: Any) -> "Collection":  # noqa: A002 - the client's own name
        """See CollectionReference; the one comparison that the stores make is ``<=``."""
        due = Collection(self._documents, self._name)
        due._field, due._until = filter.field_path, filter.value
        return due

    def order_by(self, _field: str) -> "Collection":
        """See Query; the field is always the one that is compared."""
        return self

    def limit(self, count: int) -> "Due":
        """See Query."""
        return Due(self._documents, list(self._due())[:count])

    def _due(self) -> Iterator[Document]:
        stored = self._documents.below(self._name)
        due = [d for d in stored if _at_most(d.to_dict(), self._field, self._until)]
        yield from sorted(due, key=lambda document: (document.to_dict() or {})[self._field])


class Due:
    """The query's result."""

    def __init__(self, documents: Documents, found: list[Document]) -> None:
        self._documents = documents
        self._found = found

    def get(self, **_options: Any) -> list[Document]:
        """See Query."""
        self._documents.counts.reads += len(self._found)
        return self._found


def _at_most(content: Mapping[str, Any] | None, field: str, value: Any) -> bool:
    stored = (content or {}).get(field)
    return stored is not None and bool(stored <= value)

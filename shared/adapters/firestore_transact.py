"""Optimistic transactions on Firestore: read, decide, commit with a precondition on each write.

No locks are taken. The client's own transactions lock what they read, give up after five
attempts without backoff, and let an abort during a read escape.
"""

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore import SERVER_TIMESTAMP, Client, DocumentReference, DocumentSnapshot

from shared.adapters.google_cloud_errors import classified
from shared.errors import RetryableError

Content = dict[str, Any]
Snapshot = DocumentSnapshot[DocumentReference]
T = TypeVar("T")
# Gets the content of each document (None where there is none); returns what to store in each
# (None to leave it) and the transaction's result.
Plan = Callable[[Sequence[Content | None]], tuple[Sequence[Content | None], T]]

TIMEOUT_S = 10.0
RETRY = Retry(
    predicate=if_exception_type(ServiceUnavailable),
    initial=0.1,
    maximum=1.0,
    multiplier=2.0,
    timeout=TIMEOUT_S,
)
ATTEMPTS = 16
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0
_CONFLICTS = (FailedPrecondition, AlreadyExists, Aborted)
# More than the documents of one tick's page.
_REMEMBERED = 256


class Seen(NamedTuple):
    """A document's content (None where there is none) and when it was last updated."""

    content: Content | None
    update_time: datetime | None


class _Memory(threading.local):
    """What a thread has last seen of some documents, by path; the oldest are forgotten."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def note(self, path: str, seen: Seen) -> None:
        self._seen[path] = seen
        self._seen.move_to_end(path)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def of(self, paths: Sequence[str]) -> Mapping[str, Seen]:
        return {path: self._seen[path] for path in paths if path in self._seen}

    def forget(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._seen.pop(path, None)


class OptimisticTransactions:
    """Runs plans on a handful of documents that are named beforehand, atomically.

    What a thread has just read or written is not read again: a plan is tried on that first, and
    counts if it writes all of it, since the preconditions prove then that it was up to date.
    ``sleep`` takes seconds; ``jitter`` returns a number from 0 to 1.
    """

    def __init__(
        self,
        client: Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._jitter = jitter
        self._memory = _Memory()

    def read(self, references: Sequence[DocumentReference]) -> Mapping[str, Seen]:
        """Read the documents in one request; return each by its path, existing or not."""
        return self.note(self._client.get_all(list(references), retry=RETRY, timeout=TIMEOUT_S))

    def note(self, snapshots: Iterable[Snapshot]) -> Mapping[str, Seen]:
        """Remember what was read; return it by path."""
        seen = {s.reference.path: Seen(s.to_dict(), s.update_time) for s in snapshots}
        for path, document in seen.items():
            self._memory.note(path, document)
        return seen

    def run(self, references: Sequence[DocumentReference], plan: Plan[T]) -> T:
        """Run the plan and store what it returns, all or nothing; return its result.

        What is written must not have changed since it was read, else the plan runs again on what
        is there by then. Raises RetryableError when ``ATTEMPTS`` times others were faster.
        """
        names = ", ".join(reference.path for reference in references)
        with classified(f"transaction on {names}"):
            proven = self._from_memory(references, plan)
            if proven is not None:
                return proven[0]
            for attempt in range(ATTEMPTS):
                self._pause_before(attempt)
                try:
                    return self._attempt(references, plan)
                except _CONFLICTS:
                    continue
        raise RetryableError(f"transaction on {names}: {ATTEMPTS} times others were faster")

    def _from_memory(
        self, references: Sequence[DocumentReference], plan: Plan[T]
    ) -> tuple[T] | None:
        """Run the plan on what is remembered; return its result if that is proven to be right."""
        paths = [reference.path for reference in references]
        seen = self._memory.of(paths)
        if len(seen) < len(paths):
            return None
        try:
            contents, result = plan([seen[path].content for path in paths])
        except Exception:  # noqa: BLE001 - said of what may be outdated, so it is asked again
            return None
        if any(content is None for content in contents):
            return None
        try:
            self._commit(references, contents, seen)
        except _CONFLICTS:
            return None
        return (result,)

    def _attempt(self, references: Sequence[DocumentReference], plan: Plan[T]) -> T:
        seen = self.read(references)
        contents, result = plan([seen[reference.path].content for reference in references])
        if any(content is not None for content in contents):
            self._commit(references, contents, seen)
        return result

    def _commit(
        self,
        references: Sequence[DocumentReference],
        contents: Sequence[Content | None],
        seen: Mapping[str, Seen],
    ) -> None:
        """Store the contents that are there, if nobody has changed what they were made from."""
        batch, written = self._client.batch(), []
        # Whatever comes of it, what was seen is old now.
        self._memory.forget(seen)
        for reference, content in zip(references, contents, strict=True):
            if content is None:
                continue
            written.append((reference.path, content))
            # The timestamp makes every write a change of the document: Firestore keeps the update
            # time of one that is written as it was, and others would not notice the write.
            stamped = {**content, "updated_at": SERVER_TIMESTAMP}
            before = seen[reference.path]
            if before.content is not None:
                # Fields at the top are replaced whole, and all documents of a collection have the
                # same ones, so this replaces the document; ``set`` takes no precondition.
                unchanged = self._client.write_option(last_update_time=before.update_time)
                batch.update(reference, stamped, option=unchanged)
            else:
                batch.create(reference, stamped)
        results = batch.commit(retry=RETRY, timeout=TIMEOUT_S)
        for (path, content), result in zip(written, results, strict=True):
            self._memory.note(path, Seen(content, result.update_time))

    def _pause_before(self, attempt: int) -> None:
        if attempt > 0:
            longest = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
            self._sleep(longest * self._jitter())

"""Optimistic transactions on Firestore: read, decide, commit with a precondition on each write.

No locks are taken. The client's own transactions lock what they read, give up after five
attempts without backoff, and let an abort during a read escape.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

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


class OptimisticTransactions:
    """Runs plans on a handful of documents that are named beforehand, atomically.

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

    def run(self, references: Sequence[DocumentReference], plan: Plan[T]) -> T:
        """Run the plan and store what it returns, all or nothing; return its result.

        What is written must not have changed since it was read, else the plan runs again on what
        is there by then. Raises RetryableError when ``ATTEMPTS`` times others were faster.
        """
        names = ", ".join(reference.path for reference in references)
        with classified(f"transaction on {names}"):
            for attempt in range(ATTEMPTS):
                self._pause_before(attempt)
                try:
                    return self._attempt(references, plan)
                except _CONFLICTS:
                    continue
        raise RetryableError(f"transaction on {names}: {ATTEMPTS} times others were faster")

    def _attempt(self, references: Sequence[DocumentReference], plan: Plan[T]) -> T:
        found = read(self._client, references)
        contents, result = plan([found[reference.path].to_dict() for reference in references])
        changes = {
            reference.path: content
            for reference, content in zip(references, contents, strict=True)
            if content is not None
        }
        if changes:
            self._commit((found[path], content) for path, content in changes.items())
        return result

    def _commit(self, writes: Iterable[tuple[Snapshot, Content]]) -> None:
        batch = self._client.batch()
        for snapshot, content in writes:
            # The timestamp makes every write a change of the document: Firestore keeps the update
            # time of one that is written as it was, and others would not notice the write.
            stamped = {**content, "updated_at": SERVER_TIMESTAMP}
            if snapshot.exists:
                # Fields at the top are replaced whole, and all documents of a collection have the
                # same ones, so this replaces the document; ``set`` takes no precondition.
                unchanged = self._client.write_option(last_update_time=snapshot.update_time)
                batch.update(snapshot.reference, stamped, option=unchanged)
            else:
                batch.create(snapshot.reference, stamped)
        batch.commit(retry=RETRY, timeout=TIMEOUT_S)

    def _pause_before(self, attempt: int) -> None:
        if attempt > 0:
            longest = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
            self._sleep(longest * self._jitter())


def read(client: Client, references: Sequence[DocumentReference]) -> Mapping[str, Snapshot]:
    """Read the documents in one request; return a snapshot for each path, existing or not."""
    snapshots = client.get_all(list(references), retry=RETRY, timeout=TIMEOUT_S)
    return {snapshot.reference.path: snapshot for snapshot in snapshots}

"""A campaign: batches of requests, and between them a look at all that they may have changed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import msgspec

from local.config import XENDIT_KEY
from local.topology import FUNCTIONS
from shared.adapters.sqlite_queue import QueuedMessage
from shared.domain.events import TOPICS
from tests.component.functions.bench import Functions
from tests.fuzz import oracles, page_oracles, state
from tests.fuzz.cast import Cast, assembled
from tests.fuzz.pushes import PUSHED
from tests.fuzz.requests import Requests
from tests.fuzz.wire import Answer, Changes, Request, send

BATCH = 56
# What a function may hold more than after its first batches: a few of the largest bodies.
MAX_GROWTH_MIB = 192.0
_SENDERS = 4
_SHOWN_OF_LINE = 3000
# The beginnings of the names of tables.
_MAY: Mapping[Changes, tuple[str, ...]] = {
    Changes.NOTHING: (),
    Changes.REJECTED: ("rejected.",),
    Changes.SUBJECT: ("orders.", "deliveries.", "queue.", "rejected."),
    Changes.ANYTHING: ("",),
}
_PUSHED = frozenset(function.name for function in PUSHED)
_UNPROCESSED = frozenset({0, 308, 400, 404, 405, 413, 414, 431})


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not hold, and the requests that it can have come from."""

    what: str
    requests: tuple[Request, ...] = ()
    answer: Answer | None = None


@dataclass
class Report:
    """What was sent, what was answered, and what did not hold."""

    entries: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    # Of the pushes: handled, kept, to come again, or no push at all.
    pushes: Counter[str] = field(default_factory=Counter)
    # How many did what they asked for to an order or chat, by entry point.
    done: Counter[str] = field(default_factory=Counter)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self.entries.total()

    def add(self, request: Request, answer: Answer) -> None:
        """Count one answer."""
        self.entries[request.entry] += 1
        self.kinds[request.kind] += 1
        said = oracles.outcome(answer)
        self.answers[f"{answer.status or 'closed'} {said}".strip()] += 1
        if request.entry in _PUSHED:
            self.pushes[_fate(answer, said)] += 1


class Campaign:
    """Sends the requests of one seed to functions that nobody else uses."""

    def __init__(self, functions: Functions, seed: int) -> None:
        self.functions = functions
        self.cast: Cast = assembled(functions)
        self.requests = Requests(seed, self.cast, functions.config)
        self.report = Report()
        secrets = msgspec.structs.astuple(functions.config.secrets)
        self._secrets = (*secrets, functions.config.callback_token, XENDIT_KEY)
        self._logged: dict[str, int] = {}
        self._fresh_logs()
        self._pids = {
            name: set(state.resident_mib([process.pid]))
            for name, process in functions.processes.items()
        }

    def run(self, numbers: range, on_batch: Callable[[int], None] = lambda _count: None) -> Report:
        """Send these requests, and return all that came of them."""
        before = self._memory()
        for at in range(numbers.start, numbers.stop, BATCH):
            batch = [self.requests.make(n) for n in range(at, min(at + BATCH, numbers.stop))]
            self.cast.bookings.restore(self.functions)
            for changes in Changes:
                self._send(changes, [r for r in batch if r.changes is changes])
            if at == numbers.start:
                before = self._memory()
            on_batch(len(batch))
        self._look_at_processes(before)
        return self.report

    def _send(self, changes: Changes, requests: Sequence[Request]) -> None:
        """Send requests that may change equally much, together, and see what they changed."""
        data = self.functions.config.data_dir
        before = state.read(data)
        ports = self.functions.config.ports
        with ThreadPoolExecutor(_SENDERS) as pool:
            answers = list(pool.map(lambda each: send(each, ports[each.entry]), requests))
        after = state.read(data)
        for request, answer in zip(requests, answers, strict=True):
            self.report.add(request, answer)
            for what in self._wrong(request, answer, after.kept_since(before)):
                self._fail(what, request, answer=answer)
        for what in self._wrongly_changed(changes, before, after):
            self._fail(what, *requests)
        for what in self._wrongly_logged(requests):
            self._fail(what, *requests)
        if changes is Changes.SUBJECT:
            self._look_at_subjects(dict(zip(requests, answers, strict=True)))

    def _wrong(self, request: Request, answer: Answer, kept: set[str]) -> Iterator[str]:
        yield from oracles.wrong_answer(request, answer)
        yield from oracles.wrong_echo(request, answer)
        yield from oracles.told_secrets(answer, self._secrets)
        if request.entry == "manage_booking":
            yield from page_oracles.wrong_page(request, answer, self.cast.bookings)
        if nowhere := oracles.kept_nowhere(request, answer, kept):
            yield nowhere

    def _wrongly_changed(
        self, changes: Changes, before: state.State, after: state.State
    ) -> Iterator[str]:
        differ = (
            table for table in after.differs_in(before) if not table.startswith(_MAY[changes])
        )
        yield from (f"changed {table}" for table in differ)
        kept = (self.functions.rejected.get(key) for key in after.kept_since(before))
        yield from oracles.unfit(record for record in kept if record)
        yield from oracles.wrong_orders(self.functions.orders.scan(), self.cast.paid_ids)
        yield from oracles.wrong_messages(self._published())

    def _wrongly_logged(self, requests: Sequence[Request]) -> Iterator[str]:
        bookings, sent = self.cast.bookings, {word for r in requests for word in r.secrets}
        secrets = {*self._secrets, *bookings.private, *sent}
        for line in self._fresh_logs():
            shown = line[-_SHOWN_OF_LINE:]
            if oracles.TROUBLE.search(line):
                yield shown
            yield from oracles.leaked(line, secrets)

    def _look_at_subjects(self, answers: Mapping[Request, Answer]) -> None:
        """See that bookings and chats were changed by those who may, and who were told so."""
        changed, by = self._changed(), {r.subject: r for r in answers}
        said = {r.subject for r, answer in answers.items() if oracles.did(r, answer)}
        for subject in changed.keys() ^ said:
            what = f"{subject} was changed and its sender not told, or the other way round"
            self._fail(what, *([by[subject]] if subject in by else answers))
        for subject in changed.keys() & said:
            request = by[subject]
            self.report.done[request.entry] += 1
            if problem := changed[subject](request):
                self._fail(problem, request, answer=answers[request])

    def _changed(self) -> dict[str, Callable[[Request], str | None]]:
        """Return the bookings and chats that are not as they were made, each with its judge."""
        functions, bookings = self.functions, self.cast.bookings
        changed: dict[str, Callable[[Request], str | None]] = {}
        for made in bookings.by_id.values():
            if (order := functions.order(made.id)) != made:
                changed[made.id] = partial(
                    page_oracles.wrong_outcome, before=made, after=order, bookings=bookings
                )
        for chat in bookings.chats:
            if (told := functions.deliveries.get(chat.key)) != chat:
                changed[chat.key] = partial(oracles.wrong_chat, before=chat, after=told)
        return changed

    def _published(self) -> Iterator[QueuedMessage]:
        room = {f"test--{topic}": 1000 for topic in TOPICS}
        queue, now = self.functions.queue, self.functions.config.clock.now()
        for message in queue.lease(now, timedelta(minutes=5), room):
            queue.ack(message)
            yield message

    def _fresh_logs(self) -> Iterator[str]:
        """Return the lines that the functions have logged since the last call."""
        fresh: list[str] = []
        for path in sorted(self.functions.config.path.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._logged.get(path.name, 0))
                lines = log.read().decode(errors="replace").splitlines()
                self._logged[path.name] = log.tell()
            fresh += (f"{path.stem} logged: {line}" for line in lines)
        return iter(fresh)

    def _fail(self, what: str, *requests: Request, answer: Answer | None = None) -> None:
        self.report.failures.append(Failure(what, requests, answer))

    def _memory(self) -> dict[str, float]:
        return {
            name: sum(state.resident_mib([process.pid]).values())
            for name, process in self.functions.processes.items()
        }

    def _look_at_processes(self, before: dict[str, float]) -> None:
        after = self._memory()
        for function in FUNCTIONS:
            name = function.name
            self.report.memory[name] = (before[name], after[name])
            if after[name] - before[name] > MAX_GROWTH_MIB:
                self._fail(f"{name} grew from {before[name]:.0f} to {after[name]:.0f} MiB")
            if set(state.resident_mib([self.functions.processes[name].pid])) != self._pids[name]:
                self._fail(f"{name}: a process died")


def _fate(answer: Answer, said: str) -> str:
    if answer.status == 204:
        return "handled"
    if said == "rejected":
        return "kept"
    if said == "retry":
        return "to come again"
    return "no push" if answer.status in _UNPROCESSED else "unclear"

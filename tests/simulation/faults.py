"""What goes wrong, how often in which seed, and the count of what really did."""

import random
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    """The kinds of faults: the first group strikes at a call of a port, the second in the world."""

    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call"
    ERROR = "error without effect"
    ERROR_AFTER = "error after success"
    TIMEOUT = "timeout without effect"
    TIMEOUT_AFTER = "timeout after success"
    RATE_LIMIT = "rate limit"
    REFUSED = "refused for good"
    STALL = "stall of minutes between calls"
    STALE = "stale read"
    CONFLICT = "transaction conflict"
    PARTIAL = "only some events published"

    DUPLICATE = "message delivered twice"
    DELAY = "message delayed"
    REORDER = "message overtaken"
    DEAD_LETTER = "message given up"
    WEBHOOK_DROPPED = "webhook lost"
    WEBHOOK_DUPLICATE = "webhook sent twice"
    WEBHOOK_DELAY = "webhook delayed"
    WEBHOOK_TIMEOUT = "webhook's answer too late"
    WEBHOOK_FORGED = "webhook forged"
    WEBHOOK_BEFORE_RECORD = "webhook before our record"
    WEBHOOK_BEFORE_API = "webhook before Xendit's API knows"
    PAID_LATE = "paid after expiry"
    PAID_WRONG = "wrong amount paid"
    ROOM_SLOW = "room pending for long"
    ROOM_FAILED = "room failed"
    EVENT_DELETED = "event deleted by hand"
    NO_BALANCE = "no money left to refund with"
    REFUND_FAILED = "refund failed"
    CHAT_UNDELIVERED = "chat message not delivered"
    OLD_LINK = "old link followed"
    DOUBLE_CLICK = "link followed twice at once"
    RACE = "two people act at once"
    PUBLISHED_TWICE = "order published twice"
    ID_REUSED = "order id used again"
    CLOCK_JUMP = "clock jump"
    TICK_MISSED = "tick missed"
    DEPLOY = "deploy in mid-flight"


Call = tuple[str, str]

_VENDORS: tuple[Call, ...] = (
    ("invoices", "create"),
    ("invoices", "get"),
    ("invoices", "find"),
    ("invoices", "expire"),
    ("meetings", "ensure"),
    ("meetings", "get"),
    ("meetings", "cancel"),
    ("refunds", "refund"),
    ("refunds", "get"),
    ("calendars", "busy"),
    ("messenger", "send"),
    ("mailer", "draft"),
    ("mailer", "send"),
    ("mailer", "discard"),
)
_OURS: tuple[Call, ...] = (
    ("orders", "get"),
    ("orders", "transact"),
    ("orders", "due_for_reminder"),
    ("orders", "due_for_check"),
    ("orders", "changed_since"),
    ("orders", "waiting_for_admin"),
    ("orders", "days"),
    ("availability", "get"),
    ("deliveries", "get"),
    ("deliveries", "transact"),
    ("events", "publish"),
    ("rejected", "keep"),
)
CALLS = (*_OURS, *_VENDORS)
_STALE_READS = (
    ("orders", "get"),
    ("orders", "due_for_reminder"),
    ("orders", "due_for_check"),
    ("deliveries", "get"),
)

# Which fault can strike at which calls.
AT_CALLS: Mapping[Fault, tuple[Call, ...]] = {
    Fault.CRASH_BEFORE: CALLS,
    Fault.CRASH_AFTER: CALLS,
    Fault.ERROR: CALLS,
    Fault.ERROR_AFTER: CALLS,
    Fault.TIMEOUT: CALLS,
    Fault.TIMEOUT_AFTER: CALLS,
    Fault.STALL: CALLS,
    Fault.CLOCK_JUMP: CALLS,
    Fault.RATE_LIMIT: _VENDORS,
    Fault.REFUSED: (
        ("invoices", "create"),
        ("meetings", "ensure"),
        ("refunds", "refund"),
        ("messenger", "send"),
        ("mailer", "draft"),
    ),
    Fault.STALE: _STALE_READS,
    Fault.CONFLICT: (("orders", "transact"), ("deliveries", "transact")),
    Fault.PARTIAL: (("events", "publish"),),
}
# Not drawn for every call: it takes a call with several events.
_CHOSEN_BY_PORT = frozenset({Fault.PARTIAL})
PAIRS = tuple((fault, *call) for fault, calls in AT_CALLS.items() for call in calls)
# Refusals end in front of the admin, which hides other faults: they are rarer.
_RARER = {Fault.REFUSED: 0.8}
# Seldom called: a fault comes more often there, to come at all.
_RARE_CALLS = frozenset(
    {
        ("invoices", "expire"),
        ("invoices", "get"),
        ("meetings", "cancel"),
        ("refunds", "refund"),
        ("refunds", "get"),
        ("orders", "changed_since"),
        ("orders", "waiting_for_admin"),
        ("orders", "days"),
        ("mailer", "discard"),
        ("rejected", "keep"),
    }
)
_LEVELS = (0.0, 0.005, 0.02, 0.05, 0.12)


class Weather:
    """The faults of one seed: some seeds are calm, some stormy, and each lacks some kinds."""

    def __init__(self, chance: random.Random) -> None:
        self.level = chance.choice(_LEVELS)
        self.calm = False
        self.fired: Counter[tuple[Fault, str, str]] = Counter()
        self._chance = chance
        weights = {fault: chance.choice((0.0, 1.0, 1.0, 3.0)) for fault in Fault}
        self._weights = {f: w * _RARER.get(f, 1.0) for f, w in weights.items()}
        self._at: dict[Call, tuple[list[Fault], list[float]]] = {}
        for call in CALLS:
            kinds = [
                f for f, calls in AT_CALLS.items() if call in calls and f not in _CHOSEN_BY_PORT
            ]
            self._at[call] = (kinds, [self._weights[kind] for kind in kinds])

    def at_call(self, port: str, method: str) -> Fault | None:
        """Return the fault that is to strike at this call."""
        often = 4.0 if (port, method) in _RARE_CALLS else 1.0
        if self.calm or self._chance.random() >= self.level * often:
            return None
        kinds, weights = self._at[port, method]
        if not any(weights):
            return None
        return self._chance.choices(kinds, weights)[0]

    def strikes(self, fault: Fault, probability: float) -> bool:
        """Whether a fault of the world happens now; ``probability`` is that of a rough seed."""
        if self.calm or not self.level:
            return False
        severity = 0.3 + 10.0 * self.level
        return self._chance.random() < probability * self._weights[fault] * severity

    def fire(self, fault: Fault, port: str = "world", method: str = "") -> None:
        """Count a fault that has really happened."""
        self.fired[fault, port, method] += 1

"""The figures of many seeds together: what was reached, what went wrong, what never happened."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from shared.domain.order import TRANSITIONS, Status
from tests.simulation.faults import PAIRS, Fault
from tests.simulation.world import Outcome

_NEW = "new"
REACHABLE = frozenset(
    {(_NEW, Status.PENDING), (_NEW, Status.REJECTED), (Status.PENDING, Status.PAID)}
    | {(was, to) for was, reached in TRANSITIONS.items() for to in reached}
) - {(Status.PENDING, Status.CANCELLED)}  # nobody has a link to it yet


@dataclass
class Summary:
    """Sums over seeds. ``broken`` holds a seed's violations as text."""

    seeds: int = 0
    orders: int = 0
    steps: int = 0
    mails: int = 0
    chats: int = 0
    faults: Counter[tuple[Fault, str, str]] = field(default_factory=Counter)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    attention: Counter[str] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Add a seed."""
        self.seeds += 1
        self.orders += outcome.orders
        self.steps += outcome.steps
        self.mails += outcome.mails
        self.chats += outcome.chats
        self.faults.update(outcome.faults)
        self.transitions.update(outcome.transitions)
        self.statuses.update(outcome.statuses)
        self.attention.update(outcome.attention)
        self.refunds.update(outcome.refunds)
        self.actions.update(outcome.actions)
        self.refusals.update(outcome.refusals)
        if outcome.violations:
            self.broken[outcome.seed] = [
                f"{v.invariant}: {v.order_id} {v.detail}" for v in outcome.violations
            ]

    def merge(self, other: "Summary") -> None:
        """Add the sums of other seeds."""
        self.seeds += other.seeds
        self.orders += other.orders
        self.steps += other.steps
        self.mails += other.mails
        self.chats += other.chats
        self.faults.update(other.faults)
        self.transitions.update(other.transitions)
        self.statuses.update(other.statuses)
        self.attention.update(other.attention)
        self.refunds.update(other.refunds)
        self.actions.update(other.actions)
        self.refusals.update(other.refusals)
        self.broken.update(other.broken)

    @property
    def by_kind(self) -> Counter[Fault]:
        """How often each kind of fault happened."""
        kinds: Counter[Fault] = Counter()
        for (fault, _, _), count in self.faults.items():
            kinds[fault] += count
        return kinds

    @property
    def unreached_pairs(self) -> list[str]:
        """The faults that never struck at a call where they could have."""
        return [
            f"{fault} at {port}.{m}" for fault, port, m in PAIRS if not self.faults[fault, port, m]
        ]

    @property
    def unreached_transitions(self) -> list[str]:
        """The status changes that no order made."""
        return sorted(f"{was} → {to}" for was, to in REACHABLE if not self.transitions[was, to])

    def lines(self, seconds: float) -> Iterator[str]:
        """Yield the report."""
        yield f"{self.seeds:,} seeds in {seconds:.0f} s ({self.seeds / seconds:.1f} a second), {self.orders:,} orders, {self.mails:,} mails, {self.chats:,} chats, {self.steps:,} steps"
        yield from _table("orders at the end", self.statuses)
        yield from _table("put before the admin", self.attention)
        yield from _table("refunds at the end", self.refunds)
        yield from _table("done by links", self.actions)
        yield from _table("refused to links", self.refusals)
        yield from _table(
            "status changes", Counter({f"{a} → {b}": n for (a, b), n in self.transitions.items()})
        )
        yield from _table("faults that happened", Counter({str(f): self.by_kind[f] for f in Fault}))
        reached = len(PAIRS) - len(self.unreached_pairs)
        yield f"\npairs of fault and call reached: {reached} of {len(PAIRS)}"
        yield from _listed("never happened", self.unreached_pairs)
        yield from _listed("never made", self.unreached_transitions)
        yield f"\nviolations: {sum(map(len, self.broken.values()))} in {len(self.broken)} seeds"


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"\n{title}"
    for name, count in counts.most_common():
        yield f"  {count:>10,}  {name}"


def _listed(title: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f"  {title}: {name}" for name in names)

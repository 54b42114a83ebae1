"""One seed: a world is built, goes through its chaos, comes to rest, and is judged."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from functions.payment_callback.use_case import InvoiceCallback
from local.invariants import Violation
from shared.domain.invoice import Invoice
from shared.domain.notifications import Mail
from shared.domain.order import Order
from shared.errors import RetryableError
from shared.messages import PushedMessage
from tests.builders import NOW
from tests.fakes import FakeRejectedStore
from tests.simulation.courier import Courier
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, KilledError, Reply, Task, VirtualClock
from tests.simulation.people import People
from tests.simulation.ports import Conditions, Port
from tests.simulation.pubsub import ACK_DEADLINE_S, Queue
from tests.simulation.schedule import Job, Scheduler
from tests.simulation.steps import Deploy, Ports, Settings, deploy
from tests.simulation.stores import SimulatedDeliveries, SimulatedOrders
from tests.simulation.trace import Line, Trace
from tests.simulation.vendors import (
    SimulatedCalendar,
    SimulatedMailbox,
    SimulatedPublisher,
    SimulatedXendit,
)
from tests.simulation.verdict import Records, judge, order_named_in
from tests.simulation.watch import Watch

# Beyond the last session: the last look for a late payment is 25 h after an expiry.
AFTERMATH = timedelta(days=2)
_CLAIMS_S = (70, 90, 120)
_CHAOS_HOURS = (2, 12, 30, 54)
_LEADS = ((1440, 60, 10), (120, 30), (60, 10))
_POLLS = ((0.25, 0.5, 1.0, 2.0), (0.5,))


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a seed."""

    seed: int
    orders: int
    steps: int
    violations: tuple[Violation, ...]
    faults: Counter[tuple[Fault, str, str]]
    transitions: Counter[tuple[str, str]]
    statuses: Counter[str]
    attention: Counter[str]
    mails: int
    trace: tuple[Line, ...] = ()


class World:
    """Everything of one seed. ``build`` makes the deployed code; tests pass broken variants."""

    def __init__(self, seed: int, *, build: Deploy = deploy, traced: bool = False) -> None:
        self._seed = seed
        self._chance = random.Random(seed)
        self._kernel = Kernel(NOW)
        self._clock = VirtualClock(self._kernel)
        self._trace = Trace(self._kernel, on=traced)
        self._weather = Weather(self._chance)
        self._watch = Watch(self._kernel, self._trace)
        self._people = People(self._kernel, self._weather, self._chance, self._trace)
        self._courier = Courier(self._kernel, self._weather, self._chance, self._call)
        self._queue = Queue(self._kernel, self._weather, self._chance, self._push)
        self._build = build
        self._make_vendors()
        self._deploy()
        self._scheduler = Scheduler(
            self._kernel,
            self._weather,
            (
                Job("send_reminder", lambda order: order.next_reminder_at, self._remind),
                Job("reconcile_orders", lambda order: order.check_at, self._reconcile),
            ),
        )

    def _make_vendors(self) -> None:
        self._orders = SimulatedOrders(self._kernel, self._order_written)
        self._deliveries = SimulatedDeliveries(self._kernel)
        self._rejected = FakeRejectedStore()
        self._xendit = SimulatedXendit(self._clock, self._invoice_made)
        self._calendar = SimulatedCalendar(self._weather, self._chance, self._people.meeting_exists)
        self._mailbox = SimulatedMailbox(self._mail_sent)
        self._publisher = SimulatedPublisher(self._clock, self._queue.publish)
        self._watch.meet(self._xendit)
        self._people.meet(self._xendit, self._calendar, self._courier, self._queue)

    def _order_written(self, before: Order | None, order: Order) -> None:
        self._watch.order_written(before, order)
        self._scheduler.changed()

    def _invoice_made(self, invoice: Invoice) -> None:
        self._watch.invoice_made(invoice)
        self._people.invoice_exists(invoice)

    def _mail_sent(self, mail: Mail) -> None:
        self._watch.mail_sent(mail)
        self._people.mail_arrives(mail)

    def _deploy(self) -> None:
        """Put another version of the code in service; what runs goes on with its own."""
        conditions = Conditions(self._kernel, self._weather, self._chance, self._trace)
        ports = Ports(
            orders=Port("orders", self._orders, conditions),
            deliveries=Port("deliveries", self._deliveries, conditions),
            invoices=Port("invoices", self._xendit, conditions),
            meetings=Port("meetings", self._calendar, conditions),
            mailer=Port("mailer", self._mailbox, conditions),
            events=Port("events", self._publisher, conditions),
            rejected=Port("rejected", self._rejected, conditions),
            clock=self._clock,
        )
        self._settings = Settings(
            claim=timedelta(seconds=self._chance.choice(_CLAIMS_S)),
            leads=self._chance.choice(_LEADS),
            polls=self._chance.choice(_POLLS),
        )
        self._steps = self._build(ports, self._settings)

    def run(self) -> Outcome:
        """Live through it all."""
        self._people.plan_orders(self._chance.randint(2, 6))
        chaos = timedelta(hours=self._chance.choice(_CHAOS_HOURS))
        self._kernel.at(self._kernel.now + chaos, self._calm_down)
        horizon = self._people.last_session + chaos + AFTERMATH
        steps = 0
        while self._advance(horizon):
            steps += 1
        self._kernel.kill_all()
        return self._outcome(steps)

    def _calm_down(self) -> None:
        self._weather.calm = True
        self._trace.note("no more faults")

    def _advance(self, horizon: datetime) -> bool:
        orders = self._watch.orders.values()
        tick, planned = self._scheduler.next_at(orders), self._kernel.next_at()
        at = min((each for each in (tick, planned) if each), default=None)
        if at is None or at > horizon:
            return False
        if at == tick:
            self._kernel.now = max(self._kernel.now, at)
            self._scheduler.tick(orders)
        else:
            self._kernel.step()
        return True

    def _push(self, function: str, message: PushedMessage, answer: Answer) -> None:
        if self._weather.strikes(Fault.DEPLOY, 0.02):
            self._weather.fire(Fault.DEPLOY)
            self._kernel.after(self._chance.uniform(0.0, 3.0), self._deploy)
        steps, order_id = self._steps, order_named_in(message.data)
        name = f"{function} {message.id}/{message.delivery_attempt}"
        task = self._spawn(name, order_id, lambda: steps.receive(function, message), answer)
        if function == "create_invoice":
            self._watch.making_invoice(task, self._settings.claim)

    def _call(self, callback: InvoiceCallback, answer: Answer) -> None:
        steps, order_id = self._steps, callback.external_id
        name = f"payment_callback {callback.status}"
        self._spawn(name, order_id, lambda: steps.handle_callback(callback), answer)

    def _remind(self, at: datetime, done: Callable[[], None]) -> None:
        steps = self._steps
        self._spawn("send_reminder", "", lambda: steps.send_reminders(at), lambda _reply: done())

    def _reconcile(self, at: datetime, done: Callable[[], None]) -> None:
        steps = self._steps
        self._spawn(
            "reconcile_orders", "", lambda: steps.reconcile_orders(at), lambda _reply: done()
        )

    def _spawn(self, name: str, order_id: str, body: Callable[[], object], answer: Answer) -> Task:
        def run() -> None:
            try:
                body()
            except RetryableError as error:
                self._trace.note("gives back", str(error))
                answer(Reply.AGAIN)
            except KilledError as crash:
                self._trace.note("CRASH", str(crash))
                # The connection breaks off, or nobody notices before the caller's timeout.
                wait = self._chance.choice((0.0, ACK_DEADLINE_S))
                self._kernel.after(wait, lambda: answer(Reply.AGAIN))
            except Exception as error:  # noqa: BLE001 - the doors take unknown errors as retryable
                self._watch.unforeseen(name, order_id, error)
                answer(Reply.AGAIN)
            else:
                answer(Reply.DONE)

        return self._kernel.spawn(f"{name} {order_id}", run, order_id)

    def _outcome(self, steps: int) -> Outcome:
        records = Records(
            orders=tuple(self._orders.scan()),
            published=frozenset(self._people.published),
            deliveries=self._deliveries,
            rejected=self._rejected,
            xendit=self._xendit,
            calendar=self._calendar,
            mailbox=self._mailbox,
            dead=frozenset(self._queue.dead),
        )
        verdict = judge(records, self._kernel.now, undisturbed=not self._weather.level)
        return Outcome(
            seed=self._seed,
            orders=len(records.published),
            steps=steps,
            violations=(*self._watch.violations, *verdict),
            faults=self._weather.fired,
            transitions=self._watch.transitions,
            statuses=Counter(order.status for order in records.orders),
            attention=Counter(a.reason for order in records.orders for a in order.attention),
            mails=len(self._mailbox.sent),
            trace=tuple(self._trace.lines),
        )


def run_seed(seed: int, *, build: Deploy = deploy, traced: bool = False) -> Outcome:
    """Live through one seed."""
    return World(seed, build=build, traced=traced).run()

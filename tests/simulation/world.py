"""One seed: a world is built, goes through its chaos, comes to rest, and is judged."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from functions.payment_callback.refund_webhook import RefundCallback
from functions.payment_callback.use_case import InvoiceCallback
from local.evidence import SeenAction
from local.invariants import Violation
from shared.domain.invoice import Invoice
from shared.domain.notifications import Mail, TemplateMessage
from shared.domain.order import Order
from shared.domain.refund import Refund, RefundRequest
from shared.errors import ActionRefusedError, PermanentError, RetryableError
from shared.links import Link, Purpose
from shared.messages import PushedMessage
from shared.whatsapp_webhook import MessageStatus
from tests.builders import NOW
from tests.fakes import FakeAvailabilityStore, FakeRejectedStore
from tests.simulation.courier import Courier
from tests.simulation.fates import ChatFates, RefundFates
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, KilledError, Reply, Task, VirtualClock
from tests.simulation.lives import calendars_of, hours_of, unreachable_phones
from tests.simulation.people import People
from tests.simulation.ports import Conditions, Port
from tests.simulation.pubsub import ACK_DEADLINE_S, Queue
from tests.simulation.readers import Readers
from tests.simulation.schedule import Daily, Job, Scheduler
from tests.simulation.steps import Choose, Deploy, Ports, Settings, deploy
from tests.simulation.stores import SimulatedDeliveries, SimulatedOrders
from tests.simulation.trace import Line, Trace
from tests.simulation.vendors import (
    PlainVault,
    SimulatedBusy,
    SimulatedCalendar,
    SimulatedMailbox,
    SimulatedPhones,
    SimulatedPublisher,
    SimulatedRefunds,
    SimulatedXendit,
)
from tests.simulation.verdict import LINK, Records, judge, order_named_in
from tests.simulation.watch import Watch

# Beyond the last session: a mentee may choose for three days, and a refund may take one; the last
# look for a late payment is 25 h after an end.
AFTERMATH = timedelta(days=6)
_CLAIMS_S = (70, 90, 120)
_CHAOS_HOURS = (2, 12, 30, 54)
_LEADS = ((1440, 60, 10), (120, 30), (60, 10))
_POLLS = ((0.25, 0.5, 1.0, 2.0), (0.5,))
# Mostly mentors are not asked.
_ANSWER_HOURS = (None, None, None, 1, 12)
_REFUND_UNTIL_HOURS = (2, 24)
_MOVE_UNTIL_HOURS = (1, 6)
_WHATSAPP = 0.7
_DIGEST_DAYS = 3


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
    chats: int
    refunds: Counter[str]
    # What people did by links, and why they could not.
    actions: Counter[str]
    refusals: Counter[str]
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
        self._refusals: Counter[str] = Counter()
        self._answer_hours = self._chance.choice(_ANSWER_HOURS)
        self._whatsapp = self._chance.random() < _WHATSAPP
        self._build = build
        self._make_people()
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
        self._daily = Daily(self._kernel, self._weather, self._send_digest)

    def _make_people(self) -> None:
        about = (self._kernel, self._weather, self._chance)
        self._people = People(*about, self._trace)
        self._readers = Readers(*about, self._trace)
        self._courier = Courier(*about, self._call)
        self._queue = Queue(*about, self._push)
        self._refund_fates = RefundFates(*about, self._trace, self._call_refund)
        self._chat_fates = ChatFates(*about, self._courier, self._call_statuses)

    def _make_vendors(self) -> None:
        self._orders = SimulatedOrders(self._kernel, self._order_written)
        self._deliveries = SimulatedDeliveries(self._kernel)
        self._rejected = FakeRejectedStore()
        self._availability = FakeAvailabilityStore()
        self._xendit = SimulatedXendit(self._clock, self._invoice_made)
        self._refunds = SimulatedRefunds(self._xendit, self._weather, self._refund_started)
        self._calendar = SimulatedCalendar(self._weather, self._chance, self._people.meeting_exists)
        self._busy = SimulatedBusy(self._calendar)
        self._mailbox = SimulatedMailbox(self._mail_sent)
        self._phones = SimulatedPhones(self._chat_sent)
        self._publisher = SimulatedPublisher(self._clock, self._queue.publish)
        for hours in hours_of(self._chance):
            self._availability.put(hours)
        self._busy.times.update(calendars_of(self._chance, self._kernel.now))
        self._phones.unreachable.update(unreachable_phones(self._chance))
        self._watch.meet(self._xendit)
        self._people.meet(self._xendit, self._refunds, self._calendar, self._courier, self._queue)
        self._readers.meet(self._watch.orders, self._follow)
        self._refund_fates.meet(self._refunds, self._courier)

    def _order_written(self, before: Order | None, order: Order) -> None:
        self._watch.order_written(before, order)
        self._scheduler.changed()

    def _invoice_made(self, invoice: Invoice) -> None:
        self._watch.invoice_made(invoice)
        self._people.invoice_exists(invoice)

    def _refund_started(self, request: RefundRequest, refund: Refund) -> None:
        self._watch.refund_started(request)
        self._refund_fates.started(request, refund)

    def _mail_sent(self, mail: Mail) -> None:
        self._watch.message_sent(mail.key)
        self._read(mail.key, mail.text)

    def _chat_sent(self, message: TemplateMessage, message_id: str) -> None:
        self._watch.message_sent(message.key)
        if self._chat_fates.sent(message, message_id):
            self._read(message.key, " ".join(message.parameters))

    def _read(self, key: str, text: str) -> None:
        self._people.message_arrives(key, text)
        self._readers.message_arrives(key, LINK.findall(text))

    def _deploy(self) -> None:
        """Put another version of the code in service; what runs goes on with its own."""
        conditions = Conditions(self._kernel, self._weather, self._chance, self._trace)
        ports = Ports(
            orders=Port("orders", self._orders, conditions),
            deliveries=Port("deliveries", self._deliveries, conditions),
            availability=Port("availability", self._availability, conditions),
            calendars=Port("calendars", self._busy, conditions),
            invoices=Port("invoices", self._xendit, conditions),
            refunds=Port("refunds", self._refunds, conditions),
            meetings=Port("meetings", self._calendar, conditions),
            mailer=Port("mailer", self._mailbox, conditions),
            messenger=Port("messenger", self._phones, conditions),
            events=Port("events", self._publisher, conditions),
            rejected=Port("rejected", self._rejected, conditions),
            vault=PlainVault(),
            clock=self._clock,
        )
        hours = self._answer_hours
        self._settings = Settings(
            claim=timedelta(seconds=self._chance.choice(_CLAIMS_S)),
            leads=self._chance.choice(_LEADS),
            polls=self._chance.choice(_POLLS),
            answer_within=None if hours is None else timedelta(hours=hours),
            refund_until=timedelta(hours=self._chance.choice(_REFUND_UNTIL_HOURS)),
            move_until=timedelta(hours=self._chance.choice(_MOVE_UNTIL_HOURS)),
            whatsapp=self._whatsapp,
        )
        self._steps = self._build(ports, self._settings)

    def run(self) -> Outcome:
        """Live through it all."""
        self._people.plan_orders(self._chance.randint(2, 6))
        self._daily.plan(_DIGEST_DAYS)
        chaos = timedelta(hours=self._chance.choice(_CHAOS_HOURS))
        self._kernel.at(self._kernel.now + chaos, self._calm_down)
        steps = 0
        while self._advance(chaos + AFTERMATH):
            steps += 1
        self._kernel.kill_all()
        return self._outcome(steps)

    def _calm_down(self) -> None:
        self._weather.calm = True
        self._trace.note("no more faults")

    def _advance(self, beyond: timedelta) -> bool:
        horizon = max(self._people.last_session, self._watch.last_session) + beyond
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

    def _call_refund(self, callback: RefundCallback, answer: Answer) -> None:
        steps, order_id = self._steps, callback.order_id or ""
        name = f"payment_callback {callback.event}"
        self._spawn(name, order_id, lambda: steps.handle_refund_callback(callback), answer)

    def _call_statuses(self, statuses: tuple[MessageStatus, ...], answer: Answer) -> None:
        steps, (order_id, *_) = self._steps, statuses[0].key.split(":")
        name = f"track_delivery {statuses[0].progress}"
        self._spawn(name, order_id, lambda: steps.track_delivery(statuses), answer)

    def _follow(self, purpose: Purpose, link: Link, choose: Choose) -> None:
        """Let somebody follow a link; a page that could not do it says so, and that is the end."""
        steps = self._steps
        action = SeenAction(
            order_id=link.order_id,
            purpose=purpose,
            revision=link.revision,
            invoice_id=link.invoice_id,
        )

        def body() -> None:
            try:
                steps.follow(purpose, link, choose)
            except ActionRefusedError as refused:
                self._trace.note("is refused", refused.reason)
                self._refusals[refused.reason] += 1

        name = f"manage_booking {purpose}"
        self._spawn(name, link.order_id, body, self._try_again(purpose, link, choose), action)

    def _try_again(self, purpose: Purpose, link: Link, choose: Choose) -> Answer:
        """Return what somebody does whose page did not come: mostly the same once more."""

        def answered(reply: Reply) -> None:
            if reply is Reply.AGAIN and self._chance.random() < 0.8:
                wait = self._chance.choice((1.0, 20.0, 600.0))
                self._kernel.after(wait, partial(self._follow, purpose, link, choose))

        return answered

    def _remind(self, at: datetime, done: Callable[[], None]) -> None:
        steps = self._steps
        self._spawn("send_reminder", "", lambda: steps.send_reminders(at), lambda _reply: done())

    def _reconcile(self, at: datetime, done: Callable[[], None]) -> None:
        steps = self._steps
        self._spawn(
            "reconcile_orders", "", lambda: steps.reconcile_orders(at), lambda _reply: done()
        )

    def _send_digest(self, at: datetime, answer: Answer) -> None:
        steps = self._steps

        def body() -> None:
            try:
                steps.send_digest(at)
            except PermanentError as error:
                self._trace.note("goes without", str(error))

        self._spawn("send_digest", "", body, answer)

    def _spawn(
        self,
        name: str,
        order_id: str,
        body: Callable[[], object],
        answer: Answer,
        action: SeenAction | None = None,
    ) -> Task:
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

        return self._kernel.spawn(f"{name} {order_id}", run, order_id, action)

    def _outcome(self, steps: int) -> Outcome:
        records = Records(
            orders=tuple(self._orders.scan()),
            days=tuple(self._orders.all_days()),
            published=frozenset(self._people.published),
            deliveries=self._deliveries,
            rejected=self._rejected,
            xendit=self._xendit,
            refunds=self._refunds,
            calendar=self._calendar,
            mailbox=self._mailbox,
            phones=self._phones,
            undelivered=frozenset(self._chat_fates.undelivered),
            watch=self._watch,
            dead=frozenset(self._queue.dead),
        )
        verdict = judge(records, self._kernel.now, undisturbed=not self._weather.level)
        owed = (refund.state for order in records.orders for refund in order.refunds)
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
            chats=len(self._phones.sent),
            refunds=Counter(owed),
            actions=Counter(action.purpose for action in self._watch.actions),
            refusals=self._refusals,
            trace=tuple(self._trace.lines),
        )


def run_seed(seed: int, *, build: Deploy = deploy, traced: bool = False) -> Outcome:
    """Live through one seed."""
    return World(seed, build=build, traced=traced).run()

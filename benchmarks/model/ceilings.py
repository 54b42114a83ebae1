"""How much of each resource the busiest minutes take, and which one gives out first: arithmetic."""

from collections.abc import Mapping
from math import exp

import msgspec

from benchmarks.model.demand import ALL_KINDS, KINDS, Demand
from benchmarks.model.parameters import Latency, Parameters
from benchmarks.model.pipeline import TICK_EVERY_S, TICK_LASTS_S
from benchmarks.model.profile import peak_rate
from benchmarks.model.slice import Setup
from shared.domain.reminders import DEFAULT_LEAD_MINUTES

# functions/reconcile_orders/use_case.py: LEAVE_OF_BUDGET.
_SHARE_OF_XENDIT = 0.5
# A reminder counts as on time for a fifth of its lead: shared/domain/reminders.py.
_REMINDER_PATIENCE_S = 0.2 * 60 * min(DEFAULT_LEAD_MINUTES)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource: ``used`` and ``capacity`` in the same unit at the peak, and what it ends.

    ``orders_a_day`` is where it is full. ``stops_sales`` is false where only healing or punctuality
    suffers. ``raised_by`` names what lifts it.
    """

    name: str
    used: float
    capacity: float
    orders_a_day: float
    stops_sales: bool = True
    raised_by: str = ""

    @property
    def utilisation(self) -> float:
        """The share that is used; above 1 it is overloaded."""
        return self.used / self.capacity


def mean(latency: Latency) -> float:
    """Return the mean of a log-normal time."""
    return latency.median * exp(latency.sigma**2 / 2)


def request_s(name: str, parameters: Parameters, processor_s: Mapping[str, float]) -> float:
    """Return how long a kind of request, or a look of a tick, takes where nothing waits."""
    kind = ALL_KINDS[name]
    calls = sum(mean(_latency(place, parameters)) for place in kind.calls)
    return calls + processor_s[name] * parameters.cloud_run.processor_factor


def resources(
    orders_a_day: float,
    setup: Setup,
    parameters: Parameters,
) -> list[Resource]:
    """Return every resource as it is at this volume's peak, the fullest first."""
    rate = peak_rate(parameters.day.hours, orders_a_day)
    found = [
        *_services(rate, setup, parameters),
        *_ticks(rate, setup, parameters),
        *_vendors(rate, setup.demand, parameters),
        *_stores(rate, setup.demand, parameters),
        _gmail_day(orders_a_day, setup.demand, parameters),
        _reminders_of_an_hour(orders_a_day, setup, parameters),
    ]
    rated = [
        msgspec.structs.replace(one, orders_a_day=orders_a_day / one.utilisation) for one in found
    ]
    return sorted(rated, key=lambda one: -one.utilisation)


def _resource(name: str, used: float, capacity: float, raised_by: str, **more: bool) -> Resource:
    return Resource(
        name=name, used=used, capacity=capacity, orders_a_day=0.0, raised_by=raised_by, **more
    )


def _services(
    rate: float,
    setup: Setup,
    parameters: Parameters,
) -> list[Resource]:
    found = []
    for function in dict.fromkeys(kind.function for kind in KINDS.values()):
        own = {
            n: t * rate for n, t in setup.demand.requests.items() if KINDS[n].function == function
        }
        at_once = sum(r * request_s(n, parameters, setup.processor_s) for n, r in own.items())
        busy = sum(r * setup.processor_s[n] for n, r in own.items())
        how = setup.scaling[function]
        places = how.max_instances * how.concurrency
        found += [
            _resource(f"requests of {function}", at_once, places, "max_instances"),
            _resource(
                f"processor of {function}", busy / how.speed, how.max_instances, "max_instances"
            ),
        ]
    return found


def _ticks(rate: float, setup: Setup, parameters: Parameters) -> list[Resource]:
    looking = sum(
        setup.demand.looks[name] * request_s(name, parameters, setup.processor_s)
        for name in ("look_xendit", "look_calendar")
    )
    return [
        _resource(
            "time of reconcile_orders",
            rate * looking,
            TICK_LASTS_S / TICK_EVERY_S,
            "looking at several orders at once",
            stops_sales=False,
        )
    ]


def _vendors(rate: float, demand: Demand, parameters: Parameters) -> list[Resource]:
    limits, calls = parameters.limits, demand.calls
    units = calls["gmail_draft"] * limits.gmail_draft_units
    units += calls["gmail_send"] * limits.gmail_send_units
    calendar = calls["calendar_insert"] + calls["calendar_get"]
    a_minute = rate * 60
    return [
        _resource("Xendit, creating", a_minute, limits.xendit_create, "asking Xendit"),
        _resource(
            "Xendit, reading", calls["xendit_get"] * a_minute, limits.xendit_get, "asking Xendit"
        ),
        _resource(
            "Xendit, finding",
            calls["xendit_find"] * a_minute,
            limits.xendit_find * _SHARE_OF_XENDIT,
            "asking Xendit",
            stops_sales=False,
        ),
        _resource("Calendar, user", calendar * a_minute, limits.calendar_user, "more users"),
        _resource(
            "Calendar, project", calendar * a_minute, limits.calendar_project, "asking Google"
        ),
        _resource("Gmail, minute", units * a_minute, limits.gmail_units, "a mail service"),
        _resource(
            "WhatsApp, if on",
            demand.mails * parameters.order.whatsapp_share * rate,
            limits.whatsapp_a_second,
            "asking Meta",
        ),
    ]


def _stores(rate: float, demand: Demand, parameters: Parameters) -> list[Resource]:
    limits = parameters.limits
    return [
        _resource(
            "Firestore, index on check_at",
            demand.order_writes * rate,
            limits.firestore_writes_a_second,
            "a shard in front of the indexed timers",
        ),
        _resource(
            "Firestore, busiest mentor's day",
            rate * parameters.order.busiest_mentor_share,
            limits.firestore_document_writes_a_second,
            "a document for each slot",
        ),
    ]


def _gmail_day(orders_a_day: float, demand: Demand, parameters: Parameters) -> Resource:
    used = demand.mails * orders_a_day
    return _resource("Gmail, day", used, parameters.limits.gmail_mails_a_day, "a mail service")


def _reminders_of_an_hour(
    orders_a_day: float,
    setup: Setup,
    parameters: Parameters,
) -> Resource:
    """Return the burst at a full hour, of two lead times, which one tick after another works off."""
    sold = peak_rate(parameters.day.hours, orders_a_day) * setup.demand.requests["create_meeting"]
    burst = sold * 3600 * parameters.order.sessions_on_the_hour * (len(DEFAULT_LEAD_MINUTES) - 1)
    capacity = _REMINDER_PATIENCE_S / request_s("remind", parameters, setup.processor_s)
    return _resource(
        "reminders at the full hour",
        burst,
        capacity,
        "several orders at once",
        stops_sales=False,
    )


def _latency(place: str, parameters: Parameters) -> Latency:
    return parameters.latency["xendit" if place.startswith("xendit") else place]

"""What each function loads, exactly: by the time that it is imported, and by its first answer.

The first answer is to the request that is measured, too: a real one that is handled to its end, with
the vendors' simulators behind it. Flask always brings jinja2 along.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks.cold_start.modules import Loaded, loaded, third_party
from benchmarks.scene import NAMES, Request, Scene, scene
from local.staging import stage
from local.topology import FUNCTIONS
from shared.domain.dead_letters import DEAD_LETTER
from shared.domain.deliveries import Delivery
from shared.domain.order import MoneyBackState, Order, Status

# functions-framework with Flask, and msgspec.
EVERYWHERE = {
    "blinker",
    "click",
    "cloudevents",
    "deprecation",
    "flask",
    "functions_framework",
    "google",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "msgspec",
    "packaging",
    "typing_extensions",
    "werkzeug",
}
WORDS = {"babel", "pytz"}
AT_IMPORT = {"manage_booking": WORDS, "send_notification": WORDS, "send_digest": WORDS}
XENDIT = {"dateutil", "urllib3", "xendit"}
VAULT = {"_cffi_backend", "_openssl", "cryptography"}
GOOGLE = VAULT | {
    "certifi",
    "google_auth_httplib2",
    "googleapiclient",
    "httplib2",
    "pyparsing",
    "uritemplate",
}
FOR_THE_ANSWER = {
    "create_invoice": XENDIT,
    "payment_callback": XENDIT,
    "create_meeting": GOOGLE,
    "close_order": GOOGLE,
    "refund_payment": XENDIT,
    "reconcile_orders": XENDIT | GOOGLE,
    "send_notification": GOOGLE,
    "send_digest": GOOGLE,
}
# Below packages that are there anyway.
NEVER_ON_EMBEDDED = ("google.cloud.firestore", "google.pubsub_v1", "grpc", "opentelemetry")


Answers = Callable[[str], tuple[Request, Loaded]]


class Left:
    """What a request has left behind."""

    def __init__(self, world: Scene, request: Request) -> None:
        self._world = world
        self.before = request.order

    @property
    def order(self) -> Order:
        found = self._world.orders.get(self.before.id)
        assert found is not None
        return found

    def delivery(self, what: str, about: str | None = None) -> Delivery:
        found = self._world.deliveries.get(f"{about or self.before.id}:{what}")
        assert found is not None
        return found

    @property
    def day(self) -> str:
        at = self.before.changed_at
        return at.astimezone(ZoneInfo("Asia/Jakarta")).date().isoformat()


# The last thing that each of them writes.
IS_DONE: Mapping[str, Callable[[Left], bool]] = {
    "create_invoice": lambda left: left.order.status is Status.INVOICED,
    "payment_callback": lambda left: left.order.status is Status.PAID,
    "create_meeting": lambda left: left.order.status is Status.SCHEDULED,
    # A page is shown, which changes nothing.
    "manage_booking": lambda left: left.order == left.before,
    "close_order": lambda left: (
        bool(left.before.obsolete_events) and not left.order.obsolete_events
    ),
    "refund_payment": lambda left: left.order.refunds[0].state is MoneyBackState.STARTED,
    "send_reminder": lambda left: left.order.next_reminder_at != left.before.next_reminder_at,
    "reconcile_orders": lambda left: left.order.check_at != left.before.check_at,
    "send_notification": lambda left: left.delivery("invoice_ready:mentee:email").arrived,
    "track_delivery": lambda left: not left.delivery("payment_received:mentee:whatsapp").arrived,
    "send_digest": lambda left: left.delivery("digest:admin:email", left.day).arrived,
    "keep_dead_letter": lambda left: left.order.has_attention(DEAD_LETTER),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("ceilings")) as world:
        yield world


@pytest.fixture(scope="module")
def answers(world: Scene, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Return what lets each function answer one request, once."""

    @cache
    def answer(name: str) -> tuple[Request, Loaded]:
        request, staged = world.request(name), stage(name, tmp_path_factory.mktemp(name))
        return request, loaded(name, staged, world.config, request)

    return answer


def packages(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in third_party(modules)}


def test_every_function_is_asked() -> None:
    assert sorted(NAMES) == sorted(function.name for function in FUNCTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_only_what_its_work_needs(name: str, answers: Answers) -> None:
    _, seen = answers(name)
    at_import = EVERYWHERE | AT_IMPORT.get(name, set())
    assert packages(seen.imported) == at_import
    assert packages(seen.answered) == at_import | FOR_THE_ANSWER.get(name, set())
    assert [m for m in seen.answered if m.startswith(NEVER_ON_EMBEDDED)] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_it_is_asked_is_done_to_its_end(name: str, world: Scene, answers: Answers) -> None:
    request, seen = answers(name)
    assert request.is_answered_by(seen.status, seen.said), seen.said
    assert IS_DONE[name](Left(world, request))


@pytest.mark.parametrize("name", NAMES)
def test_no_garbage_is_looked_for_before_the_first_answer(name: str, answers: Answers) -> None:
    _, seen = answers(name)
    assert seen.collections == 0


def test_garbage_would_be_looked_for_before_the_first_answer(world: Scene, tmp_path: Path) -> None:
    staged = stage("send_digest", tmp_path / "staged")
    main = staged / "main.py"
    main.write_text(main.read_text().replace("garbage.expect_loading()", ""))
    assert loaded("send_digest", staged, world.config, world.request("send_digest")).collections > 0


def test_another_answer_is_noticed(world: Scene) -> None:
    request = world.request("track_delivery")
    assert request.is_answered_by(200, '{"outcome": "handled", "undelivered": 1}')
    assert not request.is_answered_by(200, '{"outcome": "handled", "undelivered": 0}')
    assert not request.is_answered_by(503, '{"outcome": "handled", "undelivered": 1}')

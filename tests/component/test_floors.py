"""What processor time is measured against: each floor calls what its function calls, no more."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from benchmarks.cpu_per_event.calls import Recorded
from benchmarks.cpu_per_event.floors import FLOORS
from benchmarks.cpu_per_event.run import asked
from benchmarks.scene import CANCELLING, scene
from benchmarks.scene.emulators import started_emulators
from local.emulators import Emulators

# Of each function, ours and the floor's.
Calls = Mapping[str, tuple[Recorded, Recorded]]

GET = "/google.firestore.v1.Firestore/BatchGetDocuments"
COMMIT = "/google.firestore.v1.Firestore/Commit"
QUERY = "/google.firestore.v1.Firestore/RunQuery"
PUBLISH = "/google.pubsub.v1.Publisher/Publish"
DRAFT = "POST /gmail/v1/users/me/drafts"
SEND = "POST /gmail/v1/users/me/drafts/send"
EVENTS = "/calendar/v3/calendars/primary/events"
REQUESTS = {
    "create_invoice": [GET, GET, COMMIT, "POST /v2/invoices/", COMMIT, PUBLISH],
    "payment_callback": [GET, "GET /v2/invoices/{id}", GET, COMMIT, PUBLISH],
    "create_meeting": [GET, f"POST {EVENTS}", COMMIT, PUBLISH],
    "manage_booking": [GET],
    CANCELLING: [GET, GET, COMMIT, PUBLISH, PUBLISH],
    "close_order": [GET, f"DELETE {EVENTS}/{{id}}", COMMIT, PUBLISH],
    "refund_payment": [GET, "POST /refunds", COMMIT, PUBLISH],
    "send_reminder": [QUERY, PUBLISH, COMMIT, QUERY],
    "reconcile_orders": [
        *(QUERY, f"GET {EVENTS}/{{id}}", GET, GET, GET, COMMIT),
        *("GET /v2/invoices", GET, COMMIT, QUERY),
    ],
    "send_notification": [GET, GET, DRAFT, COMMIT, SEND, COMMIT],
    "track_delivery": [GET, COMMIT, PUBLISH],
    "send_digest": [GET, QUERY, QUERY, DRAFT, COMMIT, SEND, COMMIT],
    "keep_dead_letter": [COMMIT, GET, COMMIT, PUBLISH],
}
# With the vendors' requests, and BEGIN and COMMIT.
STATEMENTS = {
    "create_invoice": 16,
    "payment_callback": 11,
    "create_meeting": 10,
    "manage_booking": 1,
    CANCELLING: 13,
    "close_order": 10,
    "refund_payment": 10,
    "send_reminder": 10,
    "reconcile_orders": 16,
    "send_notification": 12,
    "track_delivery": 8,
    "send_digest": 13,
    "keep_dead_letter": 10,
}
# Ids and texts of an order differ a little from one to the next.
SAME_SIZE = pytest.approx(1, abs=0.1)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    with scene(tmp_path_factory.mktemp("embedded")) as world:
        calls: Calls = asked("calls", world.config)
        return calls


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory, emulators: Emulators) -> Calls:
    folder, named = tmp_path_factory.mktemp("emulator"), emulators.environment
    with scene(folder, "emulator", emulators=named) as world:
        calls: Calls = asked("calls", world.config)
        return calls


def assert_same(ours: Recorded, floor: Recorded) -> None:
    assert [call for call, _ in floor] == [call for call, _ in ours]
    assert [a / b for (_, a), (_, b) in zip(floor, ours, strict=True)] == [SAME_SIZE] * len(ours)


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_runs_the_same_statements(name: str, embedded: Calls) -> None:
    ours, floor = embedded[name]
    assert len(ours) == STATEMENTS[name]
    assert_same(ours, floor)


@pytest.mark.emulator
@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_sends_the_same_requests_to_google(name: str, google: Calls) -> None:
    ours, floor = google[name]
    assert [call for call, _ in ours] == REQUESTS[name]
    assert_same(ours, floor)


def test_it_is_said_when_there_are_no_emulators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = io.StringIO()
    with (
        Progress(console=Console(file=said, width=200)) as progress,
        started_emulators(tmp_path, progress) as named,
    ):
        assert named == {}
    assert "Nothing is measured with production's clients: not installed: gcloud" in said.getvalue()

"""The simulator of WhatsApp: checks as Meta does, tells what becomes of messages, shows phones."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.records import Records
from local.simulators.whatsapp.catalogue import Catalogue
from local.simulators.whatsapp.wire import GraphError
from shared.whatsapp_webhook import Progress, is_signed, read_webhook
from tests.fakes import FakeClock
from tests.vendors import Vendor, served
from tests.whatsapp import (
    ACCESS_TOKEN,
    APP_SECRET,
    FAILS_LATER,
    PHONE_NUMBER_ID,
    REFUSED,
    served_whatsapp,
)

KEY = "NUS-1:session_scheduled:mentee:whatsapp"
PATIENCE_S = 5.0


def body(**changes: Any) -> dict[str, Any]:
    parameters = [
        {"type": "text", "text": text} for text in ("Sari", "Data", "https://a.example/x")
    ]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "6281234567890",
        "type": "template",
        "template": {
            "name": "session_scheduled",
            "language": {"code": "id"},
            "components": [{"type": "body", "parameters": parameters}],
        },
        "biz_opaque_callback_data": KEY,
    } | changes


def filled(*texts: str, **changes: Any) -> dict[str, Any]:
    """Return a template filled with these words."""
    parameters = [{"type": "text", "text": text} for text in texts]
    components = [{"type": "body", "parameters": parameters}]
    return {**body()["template"], "components": components, **changes}


class World:
    """The simulator, and the receiver of its webhooks, which answers what it is told."""

    def __init__(self, vendor: Vendor, clock: FakeClock, receiver: "Receiver") -> None:
        self.vendor = vendor
        self.clock = clock
        self.receiver = receiver

    def post(self, content: dict[str, Any] | None = None, token: str = ACCESS_TOKEN) -> Any:
        url = f"{self.vendor.url}/v24.0/{PHONE_NUMBER_ID}/messages"
        headers = {"authorization": f"Bearer {token}"}
        sent = body() if content is None else content
        return self.vendor.admin.post(url, json=sent, headers=headers)

    def refusal(self, content: dict[str, Any]) -> tuple[int, int]:
        answer = self.post(content)
        assert self.messages() == []
        return answer.status_code, answer.json()["error"]["code"]

    def messages(self, **query: str) -> list[dict[str, Any]]:
        return list(self.vendor.ask("messages", **query)["messages"])

    def page(self, path: str) -> str:
        answer = self.vendor.admin.get(f"{self.vendor.url}{path}")
        assert answer.status_code == 200
        assert "<script" not in answer.text
        return answer.text

    def told(self, count: int) -> list[Progress]:
        """Wait for so many webhooks, and return what they tell."""
        until(lambda: len(self.receiver.bodies) >= count)
        return [
            read.progress for told in self.receiver.bodies for read in read_webhook(told).statuses
        ]


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signed: list[bool] = []
        self.answers: list[int] = []

    def forget(self) -> None:
        self.bodies.clear()
        self.signed.clear()
        self.answers.clear()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/webhook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        content = await request.body()
        self.bodies.append(content)
        signature = request.headers.get("x-hub-signature-256")
        self.signed.append(is_signed(content, signature, APP_SECRET))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def running(records: Records | None = None) -> Iterator[World]:
    clock, receiver = FakeClock(), Receiver()
    with (
        served(receiver.app()) as url,
        served_whatsapp(clock, callback_url=f"{url}/webhook", records=records) as vendor,
    ):
        yield World(vendor, clock, receiver)


@pytest.fixture(scope="module")
def started() -> Iterator[World]:
    with running() as world:
        yield world


@pytest.fixture
def world(started: World) -> World:
    started.vendor.reset()
    started.receiver.forget()
    return started


def test_a_message_is_accepted_and_kept_as_its_reader_sees_it(world: World) -> None:
    answer = world.post()
    assert answer.status_code == 200
    (message,) = world.messages()
    assert answer.json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "6281234567890", "wa_id": "6281234567890"}],
        "messages": [{"id": message["id"], "message_status": "accepted"}],
    }
    assert message["id"].startswith("wamid.")
    assert message["key"] == KEY
    assert message["to"] == "6281234567890"
    assert (message["template"], message["language"]) == ("session_scheduled", "id")
    assert message["text"] == "Hai Sari, sesimu *Data*: https://a.example/x"
    assert message["at"] == world.clock.now().isoformat().replace("+00:00", "Z")
    assert message["url"] == "http://whatsapp.example/phone/6281234567890"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"messaging_product": "sms"}, (400, 100)),
        ({"type": "text"}, (400, 100)),
        ({"to": "0812"}, (400, 100)),
        ({"to": ""}, (400, 100)),
        ({"recipient": "typo"}, (400, 100)),
        ({"biz_opaque_callback_data": "k" * 513}, (400, 100)),
        ({"template": {"name": "session_scheduled"}}, (400, 100)),
        ({"template": filled("a", "b", "c", name="unheard_of")}, (404, 132001)),
        ({"template": filled("a", "b", "c", language={"code": "fr"})}, (404, 132001)),
        ({"template": filled("a", "b")}, (400, 132000)),
        ({"template": filled("a", "b", "c", "d")}, (400, 132000)),
        ({"template": filled("a", " ", "c")}, (400, 131008)),
        ({"template": filled("a", "b\nb", "c")}, (400, 132018)),
        ({"template": filled("a", "b     b", "c")}, (400, 132018)),
        ({"template": filled("a", "b" * 1020, "c")}, (400, 132005)),
        ({"to": REFUSED.removeprefix("+")}, (400, 131026)),
    ],
)
def test_what_meta_would_refuse_is_refused(
    changes: dict[str, Any], refused: tuple[int, int], world: World
) -> None:
    assert world.refusal(body(**changes)) == refused


def test_a_stranger_is_refused(world: World) -> None:
    answer = world.post(token="wrong")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)
    bare = world.vendor.admin.post(f"{world.vendor.url}/v24.0/{PHONE_NUMBER_ID}/messages", json={})
    assert (bare.status_code, bare.json()["error"]["code"]) == (401, 190)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_json_object_is_refused(content: bytes, world: World) -> None:
    url = f"{world.vendor.url}/v24.0/{PHONE_NUMBER_ID}/messages"
    headers = {"authorization": f"Bearer {ACCESS_TOKEN}"}
    answer = world.vendor.admin.post(url, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_a_message_is_sent_and_then_delivered_in_the_worlds_time(world: World) -> None:
    world.post()
    assert world.messages()[0]["status"] == "accepted"
    assert world.vendor.ask("pending")["next_at"] is not None
    world.clock.advance(timedelta(seconds=1))
    assert world.told(1) == [Progress.SENT]
    world.clock.advance(timedelta(seconds=1))
    assert world.told(2) == [Progress.SENT, Progress.DELIVERED]
    assert world.receiver.signed == [True, True]
    assert {read.key for told in world.receiver.bodies for read in read_webhook(told).statuses} == {
        KEY
    }
    assert world.messages()[0]["status"] == "delivered"
    until(lambda: world.vendor.ask("pending")["in_flight"] == 0)
    assert world.vendor.ask("pending") == {"due": 0, "in_flight": 0, "next_at": None}


def test_a_number_that_is_not_on_whatsapp_fails_later(world: World) -> None:
    assert world.post(body(to=FAILS_LATER.removeprefix("+"))).status_code == 200
    world.clock.advance(timedelta(seconds=1))
    assert world.told(1) == [Progress.FAILED]
    (read,) = read_webhook(world.receiver.bodies[0]).statuses
    assert read.failed == "131026 Message undeliverable"
    assert world.messages()[0]["status"] == "failed"


def test_a_webhook_that_is_not_taken_comes_again(world: World) -> None:
    world.receiver.answers += [503, 500]
    world.post(body(to=FAILS_LATER.removeprefix("+")))
    for count, wait in enumerate((1, 10, 60), start=1):
        world.clock.advance(timedelta(seconds=wait))
        world.told(count)
        until(lambda: world.vendor.ask("pending")["in_flight"] == 0)
    (webhook,) = world.vendor.ask("webhooks")["webhooks"]
    assert webhook["answers"] == [503, 500, 200]
    assert webhook["outcome"] == "taken"


def test_webhooks_can_be_lost_doubled_and_late(world: World) -> None:
    world.vendor.tell("webhooks", drop_probability=1)
    world.post()
    world.vendor.tell("webhooks", duplicate_probability=1, delay_seconds=3600)
    world.post()
    outcomes = [w["outcome"] for w in world.vendor.ask("webhooks")["webhooks"]]
    assert outcomes == ["dropped"] * 2 + ["waiting"] * 4
    world.clock.advance(timedelta(hours=2))
    assert sorted(world.told(4)) == [Progress.DELIVERED] * 2 + [Progress.SENT] * 2
    assert world.messages()[1]["status"] == "delivered"


def test_what_is_planned_survives_a_crash(tmp_path: Path) -> None:
    records = Records(tmp_path / "whatsapp.db")
    with running(records) as before:
        before.post()
    with running(records) as after:
        after.clock.advance(timedelta(seconds=2))
        assert sorted(after.told(2)) == [Progress.DELIVERED, Progress.SENT]
    records.close()


def test_faults_fire_and_are_counted(world: World) -> None:
    world.vendor.fault("messages.send", "error_before", status=500, times=1)
    world.vendor.fault("messages.send", "error_after", times=1)
    world.vendor.fault("messages.send", "rate_limit", times=1)
    answers = [world.post() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 500, 502, 200]
    assert answers[0].json()["error"]["code"] == 130429
    assert len(world.messages()) == 2
    assert world.vendor.ask("faults")["fired"] == {
        "messages.send:rate_limit": 1,
        "messages.send:error_before": 1,
        "messages.send:error_after": 1,
    }


def test_a_refusal_is_given_as_often_as_planned(world: World) -> None:
    world.vendor.tell("refusals", code=131056, times=2)
    assert [world.post().status_code for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize("rule", [{"code": 5}, {"code": 131056, "times": 0}, {}])
def test_a_refusal_that_meta_does_not_know_is_no_rule(rule: dict[str, int], world: World) -> None:
    answer = world.vendor.admin.post(f"{world.vendor.url}/_admin/refusals", json=rule)
    assert answer.status_code == 400


def test_a_reset_forgets_everything(world: World) -> None:
    world.post()
    world.vendor.tell("reset")
    world.clock.advance(timedelta(hours=1))
    assert world.vendor.ask("counts") == {"messages": 0}
    assert world.vendor.ask("pending") == {"due": 0, "in_flight": 0, "next_at": None}


def test_messages_can_be_asked_for_by_number_and_from_a_place_on(world: World) -> None:
    for to in ("6281234567890", "6289876543210", "6281234567890"):
        world.post(body(to=to))
    assert len(world.messages(to="6281234567890")) == 2
    assert [m["to"] for m in world.messages(skip="1")] == ["6289876543210", "6281234567890"]


def test_a_phone_shows_its_chat(world: World) -> None:
    assert "No messages yet." in world.page("/")
    world.post(body(template=filled("<b>Sari</b>", "Data", "https://a.example/?a=1&b=2.")))
    assert "+6281234567890" in world.page("/")
    chat = world.page("/phone/6281234567890")
    assert "&lt;b&gt;Sari&lt;/b&gt;" in chat
    assert "<strong>Data</strong>" in chat
    link = "https://a.example/?a=1&amp;b=2"
    assert f'<a href="{link}" rel="noreferrer">{link}</a>.' in chat
    assert chat == world.page("/phone/+6281234567890")
    assert "Nothing has come to this phone." in world.page("/phone/629")


def test_a_phone_shows_what_has_arrived_and_what_has_not(world: World) -> None:
    world.post()
    world.post(body(to=FAILS_LATER.removeprefix("+")))
    world.clock.advance(timedelta(seconds=2))
    world.told(3)
    assert "✓✓" in world.page("/phone/6281234567890")
    assert "Not delivered" in world.page(f"/phone/{FAILS_LATER}")


def test_no_page_lets_a_message_run_anything(world: World) -> None:
    world.post()
    answer = httpx.get(f"{world.vendor.url}/phone/6281234567890", trust_env=False)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_templates_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    template = {"name": "a", "language": "id", "body": "{{2}} {{1}} {{2}}", "category": "UTILITY"}
    path.write_text(json.dumps({"templates": [template]}))
    catalogue = Catalogue.read(path)
    assert catalogue.find("a", "id").filled(["x", "{{1}}"]) == "{{1}} x {{1}}"
    with pytest.raises(GraphError, match="132001"):
        catalogue.find("a", "en")

"""What every Messenger promises, and how the one on WhatsApp takes each way that Meta can fail."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec
import pytest

from local.ports import free_ports
from local.simulators.whatsapp.wire import WORDS
from shared.adapters.whatsapp import MAX_KEY, WhatsAppMessenger, classified
from shared.domain.notifications import TemplateMessage
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import Messenger
from tests.fakes import FakeClock, FakeMessenger
from tests.vendors import HOST, Vendor
from tests.whatsapp import ACCESS_TOKEN, REFUSED, served_whatsapp, settings

MESSAGE = TemplateMessage(
    key="NUS-2026-000123:session_scheduled:mentee:whatsapp",
    to_phone="+6281234567890",
    template="session_scheduled",
    language="id",
    parameters=("Sari Wulandari", "Data analysis", "https://meet.google.com/abc-defg-hij"),
)
PLAIN = msgspec.structs.replace(MESSAGE, template="plain", language="en", parameters=())


class Phones(Protocol):
    """A way to send, all that has come out of it, and its failures."""

    @property
    def messenger(self) -> Messenger:
        """The implementation under test."""

    def received(self) -> list[TemplateMessage]:
        """Return what has reached the channel, in order."""

    def lose_the_next_answer(self) -> None:
        """Let the next message be sent without the sender hearing of it."""

    def refuse_the_next(self) -> None:
        """Let the next message be refused before anything is done."""


class FakePhones:
    def __init__(self) -> None:
        self.messenger = FakeMessenger(REFUSED)

    def received(self) -> list[TemplateMessage]:
        return self.messenger.sent

    def lose_the_next_answer(self) -> None:
        self.messenger.faults.after("send", RetryableError("lost"))

    def refuse_the_next(self) -> None:
        self.messenger.faults.before("send", NotDoneError("too many", retry_after=10))


class WhatsAppPhones:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.messenger = WhatsAppMessenger(settings(vendor.url))

    def received(self) -> list[TemplateMessage]:
        return [
            TemplateMessage(
                key=message["key"],
                to_phone=f"+{message['to']}",
                template=message["template"],
                language=message["language"],
                parameters=tuple(message["parameters"]),
            )
            for message in self.vendor.ask("messages")["messages"]
        ]

    def lose_the_next_answer(self) -> None:
        self.vendor.fault("messages.send", "error_after", times=1)

    def refuse_the_next(self) -> None:
        self.vendor.fault("messages.send", "rate_limit", times=1)


@pytest.fixture(scope="module")
def served() -> Iterator[WhatsAppPhones]:
    with served_whatsapp(FakeClock()) as vendor:
        phones = WhatsAppPhones(vendor)
        yield phones
        phones.messenger._pool.clear()


@pytest.fixture
def whatsapp(served: WhatsAppPhones) -> WhatsAppPhones:
    served.vendor.reset()
    return served


@pytest.fixture(params=["fake", "whatsapp"])
def phones(request: pytest.FixtureRequest) -> Phones:
    if request.param == "fake":
        return FakePhones()
    real: WhatsAppPhones = request.getfixturevalue("whatsapp")
    return real


@pytest.mark.parametrize("message", [MESSAGE, PLAIN])
def test_a_message_arrives_as_it_was_sent(message: TemplateMessage, phones: Phones) -> None:
    phones.messenger.send(message)
    assert phones.received() == [message]


def test_each_sending_has_an_id_of_its_own(phones: Phones) -> None:
    first, second = phones.messenger.send(MESSAGE), phones.messenger.send(MESSAGE)
    assert first
    assert first != second
    assert phones.received() == [MESSAGE, MESSAGE]


def test_what_is_refused_for_now_was_not_sent(phones: Phones) -> None:
    phones.refuse_the_next()
    with pytest.raises(NotDoneError) as refused:
        phones.messenger.send(MESSAGE)
    assert refused.value.retry_after == 10
    assert phones.received() == []
    phones.messenger.send(MESSAGE)
    assert phones.received() == [MESSAGE]


def test_a_lost_answer_is_not_taken_for_a_refusal(phones: Phones) -> None:
    phones.lose_the_next_answer()
    with pytest.raises(RetryableError) as lost:
        phones.messenger.send(MESSAGE)
    assert type(lost.value) is RetryableError
    assert phones.received() == [MESSAGE]


def test_a_reader_who_is_not_there_is_given_up(phones: Phones) -> None:
    with pytest.raises(PermanentError, match="131026"):
        phones.messenger.send(msgspec.structs.replace(MESSAGE, to_phone=REFUSED))
    assert phones.received() == []


@pytest.mark.parametrize(
    "text", ["", "  ", "two\nlines", "two\rlines", "a\ttab", "five     spaces"]
)
def test_words_that_meta_would_refuse_are_not_sent(text: str, phones: Phones) -> None:
    message = msgspec.structs.replace(MESSAGE, parameters=("Sari", text, "x"))
    with pytest.raises(PermanentError, match="parameter 2 of session_scheduled"):
        phones.messenger.send(message)
    assert phones.received() == []


def test_a_key_that_is_too_long_to_come_back_is_not_sent(phones: Phones) -> None:
    longest = msgspec.structs.replace(MESSAGE, key="k" * MAX_KEY)
    phones.messenger.send(longest)
    with pytest.raises(PermanentError, match="key"):
        phones.messenger.send(msgspec.structs.replace(MESSAGE, key="k" * (MAX_KEY + 1)))
    assert phones.received() == [longest]


@pytest.mark.parametrize(
    "text", ["王小明 · “é” 🎉", "four    spaces", '"quotes" \\ {{1}}', "x" * 500]
)
def test_any_other_words_arrive_as_they_are(text: str, phones: Phones) -> None:
    message = msgspec.structs.replace(MESSAGE, parameters=(text, "b", "c"))
    phones.messenger.send(message)
    assert phones.received() == [message]


def test_eight_threads_at_once_send_each_message_once(phones: Phones) -> None:
    sent = [msgspec.structs.replace(MESSAGE, key=f"NUS-{n}:x:mentee:whatsapp") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(phones.messenger.send, sent))
    assert len(set(ids)) == 40
    assert sorted(m.key for m in phones.received()) == sorted(m.key for m in sent)


def failure(code: int, message: str = "", **rest: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, **rest}}).encode()


@pytest.mark.parametrize(
    ("code", "kind", "wait"),
    [
        (4, NotDoneError, 300),
        (80007, NotDoneError, 300),
        (130429, NotDoneError, 10),
        (131048, NotDoneError, 3600),
        (131056, NotDoneError, 60),
        (10, NotDoneError, 300),
        (190, NotDoneError, 300),
        (131031, NotDoneError, 300),
        (133010, NotDoneError, 300),
        (131000, RetryableError, None),
        (131016, RetryableError, None),
        (100, PermanentError, None),
        (131008, PermanentError, None),
        (131021, PermanentError, None),
        (131026, PermanentError, None),
        (131051, PermanentError, None),
        (132000, PermanentError, None),
        (132001, PermanentError, None),
        (132005, PermanentError, None),
        (132007, PermanentError, None),
        (132012, PermanentError, None),
        (132015, PermanentError, None),
        (132018, PermanentError, None),
    ],
)
def test_a_refusal_in_metas_words_is_understood(
    code: int, kind: type[Exception], wait: float | None, whatsapp: WhatsAppPhones
) -> None:
    assert code in WORDS
    whatsapp.vendor.tell("refusals", code=code)
    with pytest.raises(kind, match=rf"WhatsApp answered \d+ {code}: \(#{code}\)") as refused:
        whatsapp.messenger.send(MESSAGE)
    assert type(refused.value) is kind
    assert getattr(refused.value, "retry_after", None) == wait
    assert whatsapp.received() == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", NotDoneError),
        (401, b"", NotDoneError),
        (403, failure(99999), NotDoneError),
        (400, failure(250), NotDoneError),
        (400, failure(100, error_subcode=33), NotDoneError),
        (400, failure(99999), PermanentError),
        (500, failure(132012), PermanentError),
        (408, b"", RetryableError),
        (302, b"", RetryableError),
        (500, b"", RetryableError),
        (503, b"<h1>Bad gateway</h1>", RetryableError),
        (502, b"[]", RetryableError),
        (500, b'{"error": "down"}', RetryableError),
        (500, b"\xff\xfe", RetryableError),
    ],
)
def test_an_unknown_code_goes_by_its_status(
    status: int, body: bytes, kind: type[Exception]
) -> None:
    assert type(classified(status, body, "token")) is kind


def test_neither_the_token_nor_a_number_is_said() -> None:
    body = failure(190, f"Malformed access token {ACCESS_TOKEN} of 6281234567890 +6281234567890")
    said = str(classified(401, body, ACCESS_TOKEN))
    assert said == "WhatsApp answered 401 190: Malformed access token … of … …"


def test_a_wrong_token_lets_everything_wait(whatsapp: WhatsAppPhones) -> None:
    stranger = WhatsAppMessenger(settings(whatsapp.vendor.url, access_token="wrong"))
    with pytest.raises(NotDoneError, match="401 190"):
        stranger.send(MESSAGE)
    stranger._pool.clear()


def test_a_wrong_sender_lets_everything_wait(whatsapp: WhatsAppPhones) -> None:
    stranger = WhatsAppMessenger(settings(whatsapp.vendor.url, phone_number_id="1"))
    with pytest.raises(NotDoneError, match="400 100"):
        stranger.send(MESSAGE)
    stranger._pool.clear()


@pytest.mark.parametrize(
    "changes", [{"template": "unheard_of"}, {"template": "plain", "parameters": ()}]
)
def test_a_template_that_is_not_approved_in_the_language_is_given_up(
    changes: dict[str, object], whatsapp: WhatsAppPhones
) -> None:
    with pytest.raises(PermanentError, match="404 132001"):
        whatsapp.messenger.send(msgspec.structs.replace(MESSAGE, **changes))


def test_a_template_with_too_few_parameters_is_given_up(whatsapp: WhatsAppPhones) -> None:
    with pytest.raises(PermanentError, match="400 132000"):
        whatsapp.messenger.send(msgspec.structs.replace(MESSAGE, parameters=("Sari",)))


def test_a_stalled_call_is_given_up_and_nobody_knows(whatsapp: WhatsAppPhones) -> None:
    hasty = WhatsAppMessenger(settings(whatsapp.vendor.url, timeout_s=0.3))
    whatsapp.vendor.fault("messages.send", "stall", times=1, seconds=0.6)
    started = time.monotonic()
    with pytest.raises(RetryableError, match="did not answer: ReadTimeoutError") as lost:
        hasty.send(MESSAGE)
    assert time.monotonic() - started < 0.6
    assert type(lost.value) is RetryableError
    hasty._pool.clear()
    assert whatsapp.vendor.requests == [
        f"POST /v24.0/{settings('http://x').phone_number_id}/messages"
    ]


def test_nothing_was_done_where_nobody_listens() -> None:
    (port,) = free_ports(1)
    messenger = WhatsAppMessenger(settings(f"http://{HOST}:{port}"))
    with pytest.raises(NotDoneError, match="cannot be reached: NewConnectionError"):
        messenger.send(MESSAGE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"messages": []}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<!doc",
    ],
)
def test_an_answer_that_breaks_off_or_says_nothing_leaves_it_open(answer: bytes) -> None:
    with socket.create_server((HOST, 0)) as listener:
        messenger = WhatsAppMessenger(settings(f"http://{HOST}:{listener.getsockname()[1]}"))
        server = threading.Thread(target=_answer_once, args=(listener, answer))
        server.start()
        with pytest.raises(RetryableError) as lost:
            messenger.send(MESSAGE)
        server.join()
    assert type(lost.value) is RetryableError
    messenger._pool.clear()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        received = b""
        while not received.endswith(b"}"):
            received += connection.recv(65536)
        connection.sendall(answer)

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import parseaddr
from typing import Literal, Protocol

import msgspec
import pytest

from shared.adapters.gmail import GmailMailer
from shared.adapters.smtp import SmtpMailer
from shared.domain.notifications import CalendarFile, Mail
from shared.errors import PermanentError
from shared.ports import Mailer
from shared.settings import BrandSettings, GoogleSettings, SmtpSettings
from tests.fakes import FakeClock, FakeMailer
from tests.mail_server import MailServer, served_mail
from tests.vendors import Vendor, connections_are_dropped, served_google

pytestmark = connections_are_dropped

MAIL = Mail(
    key="NUS-2026-000123:invoice_ready:mentee:email",
    to_name="Sari Wulandari",
    to_email="sari@example.com",
    subject="Invoice for Data analysis portfolio review",
    text="Please pay.\n",
    html="<p>Please pay.</p>\n",
)
INVITATION = CalendarFile(
    method="REQUEST",
    content="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Sesi · 王小明\r\nEND:VCALENDAR\r\n",
)
BRAND = BrandSettings(
    name="Nusademy", help_email="help@nusademy.example", admin_email="admin@nusademy.example"
)


class Channel(Protocol):
    """A way to send mails, and all that has come out of it."""

    @property
    def mailer(self) -> Mailer:
        """The implementation under test."""

    def sent(self) -> list[Mail]:
        """Return the mails that went out, in order."""


class Office(Channel, Protocol):
    """A channel that stores drafts."""

    def waiting(self) -> int:
        """Count the drafts."""


class FakeOffice:
    def __init__(self) -> None:
        self.mailer = FakeMailer()

    def sent(self) -> list[Mail]:
        return self.mailer.sent

    def waiting(self) -> int:
        return len(self.mailer.drafts)


class GmailOffice:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.mailer = GmailMailer(
            GoogleSettings(subject="sessions@nusademy.example", api_base_url=vendor.url), BRAND
        )

    def sent(self) -> list[Mail]:
        return [as_sent(self._raw(mail["id"])) for mail in self.vendor.ask("mails")["mails"]]

    def waiting(self) -> int:
        return int(self.vendor.ask("counts")["drafts"])

    def _raw(self, mail_id: str) -> EmailMessage:
        messages = self.mailer._service.client.users().messages()
        source = messages.get(userId="me", id=mail_id, format="raw").execute()["raw"]
        return BytesParser(policy=default).parsebytes(base64.urlsafe_b64decode(source))


class SmtpChannel:
    def __init__(self, server: MailServer) -> None:
        self._server = server
        settings = SmtpSettings(
            host=server.host, port=server.port, security="none", sender="sessions@nusademy.example"
        )
        self.mailer = SmtpMailer(settings, BRAND, FakeClock())

    def sent(self) -> list[Mail]:
        return [as_sent(received.message) for received in self._server.received]


def as_sent(message: EmailMessage) -> Mail:
    """Return the mail that a reader's program makes of a message."""
    parts = {part.get_content_type(): part for part in message.walk()}
    name, address = parseaddr(message["To"])
    return Mail(
        key=message["X-Notification-Key"],
        to_name=name,
        to_email=address,
        subject=message["Subject"],
        text=_words(parts["text/plain"]),
        html=_words(parts["text/html"]),
        calendar=_invitation(parts) if "text/calendar" in parts else None,
    )


def _words(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")  # a mail's lines end so on the wire


def _invitation(parts: dict[str, EmailMessage]) -> CalendarFile:
    calendar, attached = parts["text/calendar"], parts["application/ics"]
    assert calendar["Content-Type"].params["charset"] == "utf-8"
    assert attached.get_filename() == "invite.ics"
    content = calendar.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert attached.get_content() == content
    return CalendarFile(method=calendar["Content-Type"].params["method"], content=content.decode())


@pytest.fixture(scope="module")
def gmail() -> Iterator[GmailOffice]:
    with served_google(FakeClock()) as vendor:
        real = GmailOffice(vendor)
        yield real
        real.mailer._service.client.close()


@pytest.fixture
def smtp() -> Iterator[SmtpChannel]:
    with served_mail() as server:
        yield SmtpChannel(server)


@pytest.fixture(params=["fake", "gmail"])
def office(request: pytest.FixtureRequest) -> Office:
    return _office(request)


@pytest.fixture(params=["fake", "gmail", "smtp"])
def channel(request: pytest.FixtureRequest) -> Channel:
    if request.param == "smtp":
        real: SmtpChannel = request.getfixturevalue("smtp")
        return real
    return _office(request)


def _office(request: pytest.FixtureRequest) -> Office:
    if request.param == "fake":
        return FakeOffice()
    real: GmailOffice = request.getfixturevalue("gmail")
    real.vendor.reset()
    return real


def test_a_draft_is_not_sent_by_itself(office: Office) -> None:
    office.mailer.draft(MAIL)
    assert office.sent() == []
    assert office.waiting() == 1


def test_a_mail_arrives_as_it_was_written(channel: Channel) -> None:
    draft_id = channel.mailer.draft(MAIL)
    assert channel.sent() == []
    channel.mailer.send(draft_id, MAIL)
    assert channel.sent() == [MAIL]


def test_a_draft_is_sent_as_it_was_written(office: Office) -> None:
    office.mailer.send(office.mailer.draft(MAIL), MAIL)
    assert office.sent() == [MAIL]
    assert office.waiting() == 0


def test_a_draft_is_sent_once(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.send(draft_id, MAIL)
    office.mailer.send(draft_id, MAIL)
    assert office.sent() == [MAIL]


def test_a_discarded_draft_is_never_sent(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.discard(draft_id)
    office.mailer.discard(draft_id)
    office.mailer.send(draft_id, MAIL)
    assert office.sent() == []
    assert office.waiting() == 0


def test_a_sent_draft_can_be_discarded(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.send(draft_id, MAIL)
    office.mailer.discard(draft_id)
    assert office.sent() == [MAIL]


def test_the_same_mail_drafted_twice_is_two_drafts(office: Office) -> None:
    first, second = office.mailer.draft(MAIL), office.mailer.draft(MAIL)
    assert first != second
    office.mailer.discard(first)
    office.mailer.send(second, MAIL)
    assert office.sent() == [MAIL]


@pytest.mark.parametrize(
    "changes",
    [
        {"to_name": "Ni Luh Putu Ayu Saraswati Dewi Kusuma " * 5},
        {"to_name": "Sørén Ünï 王小明"},
        {"to_name": "Wulandari, Sari <fake@example.com>"},
        {"to_name": "Sari; Budi: @"},
        {"subject": "Pembayaran diterima ✓ · sesi “Analisis data” 🎉"},
        {"subject": "x" * 1500},
        {"text": "Rp250.000 · terima kasih 🙏\n.\nFrom here on\n"},
        {"html": f"<p>{'é' * 3000}</p>\n"},
        {"to_email": "sari.w+nusademy@mail.example.co.id"},
    ],
)
def test_any_words_arrive_as_they_are(channel: Channel, changes: dict[str, str]) -> None:
    mail = msgspec.structs.replace(MAIL, **{k: v.strip(" ") for k, v in changes.items()})
    channel.mailer.send(channel.mailer.draft(mail), mail)
    assert channel.sent() == [mail]


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_an_invitation_arrives_as_what_calendars_act_on(
    channel: Channel, method: Literal["REQUEST", "CANCEL"]
) -> None:
    invitation = msgspec.structs.replace(INVITATION, method=method)
    mail = msgspec.structs.replace(MAIL, calendar=invitation)
    channel.mailer.send(channel.mailer.draft(mail), mail)
    assert channel.sent() == [mail]


@pytest.mark.parametrize("channel", ["gmail", "smtp"], indirect=True)
@pytest.mark.parametrize(
    "changes",
    [
        {"to_email": "sari@example.com\r\nBcc: budi@example.com"},
        {"to_email": "sari@example.com\nX: y"},
        {"to_name": "Sari\r\nBcc: budi@example.com"},
    ],
)
def test_a_reader_cannot_write_headers(channel: Channel, changes: dict[str, str]) -> None:
    mail = msgspec.structs.replace(MAIL, **changes)
    with pytest.raises(PermanentError, match="cannot be written"):
        channel.mailer.draft(mail)
    assert channel.sent() == []


def test_eight_threads_at_once_send_each_mail_once(channel: Channel) -> None:
    mails = [msgspec.structs.replace(MAIL, key=f"NUS-{n}:x:mentee:email") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda mail: channel.mailer.send(channel.mailer.draft(mail), mail), mails))
    assert sorted(mail.key for mail in channel.sent()) == sorted(mail.key for mail in mails)


@pytest.mark.parametrize(
    ("channel", "draft_id"),
    [("gmail", "<0a1b2c@nusademy.example>"), ("smtp", "r8412345678901234567")],
    indirect=["channel"],
)
def test_a_mail_is_not_lost_when_the_transport_is_changed(channel: Channel, draft_id: str) -> None:
    channel.mailer.send(draft_id, MAIL)
    assert channel.sent() == [MAIL]

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import Protocol

import msgspec
import pytest

from shared.adapters.gmail import GmailMailer
from shared.domain.notifications import Mail
from shared.ports import Mailer
from shared.settings import BrandSettings, GoogleSettings
from tests.fakes import FakeClock, FakeMailer
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


class Office(Protocol):
    """A mailbox to send from, and all that has left it."""

    @property
    def mailer(self) -> Mailer:
        """The implementation under test."""

    def sent(self) -> list[Mail]:
        """Return the mails that went out, in order."""

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
            GoogleSettings(subject="sessions@nusademy.example", api_base_url=vendor.url),
            BrandSettings(
                name="Nusademy",
                help_email="help@nusademy.example",
                admin_email="admin@nusademy.example",
            ),
        )

    def sent(self) -> list[Mail]:
        return [
            Mail(
                key=mail["headers"]["X-Notification-Key"],
                to_name=parseaddr(mail["headers"]["To"])[0],
                to_email=mail["to"][0],
                subject=mail["subject"],
                text=mail["text"].replace("\r\n", "\n"),  # a mail's lines end so on the wire
                html=mail["html"].replace("\r\n", "\n"),
            )
            for mail in self.vendor.ask("mails")["mails"]
        ]

    def waiting(self) -> int:
        return int(self.vendor.ask("counts")["drafts"])


@pytest.fixture(scope="module")
def gmail() -> Iterator[GmailOffice]:
    with served_google(FakeClock()) as vendor:
        real = GmailOffice(vendor)
        yield real
        real.mailer._service.client.close()


@pytest.fixture(params=["fake", "gmail"])
def office(request: pytest.FixtureRequest) -> Office:
    if request.param == "fake":
        return FakeOffice()
    real: GmailOffice = request.getfixturevalue("gmail")
    real.vendor.reset()
    return real


def test_a_draft_is_not_sent_by_itself(office: Office) -> None:
    office.mailer.draft(MAIL)
    assert office.sent() == []
    assert office.waiting() == 1


def test_a_draft_is_sent_as_it_was_written(office: Office) -> None:
    office.mailer.send(office.mailer.draft(MAIL))
    assert office.sent() == [MAIL]
    assert office.waiting() == 0


def test_a_draft_is_sent_once(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.send(draft_id)
    office.mailer.send(draft_id)
    assert office.sent() == [MAIL]


def test_a_discarded_draft_is_never_sent(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.discard(draft_id)
    office.mailer.discard(draft_id)
    office.mailer.send(draft_id)
    assert office.sent() == []
    assert office.waiting() == 0


def test_a_sent_draft_can_be_discarded(office: Office) -> None:
    draft_id = office.mailer.draft(MAIL)
    office.mailer.send(draft_id)
    office.mailer.discard(draft_id)
    assert office.sent() == [MAIL]


def test_the_same_mail_drafted_twice_is_two_drafts(office: Office) -> None:
    first, second = office.mailer.draft(MAIL), office.mailer.draft(MAIL)
    assert first != second
    office.mailer.discard(first)
    office.mailer.send(second)
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
def test_any_words_arrive_as_they_are(office: Office, changes: dict[str, str]) -> None:
    mail = msgspec.structs.replace(MAIL, **{k: v.strip(" ") for k, v in changes.items()})
    office.mailer.send(office.mailer.draft(mail))
    assert office.sent() == [mail]


def test_eight_threads_at_once_send_each_mail_once(office: Office) -> None:
    mails = [msgspec.structs.replace(MAIL, key=f"NUS-{n}:x:mentee:email") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda mail: office.mailer.send(office.mailer.draft(mail)), mails))
    assert sorted(mail.key for mail in office.sent()) == sorted(mail.key for mail in mails)

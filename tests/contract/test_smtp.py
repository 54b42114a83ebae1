"""How the mailer on SMTP takes each of the ways in which a mail server can fail."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.ports import free_ports
from shared.adapters.smtp import SmtpMailer
from shared.domain.notifications import Mail
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.settings import BrandSettings, SmtpSettings
from tests.builders import NOW
from tests.fakes import FakeClock
from tests.mail_server import HOST, PASSWORD, USER, MailServer, served_mail

# aiosmtpd warns its own operators; on the loopback address there is nobody to listen.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

MAIL = Mail(
    key="NUS-2026-000123:invoice_ready:mentee:email",
    to_name="Sørén,王小明",
    to_email="sari@example.com",
    subject="s",
    text="t\n",
    html="<p>h</p>\n",
)
BRAND = BrandSettings(name="Nusademy", help_email="help@a.example", admin_email="admin@a.example")
TIMEOUT_S = 0.4


def mailer(port: int, **changes: Any) -> SmtpMailer:
    values: dict[str, Any] = {
        "host": HOST,
        "port": port,
        "security": "none",
        "sender": "sessions@nusademy.example",
        "timeout_s": TIMEOUT_S,
    }
    return SmtpMailer(SmtpSettings(**values | changes), BRAND, FakeClock())


def send(port: int, mail: Mail = MAIL, **changes: Any) -> str:
    sender = mailer(port, **changes)
    draft_id = sender.draft(mail)
    sender.send(draft_id, mail)
    return draft_id


@pytest.fixture
def server() -> Iterator[MailServer]:
    with served_mail() as served:
        yield served


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of the loopback address that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_the_same_mail_has_the_same_id_whenever_it_is_sent(server: MailServer) -> None:
    first, again = send(server.port), send(server.port)
    other = send(server.port, msgspec.structs.replace(MAIL, key="NUS-2:invoice_ready:mentee:email"))
    assert first == again != other
    ids = [received.message["Message-ID"] for received in server.received]
    assert ids == [first, first, other]
    assert first.endswith("@nusademy.example>")


def test_a_mail_says_from_whom_for_whom_and_when(server: MailServer) -> None:
    send(server.port)
    (received,) = server.received
    assert received.sender == "sessions@nusademy.example"
    assert received.readers == ["sari@example.com"]
    assert received.message["From"] == "Nusademy <sessions@nusademy.example>"
    assert received.message["Reply-To"] == "help@a.example"
    assert received.message["Date"].datetime == NOW
    (reader,) = received.message["To"].addresses
    assert (reader.display_name, reader.addr_spec) == (MAIL.to_name, MAIL.to_email)


def test_a_mail_is_of_seven_bits_and_short_lines(server: MailServer) -> None:
    send(server.port, msgspec.structs.replace(MAIL, text="é" * 3000, subject="é" * 400))
    source = server.received[0].source
    assert source.isascii()
    assert max(len(line) for line in source.split(b"\r\n")) <= 78


def test_relays_hear_the_senders_domain(server: MailServer) -> None:
    send(server.port)
    assert server.names == ["nusademy.example"]


def test_a_discarded_mail_is_no_error(server: MailServer) -> None:
    mailer(server.port).discard("<any@nusademy.example>")
    assert server.received == []


@pytest.mark.parametrize(
    ("command", "answer", "kind", "wait"),
    [
        ("MAIL", "451 try later", NotDoneError, 120),
        ("MAIL", "553 not your address", NotDoneError, 300),
        ("RCPT", "451 4.7.1 greylisted, try later", NotDoneError, 120),
        ("RCPT", "452 mailbox is full", NotDoneError, 120),
        ("RCPT", "530 5.7.0 authentication required", NotDoneError, 300),
        ("RCPT", "550 5.1.1 <{address}>: no such user", PermanentError, None),
        ("RCPT", "553 bad mailbox name", PermanentError, None),
        ("DATA", "451 disk is full", NotDoneError, 120),
        ("DATA", "554 5.7.1 this is spam", PermanentError, None),
    ],
)
def test_a_refusal_is_classified_by_who_is_at_fault(
    command: str, answer: str, kind: type[Exception], wait: float | None, server: MailServer
) -> None:
    server.answers[command] = answer
    with pytest.raises(kind, match=answer[:3]) as refused:
        send(server.port)
    assert type(refused.value) is kind
    assert getattr(refused.value, "retry_after", None) == wait
    assert server.received == []


def test_a_refusal_does_not_say_for_whom_the_mail_was(server: MailServer) -> None:
    server.answers["RCPT"] = "550 5.1.1 <{address}>: no such user"
    with pytest.raises(PermanentError) as refused:
        send(server.port)
    said = "the mail server refuses the reader (5.1.1 <…>: no such user): 550"
    assert str(refused.value) == said


def test_a_greylisted_mail_is_taken_later(server: MailServer) -> None:
    server.answers["RCPT"] = "451 come back later"
    with pytest.raises(NotDoneError):
        send(server.port)
    server.answers.clear()
    send(server.port)
    assert len(server.received) == 1


def test_nothing_was_done_where_nobody_listens() -> None:
    (port,) = free_ports(1)
    with pytest.raises(NotDoneError, match="no session with the mail server: ConnectionRefused"):
        send(port)


def test_nothing_was_done_when_the_server_stalls_before_the_mail(server: MailServer) -> None:
    server.stall_s["MAIL"] = 2 * TIMEOUT_S
    with pytest.raises(NotDoneError, match="broke off: SMTPServerDisconnected"):
        send(server.port)
    assert server.received == []


def test_a_lost_answer_to_a_mail_is_not_taken_for_a_refusal(server: MailServer) -> None:
    server.stall_s["DATA"] = 2 * TIMEOUT_S
    with pytest.raises(RetryableError, match="did not answer to a mail") as lost:
        send(server.port)
    assert type(lost.value) is RetryableError
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "greeting", [b"", b"421 too busy\r\n", b"554 go away\r\n", b"nonsense\r\n"]
)
def test_a_server_that_does_not_greet_gets_no_mail(greeting: bytes) -> None:
    with socket.create_server((HOST, 0)) as listener:
        served = threading.Thread(target=_greet_once, args=(listener, greeting))
        served.start()
        with pytest.raises(NotDoneError):
            send(listener.getsockname()[1])
        served.join()


def _greet_once(listener: socket.socket, greeting: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(greeting)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def test_a_server_that_never_greets_is_given_up() -> None:
    with socket.create_server((HOST, 0)) as listener:
        started = time.monotonic()
        with pytest.raises(NotDoneError):
            send(listener.getsockname()[1])
        assert TIMEOUT_S <= time.monotonic() - started < TIMEOUT_S + 0.5


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_over_tls_after_a_login(
    security: str, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served_mail(security, tls, login=True) as server:
        send(server.port, security=security, user=USER, password=PASSWORD)
        assert len(server.received) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    security: str, tls: ssl.SSLContext
) -> None:
    with served_mail(security, tls) as server:
        with pytest.raises(NotDoneError, match="SSLCertVerificationError"):
            send(server.port, security=security)
        assert server.received == []


def test_a_mail_does_not_go_in_the_clear_where_tls_is_wanted(server: MailServer) -> None:
    with pytest.raises(NotDoneError, match="SMTPNotSupportedError"):
        send(server.port, security="starttls")
    assert server.received == []


def test_a_refused_login_is_our_fault_and_not_the_readers() -> None:
    with served_mail(login=True) as server:
        with pytest.raises(NotDoneError, match="refuses the session: 535") as refused:
            send(server.port, user=USER, password="wrong")
        assert refused.value.retry_after == 300
        with pytest.raises(NotDoneError, match="530"):
            send(server.port)
        assert server.received == []


def test_a_server_without_logins_is_our_fault_and_not_the_readers() -> None:
    with socket.create_server((HOST, 0)) as listener:
        greeting = b"220 mail.example\r\n250 mail.example\r\n"
        served = threading.Thread(target=_greet_once, args=(listener, greeting))
        served.start()
        with pytest.raises(NotDoneError):
            send(listener.getsockname()[1], user=USER, password=PASSWORD)
        served.join()


def test_a_mail_that_was_taken_is_sent_even_if_the_server_does_not_say_goodbye() -> None:
    answers = b"220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"
    with socket.create_server((HOST, 0)) as listener:
        served = threading.Thread(target=_greet_once, args=(listener, answers))
        served.start()
        send(listener.getsockname()[1])
        served.join()

"""A real mail server, steered by a test."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
USER, PASSWORD = "pipeline", "a-password-of-the-tests"


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that was accepted: who said that it is for whom, and what a reader gets to see."""

    sender: str
    readers: list[str]
    source: bytes
    message: EmailMessage


@dataclass
class MailServer:
    """What has come, and what to answer instead of 250, at each command (``RCPT``, ``DATA``…).

    ``stall_s`` is how long the server thinks about a command before it answers.
    """

    received: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    stall_s: dict[str, float] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    host: str = HOST
    port: int = 0
    _released: threading.Event = field(default_factory=threading.Event)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names, here and below
        self, server: SMTP, session: Session, _: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.names.append(hostname)
        return responses if "EHLO" not in self.answers else [self.answers["EHLO"]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._think("MAIL")
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get("RCPT", "250 OK").format(address=address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.answers.get("DATA", "250 OK")
        assert isinstance(envelope.content, bytes)
        if answer.startswith("2"):
            message = BytesParser(policy=default).parsebytes(envelope.content)
            assert isinstance(message, EmailMessage)
            sender = str(envelope.mail_from)
            self.received.append(Received(sender, envelope.rcpt_tos, envelope.content, message))
            self.secure.append(session.ssl is not None or server.transport is None)
        self._think("DATA")
        return answer

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Let in who knows the password."""
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False)

    def _think(self, command: str) -> None:
        # The server's own thread stands still: so does a server that hangs.
        time.sleep(self.stall_s.get(command, 0))


@contextmanager
def served_mail(
    security: str = "none", certificate: ssl.SSLContext | None = None, *, login: bool = False
) -> Iterator[MailServer]:
    """Serve a mail server on a free port; with ``login``, who wants to send has to log in."""
    server = MailServer()
    options: dict[str, Any] = {"authenticator": server.authenticate, "auth_required": login}
    if security == "starttls":
        options |= {"tls_context": certificate, "require_starttls": True}
    else:
        options["auth_require_tls"] = security == "tls"
    controller = Controller(
        server,
        hostname=HOST,
        port=0,
        server_hostname="mail.example",
        ssl_context=certificate if security == "tls" else None,
        server_kwargs=options,
    )
    controller.start()
    try:
        assert controller.server is not None
        server.port = controller.server.sockets[0].getsockname()[1]
        yield server
    finally:
        controller.stop()

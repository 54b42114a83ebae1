"""A real mail server, steered by a test."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

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
    host: str = HOST
    port: int = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names, here and below
        self, server: SMTP, session: Session, _: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.names.append(hostname)
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.stall_s.get("MAIL", 0))
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
        await asyncio.sleep(self.stall_s.get("DATA", 0))
        return answer

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Let in who knows the password."""
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False)


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
        options["auth_require_tls"] = False  # where all is TLS, aiosmtpd does not see it
    listener = socket.create_server((HOST, 0))
    server.port = listener.getsockname()[1]
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()
    tls = certificate if security == "tls" else None
    serving = _serve(lambda: SMTP(server, loop=loop, **options), listener, tls, stopped)
    thread = threading.Thread(target=_run, args=(loop, serving))
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serving)


async def _serve(
    protocol: Callable[[], SMTP],
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    stopped: asyncio.Event,
) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, sock=listener, ssl=tls)
    await stopped.wait()
    server.close()

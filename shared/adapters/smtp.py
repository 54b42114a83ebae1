"""E-mail through any mail server. Replies and their classes: RFC 5321, sections 4.2 and 4.3.2.

SMTP has no drafts, so a crash between sending and recording sends the mail again. Both copies have
the same Message-ID, which is derived from the notification: mail systems that compare it, as
Gmail, Exchange and Cyrus do, show their reader one.
"""

import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from email.headerregistry import Address

from shared.adapters import mail_message
from shared.adapters.mail_message import MESSAGE_ID_BEGIN
from shared.domain.notifications import Mail
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import Clock
from shared.settings import BrandSettings, SmtpSettings

_OK = (250, 251)  # 251: the server forwards
_REFUSED = 500
# "Authentication required", in its several ways (RFC 4954, section 6): ours to mend.
_LOGIN_WANTED = frozenset({530, 534, 535, 538})
# Servers that greylist take the second try after some minutes.
_COME_BACK_S = 120.0
# Until a person has put the settings right.
_OUR_FAULT_WAIT_S = 300.0


class SmtpMailer:
    """Mailer on a mail server, with a connection for each mail. Safe to share between threads."""

    def __init__(self, settings: SmtpSettings, brand: BrandSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sender = Address(brand.name, addr_spec=settings.sender)
        self._reply_to = brand.help_email
        self._tls = ssl.create_default_context()

    def draft(self, mail: Mail) -> str:
        """Return the Message-ID that the mail will have: always the same for one notification."""
        digest = hashlib.sha256(mail.key.encode()).hexdigest()
        message_id = f"{MESSAGE_ID_BEGIN}{digest[:32]}@{self._sender.domain}>"
        self._message(mail, message_id)  # a reader who cannot be written to is refused here
        return message_id

    def send(self, draft_id: str, mail: Mail) -> None:
        """See Mailer. Raises a RetryableError that is no NotDoneError when the answer was lost."""
        # A draft of Gmail's, from before the transport was changed, has no such id.
        message_id = draft_id if draft_id.startswith(MESSAGE_ID_BEGIN) else self.draft(mail)
        message = self._message(mail, message_id)
        with self._session() as session:
            self._deliver(session, mail.to_email, message)

    def discard(self, draft_id: str) -> None:
        """Do nothing: nothing was stored."""

    def _message(self, mail: Mail, message_id: str) -> bytes:
        message = mail_message.build(mail, sender=self._sender, reply_to=self._reply_to)
        message["Message-ID"] = message_id
        message["Date"] = self._clock.now()
        return message.as_bytes()

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        try:
            session = self._connect()
        except smtplib.SMTPResponseException as error:
            raise _not_done("the session", error.smtp_code) from error
        except OSError as error:  # that of smtplib's own too
            raise NotDoneError(
                f"no session with the mail server: {type(error).__name__}"
            ) from error
        with contextlib.closing(session):
            yield session
            with contextlib.suppress(OSError):
                session.quit()

    def _dial(self) -> smtplib.SMTP:
        host, port, timeout = self._settings.host, self._settings.port, self._settings.timeout_s
        # Relays know their customers by this name; smtplib's own would be the container's.
        name = self._sender.domain
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, name, timeout=timeout, context=self._tls)
        return smtplib.SMTP(host, port, name, timeout=timeout)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        session = self._dial()
        try:
            if settings.security == "starttls":
                session.starttls(context=self._tls)
            if settings.user:
                session.login(settings.user, settings.password)
            session.ehlo_or_helo_if_needed()
        except BaseException:
            session.close()
            raise
        return session

    def _deliver(self, session: smtplib.SMTP, reader: str, message: bytes) -> None:
        try:
            code, _ = session.mail(self._sender.addr_spec)
            if code not in _OK:
                raise _not_done("our sender", code)
            _check(session.rcpt(reader), "the reader", reader)
        except OSError as error:
            raise NotDoneError(f"the mail server broke off: {type(error).__name__}") from error
        try:
            answer = session.data(message)
        except smtplib.SMTPDataError as error:
            answer = (error.smtp_code, _bytes(error.smtp_error))
        except OSError as error:
            raise RetryableError(
                f"the mail server did not answer to a mail: {type(error).__name__}"
            ) from error
        _check(answer, "the mail", reader)


def _check(answer: tuple[int, bytes], what: str, reader: str) -> None:
    code, said = answer
    if code in _OK:
        return
    # Servers like to repeat the address, which belongs in no log.
    words = said.decode(errors="replace").replace(reader, "…")
    what = f"{what} ({' '.join(words.split())[:200]})"
    if code < _REFUSED or code in _LOGIN_WANTED:
        raise _not_done(what, code)
    raise PermanentError(f"the mail server refuses {what}: {code}")


def _not_done(what: str, code: int) -> NotDoneError:
    wait = _COME_BACK_S if code < _REFUSED else _OUR_FAULT_WAIT_S
    return NotDoneError(f"the mail server refuses {what}: {code}", retry_after=wait)


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()

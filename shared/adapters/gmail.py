"""E-mail through Gmail's drafts: a draft that is gone has been sent.

``messages.send`` may replace the Message-ID and a sender cannot list what it sent, so a crash
after sending could not be told from one before. Facts: Gmail API v1 reference, drafts.
"""

import base64
import contextlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from shared.adapters.google_api import GoneError, GoogleService
from shared.domain.notifications import Mail
from shared.errors import PermanentError
from shared.settings import BrandSettings, GoogleSettings

SCOPES = ("https://www.googleapis.com/auth/gmail.compose",)


class GmailMailer:
    """Mailer on the Workspace user's mailbox. Safe to share between threads."""

    def __init__(self, settings: GoogleSettings, brand: BrandSettings) -> None:
        self._service = GoogleService("gmail", "v1", SCOPES, settings)
        self._sender = Address(brand.name, addr_spec=settings.subject)
        self._reply_to = brand.help_email

    def draft(self, mail: Mail) -> str:
        """See Mailer."""
        raw = base64.urlsafe_b64encode(self._message(mail).as_bytes(policy=SMTP)).decode()
        drafts = self._service.client.users().drafts()
        created = self._service.execute(drafts.create(userId="me", body={"message": {"raw": raw}}))
        return str(created["id"])

    def send(self, draft_id: str, mail: Mail) -> None:  # noqa: ARG002 - the draft is at Gmail
        """See Mailer."""
        drafts = self._service.client.users().drafts()
        with contextlib.suppress(GoneError):
            self._service.execute(drafts.send(userId="me", body={"id": draft_id}))

    def discard(self, draft_id: str) -> None:
        """See Mailer."""
        drafts = self._service.client.users().drafts()
        with contextlib.suppress(GoneError):
            self._service.execute(drafts.delete(userId="me", id=draft_id))

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = _reader(mail)
        message["Reply-To"] = self._reply_to
        message["Subject"] = mail.subject
        # Escaped, since a reason for attention may hold a line break, and a header must not.
        message["X-Notification-Key"] = quote(mail.key, safe=":")
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def _reader(mail: Mail) -> Address:
    unwritable = PermanentError("the reader's address cannot be written in a mail's header")
    if not mail.to_email.isascii():
        raise unwritable
    try:
        return Address(mail.to_name, addr_spec=mail.to_email)
    except Exception as error:  # Python's parser of addresses raises whatever it trips over
        raise unwritable from error

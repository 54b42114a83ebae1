"""E-mail through Gmail's drafts: a draft that is gone has been sent.

``messages.send`` may replace the Message-ID and a sender cannot list what it sent, so a crash
after sending could not be told from one before. Facts: Gmail API v1 reference, drafts.
"""

import base64
import contextlib
from email.headerregistry import Address

from shared.adapters import mail_message
from shared.adapters.google_api import GoneError, GoogleService
from shared.domain.notifications import Mail
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
        message = mail_message.build(mail, sender=self._sender, reply_to=self._reply_to)
        raw = base64.urlsafe_b64encode(message.as_bytes()).decode()
        drafts = self._service.resource("users", "drafts")
        created = self._service.execute(drafts.create(userId="me", body={"message": {"raw": raw}}))
        return str(created["id"])

    def send(self, draft_id: str, mail: Mail) -> None:
        """See Mailer."""
        if draft_id.startswith(mail_message.MESSAGE_ID_BEGIN):
            # From before the transport was changed: here, gone would be taken for sent.
            draft_id = self.draft(mail)
        drafts = self._service.resource("users", "drafts")
        with contextlib.suppress(GoneError):
            self._service.execute(drafts.send(userId="me", body={"id": draft_id}))

    def discard(self, draft_id: str) -> None:
        """See Mailer."""
        drafts = self._service.resource("users", "drafts")
        with contextlib.suppress(GoneError):
            self._service.execute(drafts.delete(userId="me", id=draft_id))

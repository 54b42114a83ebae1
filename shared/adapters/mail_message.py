"""A mail as it goes over the wire, the same whichever way it is sent.

An invitation goes in twice, as Google Calendar's own does: as an alternative of the text with its
method in the content type, which calendars act on (RFC 6047, section 2.4), and as a file, for
readers that show nothing but files.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from shared.domain.notifications import CalendarFile, Mail
from shared.errors import PermanentError

# Lines end as on the wire in encoded parts too, and every server takes seven bits.
POLICY = SMTP.clone(cte_type="7bit")
# Tells the id of a mail for SMTP, which has no drafts, from that of a draft at Gmail.
MESSAGE_ID_BEGIN = "<"


def build(mail: Mail, *, sender: Address, reply_to: str) -> EmailMessage:
    """Return the message. Raises PermanentError when the reader's address cannot be written."""
    message = EmailMessage(POLICY)
    message["From"] = sender
    message["To"] = _reader(mail)
    message["Reply-To"] = reply_to
    message["Subject"] = mail.subject
    # Escaped, since a reason for attention may hold a line break, and a header must not.
    message["X-Notification-Key"] = quote(mail.key, safe=":")
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    if mail.calendar is not None:
        _invite(message, mail.calendar)
    # RFC 3282. Last, since whatever sets the content takes such headers away.
    message["Content-Language"] = mail.language
    return message


def _invite(message: EmailMessage, calendar: CalendarFile) -> None:
    method = {"method": calendar.method}
    message.add_alternative(calendar.content, subtype="calendar", params=method)
    lines = calendar.content.replace("\r\n", "\n").replace("\n", "\r\n")
    message.add_attachment(
        lines.encode(),
        maintype="application",
        subtype="ics",
        filename="invite.ics",
        params={"name": "invite.ics"},
    )


def _reader(mail: Mail) -> Address:
    unwritable = PermanentError("the reader's address cannot be written in a mail's header")
    if not mail.to_email.isascii():
        raise unwritable
    try:
        return Address(mail.to_name, addr_spec=mail.to_email)
    except Exception as error:  # Python's parser of addresses raises whatever it trips over
        raise unwritable from error

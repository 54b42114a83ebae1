"""The state of mail: drafts until they are sent, then one mailbox for all recipients."""

import email.parser
import email.policy
import re
import uuid
from collections.abc import Iterable
from email.message import EmailMessage
from html.parser import HTMLParser

from local.simulators.google import times
from local.simulators.google.events import ADDRESS
from local.simulators.google.wire import GoogleError, Json
from local.simulators.records import Records

# Gmail replaces the Message-ID and takes Bcc off before anyone reads the mail.
_REPLACED = re.compile(rb"(?im)^(?:message-id|bcc):.*\r?\n(?:[ \t].*\r?\n)*")
_SNIPPET = 140


class Mails:
    """Drafts (kind ``draft``) and sent mails (``mail``, with the source in ``mail_raw``)."""

    def __init__(self, records: Records, clock: times.Clock) -> None:
        self._records = records
        self._clock = clock

    def create_draft(self, user: str, raw: bytes) -> Json:
        """Keep a draft ``{id, user, message_id, raw}``; GoogleError 400 for a bad address."""
        recipients(parse(raw))
        draft = {
            "id": f"r{uuid.uuid4().int % 10**19}",
            "user": user,
            "message_id": uuid.uuid4().hex[:16],
            "raw": raw.decode("latin-1"),
        }
        self._records.put("draft", draft["id"], draft)
        return draft

    def draft(self, user: str, draft_id: str) -> Json:
        """Return a draft; GoogleError 404 for one that was sent, deleted or never there."""
        draft = self._records.get("draft", draft_id)
        if draft is None or draft["user"] != user:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        return draft

    def drafts(self, user: str) -> list[Json]:
        """Return a user's drafts, newest first."""
        return [d for d in reversed(self._records.list("draft")) if d["user"] == user]

    def delete_draft(self, user: str, draft_id: str) -> None:
        """Delete a draft for good; GoogleError 404."""
        self._records.delete("draft", self.draft(user, draft_id)["id"])

    def send_draft(self, user: str, draft_id: str) -> Json:
        """Move a draft to the mailbox and return the mail; GoogleError 400, 404."""
        draft = self.draft(user, draft_id)
        raw = draft["raw"].encode("latin-1")
        people = recipients(parse(raw))
        if not any(people.values()):
            raise GoogleError(400, "invalidArgument", "Recipient address required")
        mail_id = uuid.uuid4().hex[:16]
        sent = _delivered(raw, mail_id)
        mail = _mail(mail_id, user, sent, people, times.stamp(self._clock.now()))
        with self._records.transaction():
            self._records.put("mail_raw", mail_id, {"raw": sent.decode("latin-1")})
            self._records.put("mail", mail_id, mail)
            self._records.delete("draft", draft_id)
        return mail

    def mail(self, mail_id: str) -> Json:
        """Return a sent mail; GoogleError 404."""
        mail = self._records.get("mail", mail_id)
        if mail is None:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        return mail

    def raw(self, mail_id: str) -> bytes:
        """Return the source of a sent mail; GoogleError 404."""
        document = self._records.get("mail_raw", mail_id)
        if document is None:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        return str(document["raw"]).encode("latin-1")

    def sent(self, recipient: str | None = None, skip: int = 0) -> list[Json]:
        """Return sent mails in the order of sending, without the first ``skip``.

        All of those, or the ones to one address.
        """
        mails = self._records.list("mail", skip)
        if recipient is None:
            return mails
        wanted = recipient.strip().lower()
        return [m for m in mails if wanted in (a.lower() for a in everyone(m))]


def everyone(mail: Json) -> list[str]:
    """Return all addresses a mail went to, hidden copies too."""
    return [*mail["to"], *mail["cc"], *mail["bcc"]]


def parse(raw: bytes) -> EmailMessage:
    """Parse an RFC 5322 message."""
    return email.parser.BytesParser(policy=email.policy.default).parsebytes(raw)


def recipients(message: EmailMessage) -> dict[str, list[str]]:
    """Return the addresses by header (``to``, ``cc``, ``bcc``); GoogleError 400 for a bad one."""
    found: dict[str, list[str]] = {}
    for name in ("To", "Cc", "Bcc"):
        headers = message.get_all(name, [])
        addresses = [address for header in headers for address in header.addresses]
        if any(not ADDRESS.fullmatch(address.addr_spec) for address in addresses) or any(
            str(header).strip() and not header.addresses for header in headers
        ):
            raise GoogleError(400, "invalidArgument", f"Invalid {name} header")
        found[name.lower()] = [address.addr_spec for address in addresses]
    return found


def body(message: EmailMessage, kind: str) -> str:
    """Return the ``plain`` or ``html`` part as text, empty without one."""
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _delivered(raw: bytes, mail_id: str) -> bytes:
    head, separator, rest = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    newline = b"\r\n" if b"\r\n" in separator else b"\n"
    kept = _REPLACED.sub(b"", head + newline)
    message_id = f"Message-ID: <CA+{mail_id}@mail.gmail.com>".encode()
    return message_id + newline + kept + newline + rest


def _mail(mail_id: str, user: str, raw: bytes, people: dict[str, list[str]], sent_at: str) -> Json:
    message = parse(raw)
    text, html = body(message, "plain"), body(message, "html")
    return {
        "id": mail_id,
        "user": user,
        **people,
        "from": str(message.get("From", user)),
        "subject": str(message.get("Subject", "")),
        "sent_at": sent_at,
        "headers": _telling_headers(message),
        "text": text,
        "html": html,
        "links": links(html),
        "snippet": " ".join(text.split())[:_SNIPPET],
        "attachments": [
            {
                "filename": part.get_filename() or "unnamed",
                "type": part.get_content_type(),
                "size": len(part.get_payload(decode=True) or b""),
            }
            for part in message.iter_attachments()
        ],
    }


def _telling_headers(message: EmailMessage) -> dict[str, str]:
    named = (
        "message-id",
        "reply-to",
        "date",
        "to",
        "cc",
        "auto-submitted",
        "list-unsubscribe",
        "content-language",
    )
    return {
        name: str(value).strip()  # a long value begins on a line of its own
        for name, value in message.items()
        if name.lower().startswith("x-") or name.lower() in named
    }


class _Links(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def links(html: str) -> list[str]:
    """Return the href of every link in the order of the page."""
    collector = _Links()
    collector.feed(html)
    return collector.found

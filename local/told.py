"""Who was told what, over which channel and in which language."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from local.evidence import SeenChat, SeenMail
from shared.domain.notifications import Kind

_BOTH = 2


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message that reached its reader. ``detail`` tells apart messages of one kind."""

    order_id: str
    kind: str
    detail: str
    recipient: str
    channel: str
    language: str


def everything_told(mails: Iterable[SeenMail], chats: Iterable[SeenChat]) -> list[Told]:
    """Return every message that somebody got, mails first."""
    sent = [(mail.key, mail.language) for mail in mails]
    sent += [(chat.key, chat.language) for chat in chats if not chat.failed]
    return [_told(key, language) for key, language in sent]


def reminders(told: Iterable[Told]) -> set[tuple[str, int]]:
    """Return which orders were reminded at which lead times, both mentee and mentor."""
    reached: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for message in told:
        if message.kind == Kind.REMINDER:
            lead = int(message.detail.partition("-")[0])
            reached[message.order_id, lead].add(message.recipient)
    return {which for which, recipients in reached.items() if len(recipients) == _BOTH}


def _told(key: str, language: str) -> Told:
    order_id, named, recipient, channel = (*key.split(":"), "", "", "")[:4]
    kind, _, detail = named.partition("-")
    return Told(
        order_id=order_id,
        kind=kind,
        detail=detail,
        recipient=recipient,
        channel=channel,
        language=language,
    )

"""WhatsApp messages: templates that Meta approves beforehand, and what fills their places.

Rules of Meta for templates (WhatsApp Business Platform, message templates): a name is lower case
letters, digits and underscores; a body has at most 1024 characters, begins and ends with no place
and has no two places beside each other; a parameter is not empty and has no line break, no tab and
no four spaces in a row.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

from shared.domain.notifications import Kind, Notification, Recipient, TemplateMessage
from shared.domain.order import Order
from shared.domain.people import Locale, Person
from shared.errors import PermanentError
from shared.presentation.facts import NO_DETAILS, Links, facts_of

_TEMPLATES = Path(__file__).parent / "templates"
_PLACE = re.compile(r"\{\{ (\w+) \}\}")
# So much of a name or a topic is shown: with long ones the whole would be refused.
_MAX_WORDS = 60
_FREE_WORDS = frozenset({"reader", "mentee", "mentor", "other", "topic"})
_DECLINED_FOR = frozenset({"declined", "no_answer", "slot_went"})
_CANCELLED_WITH = {"unpaid": "unpaid", "yes": "refund", "no": "no_refund"}
# What Meta's reviewers are shown in the places; both languages read it.
_EXAMPLES: Mapping[str, str] = {
    "reader": "Sari Wulandari",
    "mentee": "Sari Wulandari",
    "mentor": "Budi Hartono",
    "other": "Budi Hartono",
    "topic": "Portfolio review",
    "price": "Rp250.000",
    "refund_amount": "Rp250.000",
    "lead": "30 min",
    "when": "1/12/2026, 19.00 WIB",
    "deadline": "30/11/2026, 18.00 WIB",
    "old_start": "30/11/2026, 19.00 WIB",
    "pay_url": "https://checkout.xendit.co/web/6745d0c1",
    "room_url": "https://meet.google.com/abc-defg-hij",
    "accept_url": "https://mentoring.example/b/accept",
    "decline_url": "https://mentoring.example/b/decline",
    "choose_time_url": "https://mentoring.example/b/time",
    "refund_url": "https://mentoring.example/b/refund",
    "payout_account_url": "https://mentoring.example/b/account",
}


def template_message(
    notification: Notification,
    order: Order,
    reader: Person,
    now: datetime,
    links: Links,
    *,
    details: Mapping[str, str] = NO_DETAILS,
) -> TemplateMessage:
    """Return the message in the reader's language and time zone; ``details``: see ``facts_of``.

    Raises PermanentError when the reader has no phone, when this reader is not told of this over
    WhatsApp, or when something lacks that the message is about.
    """
    if reader.phone is None:
        raise PermanentError(f"the {notification.recipient} of order {order.id} has no phone")
    try:
        facts = facts_of(notification, order, reader, now, links, details=details)
        name = _name(notification, facts)
        places = _PLACE.findall(_bodies(reader.locale)[name])
        parameters = tuple(_filled(place, facts[place]) for place in places)
    except (KeyError, ValueError) as error:
        raise PermanentError(
            f"order {order.id} cannot be told of {notification.kind} over WhatsApp: {error}"
        ) from error
    return TemplateMessage(
        key=notification.key,
        to_phone=reader.phone,
        template=name,
        language=reader.locale,
        parameters=parameters,
    )


def approved_templates() -> list[dict[str, Any]]:
    """Return every template as it is sent to Meta for approval, for each language.

    Each is ``{"name", "language", "category", "body", "example"}``: ``body`` with places like
    ``{{1}}``, ``example`` what could stand in each, in order.
    """
    return [
        {
            "name": name,
            "language": locale,
            "category": "UTILITY",
            "body": _numbered(body),
            "example": [_EXAMPLES[place] for place in _PLACE.findall(body)],
        }
        for locale in get_args(Locale)
        for name, body in _bodies(locale).items()
    ]


@cache
def _bodies(locale: Locale) -> dict[str, str]:
    words = tomllib.loads((_TEMPLATES / locale / "whatsapp.toml").read_text(encoding="utf-8"))
    return {name: body.strip() for name, body in words.items()}


def _name(notification: Notification, facts: Mapping[str, str]) -> str:
    """Return the template's name. A template cannot choose its words, so some come in several."""
    name = f"{notification.kind}_{notification.recipient}"
    if notification.kind is Kind.SESSION_DECLINED:
        reason = facts["reason"]
        return f"{name}_{reason if reason in _DECLINED_FOR else 'slot_went'}"
    if notification.kind is Kind.ORDER_CANCELLED and notification.recipient is Recipient.MENTEE:
        return f"{name}_{_CANCELLED_WITH[facts['refund']]}"
    return name


def _filled(place: str, fact: str) -> str:
    if place in _FREE_WORDS and len(fact) > _MAX_WORDS:
        return f"{fact[: _MAX_WORDS - 1].rstrip()}…"
    return fact


def _numbered(body: str) -> str:
    for number, place in enumerate(_PLACE.findall(body), start=1):
        body = body.replace(f"{{{{ {place} }}}}", f"{{{{{number}}}}}")
    return body

"""E-mails: what a notification says to its reader, as text and as HTML."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError, select_autoescape

from functions.send_notification import phrases
from shared.domain.notifications import Kind, Mail, Notification, Recipient
from shared.domain.order import Order
from shared.domain.people import Person
from shared.domain.reminders import minutes_to_tell
from shared.errors import PermanentError

_TEMPLATES = Path(__file__).parent / "templates"


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes. ``colour`` stands behind white text and on white, so it has to be a dark one."""

    name: str
    help_email: str
    colour: str = "#0f5f6b"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says, before any layout: plain text, nothing escaped."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    button: str | None
    link: str | None


class Renderer:
    """Turns notifications into mails. Build it once: it keeps the compiled templates.

    A message's words are in ``templates/<locale>/<kind>.txt``; the layouts ``mail.txt`` and
    ``mail.html`` set them. Words are rendered without escaping and escaped once, by the layout.
    """

    def __init__(self, brand: Brand) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._brand = brand

    def render(
        self, notification: Notification, order: Order, reader: Person, now: datetime
    ) -> Mail:
        """Return the mail in the reader's language and time zone.

        Raises PermanentError when the order lacks what the message is about, like a room's link.
        """
        facts = self._facts(notification, order, reader, now)
        try:
            content = self._content(notification.kind, reader, facts)
        except UndefinedError as error:
            raise PermanentError(
                f"order {order.id} cannot be told of {notification.kind}: {error}"
            ) from error
        common = self._templates.get_template(f"{reader.locale}/common.txt").make_module(facts)
        scope = {
            "brand": self._brand,
            "common": common,
            "content": content,
            "locale": reader.locale,
        }
        return Mail(
            key=notification.key,
            to_name=_one_line(reader.name),
            to_email=reader.email,
            subject=content.subject,
            text=self._templates.get_template("mail.txt").render(scope),
            html=self._templates.get_template("mail.html").render(scope),
        )

    def _content(self, kind: Kind, reader: Person, facts: dict[str, str]) -> Content:
        words = self._templates.get_template(f"{reader.locale}/{kind}.txt").make_module(facts)
        return Content(
            subject=_one_line(_part(words, "subject")),
            heading=_one_line(_part(words, "heading")),
            paragraphs=_paragraphs(_part(words, "body")),
            facts=_rows(_part(words, "facts")),
            button=getattr(words, "button", None),
            link=getattr(words, "link", None),
        )

    def _facts(
        self, notification: Notification, order: Order, reader: Person, now: datetime
    ) -> dict[str, str]:
        """Return what the words may use; a template that asks for more fails."""
        facts = {
            "brand_name": self._brand.name,
            "help_email": self._brand.help_email,
            "recipient": notification.recipient.value,
            "reader": reader.name,
            "mentee": order.mentee.name,
            "mentor": order.mentor.name,
            "other": _other_side(notification.recipient, order).name,
            "topic": order.subject,
            "order_id": order.id,
            "price": phrases.money(order.price),
            "when": phrases.period(order.session, reader),
            "starts": phrases.short_moment(order.session.starts_at, reader),
        }
        facts |= _about_steps(order, reader) | _about_cause(notification, order, reader, now)
        return {name: _one_line(fact) for name, fact in facts.items()}


def _other_side(recipient: Recipient, order: Order) -> Person:
    return order.mentee if recipient is Recipient.MENTOR else order.mentor


def _about_steps(order: Order, reader: Person) -> dict[str, str]:
    facts = {}
    if order.invoice is not None:
        facts["pay_url"] = order.invoice.url
        facts["deadline"] = phrases.moment(order.invoice.expires_at, reader)
    if order.payment is not None:
        facts["paid_at"] = phrases.moment(order.payment.paid_at, reader)
    if order.meeting is not None:
        facts["room_url"] = order.meeting.meet_url
    return facts


def _about_cause(
    notification: Notification, order: Order, reader: Person, now: datetime
) -> dict[str, str]:
    if notification.kind is Kind.REMINDER and notification.detail is not None:
        left = minutes_to_tell(order.session, int(notification.detail), now)
        return {"lead": phrases.lead_time(left, reader.locale)}
    return {"reason": notification.detail or order.reason or "unknown"}


def _part(words: Any, name: str) -> str:
    part: str = getattr(words, name)
    return part


def _one_line(text: str) -> str:
    """Join what Unicode takes for several lines: mail headers refuse U+2028 and U+0085 too."""
    return " ".join(text.split())


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(_one_line(part) for part in text.split("\n\n") if part.strip())


def _rows(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``label: value`` lines; labels come from the template and have no colon."""
    lines = (line.partition(":") for line in text.split("\n") if line.strip())
    return tuple((_one_line(label), _one_line(value)) for label, _, value in lines)

"""E-mails: what a notification says to its reader, as text and as HTML."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import UndefinedError

from shared.domain.digest import Digest
from shared.domain.notifications import CalendarFile, Kind, Mail, Notification, Recipient
from shared.domain.order import Order, Status
from shared.domain.people import Person
from shared.errors import PermanentError
from shared.presentation import phrases
from shared.presentation.brand import Brand
from shared.presentation.calendar_file import calendar_file
from shared.presentation.engine import engine
from shared.presentation.facts import NO_DETAILS, Links, facts_of, one_line

_TEMPLATES = Path(__file__).parent / "templates"
_OVER = frozenset({Status.COMPLETED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED})
_PUT_IN_CALENDAR = frozenset({Kind.SESSION_SCHEDULED, Kind.SESSION_MOVED})
_TAKEN_OUT = frozenset({Kind.ORDER_CANCELLED, Kind.SESSION_DECLINED})


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the reader can do, and where."""

    label: str
    link: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says, before any layout: plain text, nothing escaped.

    ``figures`` says that the facts are numbers, which stand beside their labels. The first button
    is what most readers want. ``manage`` is the address of the booking's page.
    """

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    figures: bool = False
    list_heading: str = ""
    list: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    manage: str | None = None


class Renderer:
    """Turns notifications into mails. Build it once: it keeps the compiled templates.

    A message's words are in ``templates/<locale>/<kind>.txt``; the layouts ``mail.txt`` and
    ``mail.html`` set them. Words are rendered without escaping and escaped once, by the layout.
    """

    def __init__(self, brand: Brand) -> None:
        self._templates = engine(_TEMPLATES)
        self._brand = brand

    def render(
        self,
        notification: Notification,
        order: Order,
        reader: Person,
        now: datetime,
        links: Links,
        *,
        details: Mapping[str, str] = NO_DETAILS,
        sequence: int = 0,
    ) -> Mail:
        """Return the mail in the reader's language and time zone.

        ``details``: see ``facts_of``. ``session_scheduled`` and ``session_moved`` go with a
        calendar file if the order has its meeting; ``order_cancelled`` and ``session_declined``
        with one that takes the event out, if the order has its meeting still or ``details`` has
        its ``event_id``. ``sequence`` is that file's and has to rise with every change: the
        order's revision does.

        Raises PermanentError when something lacks that the message is about: the room's link, an
        address for one of its buttons, a detail.
        """
        try:
            facts = facts_of(notification, order, reader, now, links, details=details)
            content = self._content(notification.kind, reader, facts)
        except (UndefinedError, ValueError) as error:
            raise PermanentError(
                f"order {order.id} cannot be told of {notification.kind}: {error}"
            ) from error
        if order.status not in _OVER and notification.recipient is not Recipient.ADMIN:
            content = msgspec.structs.replace(content, manage=links.manage or None)
        mail = self._mail(notification.key, reader, content, facts)
        attached = self._calendar(
            notification.kind, order, reader, now, sequence, event=details.get("event_id", "")
        )
        return msgspec.structs.replace(mail, calendar=attached)

    def render_digest(self, figures: Digest, reader: Person, now: datetime) -> Mail:
        """Return the mail with the figures of a day, for the admin."""
        facts = {
            "recipient": Recipient.ADMIN.value,
            "reader": one_line(reader.name),
            "day": phrases.day(figures.day, reader),
            "figures": figures,
            "money_in": phrases.rupiah(figures.money_in),
            "money_back": phrases.rupiah(figures.money_back),
            "waiting": [(w, phrases.moment(w.since, reader)) for w in figures.waiting],
            "written_at": phrases.moment(now, reader),
        }
        notification = Notification(
            order_id=figures.day.isoformat(), kind=Kind.DIGEST, recipient=Recipient.ADMIN
        )
        content = self._content(Kind.DIGEST, reader, facts)
        return self._mail(notification.key, reader, content, facts)

    def _mail(self, key: str, reader: Person, content: Content, facts: dict[str, Any]) -> Mail:
        common = self._words("common", reader, facts)
        scope = {
            "brand": self._brand,
            "common": common,
            "content": content,
            "locale": reader.locale,
        }
        return Mail(
            key=key,
            to_name=one_line(reader.name),
            to_email=reader.email,
            language=reader.locale,
            subject=content.subject,
            text=self._templates.get_template("mail.txt").render(scope),
            html=self._templates.get_template("mail.html").render(scope),
        )

    def _content(self, kind: Kind, reader: Person, facts: dict[str, Any]) -> Content:
        words = self._words(kind, reader, facts)
        return Content(
            subject=one_line(_part(words, "subject")),
            heading=one_line(_part(words, "heading")),
            paragraphs=_paragraphs(_part(words, "body")),
            facts=_rows(_part(words, "facts")),
            figures=kind is Kind.DIGEST,
            list_heading=getattr(words, "list_heading", ""),
            list=_rows(getattr(words, "list", "")),
            buttons=(
                *_button(words, "button", "link"),
                *_button(words, "other_button", "other_link"),
            ),
        )

    def _words(self, name: str, reader: Person, facts: dict[str, Any]) -> Any:
        known = {
            "brand_name": self._brand.name,
            "help_email": self._brand.help_email,
            "order_id": None,
        }
        return self._templates.get_template(f"{reader.locale}/{name}.txt").make_module(
            known | facts
        )

    def _calendar(
        self, kind: Kind, order: Order, reader: Person, now: datetime, sequence: int, *, event: str
    ) -> CalendarFile | None:
        room = None if order.meeting is None else order.meeting.meet_url
        scope = partial(
            calendar_file,
            order,
            sequence=sequence,
            brand=self._brand,
            reader=reader,
            room_url=room,
            now=now,
        )
        if kind in _PUT_IN_CALENDAR and room is not None:
            return scope("REQUEST")
        if kind in _TAKEN_OUT and (room or event):
            return scope("CANCEL", event=event or None)
        return None


def _part(words: Any, name: str) -> str:
    part: str = getattr(words, name)
    return part


def _button(words: Any, label: str, link: str) -> tuple[Button, ...]:
    if not hasattr(words, label):
        return ()
    return (Button(label=_part(words, label), link=_part(words, link)),)


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(one_line(part) for part in text.split("\n\n") if part.strip())


def _rows(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``label: value`` lines; labels come from the template and have no colon."""
    lines = (line.partition(":") for line in text.split("\n") if line.strip())
    return tuple((one_line(label), one_line(value)) for label, _, value in lines)

"""What a page shows, and how it becomes HTML."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from functions.manage_booking.words import TEMPLATES, Words
from shared.domain.people import Locale
from shared.presentation.brand import Brand
from shared.presentation.engine import engine

Weight = Literal["main", "quiet", "grave"]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A link that looks like a button. ``note`` is said under it."""

    label: str
    url: str
    weight: Weight = "quiet"
    note: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form. ``complaint`` is what is wrong with its value."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    complaint: str = ""
    rows: int = 0
    digits: bool = False
    suggestions: tuple[str, ...] = ()
    is_optional: bool = False


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of several values."""

    value: str
    label: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of one day."""

    label: str
    choices: tuple[Choice, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to ``url``, with the link's token among the hidden fields."""

    url: str
    submit: str
    hidden: Mapping[str, str]
    weight: Weight = "main"
    fields: tuple[Field, ...] = ()
    legend: str = ""
    days: tuple[Day, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page, as plain text. ``other`` says the same where the reader's language is not known.

    ``notice`` tells what was done, ``alert`` what was not; both stand above all else.
    """

    words: Words
    heading: str
    paragraphs: tuple[str, ...]
    notice: str = ""
    alert: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    actions: tuple[Action, ...] = ()
    form: Form | None = None
    back: Action | None = None
    order_id: str = ""
    other: "Page | None" = None

    @property
    def locale(self) -> Locale:
        """The language of the page."""
        return self.words.locale

    @property
    def complaints(self) -> tuple[Field, ...]:
        """The fields with something to correct."""
        fields = self.form.fields if self.form else ()
        return tuple(field for field in fields if field.complaint)


class Pages:
    """Renders pages. Build it once: it keeps the compiled template."""

    def __init__(self, brand: Brand) -> None:
        templates = engine(TEMPLATES)
        # The colour is checked by the settings: six hexadecimal digits.
        self._style = templates.get_template("style.css").render(colour=brand.colour)
        self._template = templates.get_template("page.html")
        self._brand = brand
        # What every page is sent with: it loads nothing, and its address goes nowhere.
        self.headers: Mapping[str, str] = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": _policy(self._style),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
        }

    def html(self, page: Page) -> str:
        """Return the page as HTML."""
        return self._template.render(page=page, brand=self._brand, style=self._style)


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    )

"""A visitor of the booking pages: opens links, reads what the page offers, sends its forms."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from shared.links import Purpose


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form of a page: where it goes, what it would send, and the values that can be chosen."""

    action: str
    fields: dict[str, str]
    choices: dict[str, tuple[str, ...]]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a page holds for somebody who wants to do something."""

    status: int
    links: tuple[str, ...]
    forms: tuple[Form, ...]

    def link_to(self, purpose: Purpose) -> str | None:
        """Return the first link of this purpose."""
        return next((link for link in self.links if purpose_of(link) is purpose), None)


class Visitor:
    """Somebody with a phone. Nothing is remembered from one page to the next."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def open(self, url: str) -> Page:
        """Open a page, as a click on a link does."""
        return _read(self._client.get(url, follow_redirects=True))

    def send(self, form: Form, **filled: str) -> Page:
        """Send a form with these fields filled in."""
        data = form.fields | filled
        return _read(self._client.post(form.action, data=data, follow_redirects=True))


def purpose_of(link: str) -> Purpose | None:
    """Return what a link of the booking pages is for."""
    last = urlsplit(link).path.rpartition("/")[2]
    return Purpose(last) if last in set(Purpose) and "token=" in link else None


def _read(answer: httpx.Response) -> Page:
    reader = _Reader(str(answer.url))
    reader.feed(answer.text)
    return Page(
        status=answer.status_code, links=tuple(reader.links), forms=tuple(reader.finished())
    )


class _Reader(HTMLParser):
    """Collects links, and the forms that are sent by POST."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self._open: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(urljoin(self._base, given["href"]))
        elif tag == "form" and given.get("method", "").lower() == "post":
            action = given.get("action") or self._base
            self._open.append((urljoin(self._base, action), {}, {}))
        elif self._open and "name" in given:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        _, fields, choices = self._open[-1]
        if given.get("type") == "radio":
            choices.setdefault(given["name"], []).append(given.get("value", "on"))
        elif tag in {"input", "textarea", "button"}:
            fields[given["name"]] = given.get("value", "")

    def finished(self) -> list[Form]:
        """Return the forms that were read."""
        return [
            Form(
                action=action,
                fields=fields,
                choices={name: tuple(values) for name, values in choices.items()},
            )
            for action, fields, choices in self._open
        ]

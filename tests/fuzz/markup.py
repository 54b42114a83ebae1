"""A page of HTML, read as strictly as no browser does: anything that no template writes shows."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

_VOID = frozenset({"meta", "input"})
_TAGS: Mapping[str, frozenset[str]] = {
    "html": frozenset({"lang"}),
    "head": frozenset(),
    "meta": frozenset({"charset", "name", "content"}),
    "title": frozenset(),
    "style": frozenset(),
    "body": frozenset(),
    "header": frozenset(),
    "main": frozenset({"id"}),
    "footer": frozenset(),
    "section": frozenset({"class", "lang"}),
    "div": frozenset({"class", "role"}),
    "p": frozenset({"class", "id", "role", "lang"}),
    "span": frozenset({"class"}),
    "h1": frozenset(),
    "h2": frozenset(),
    "a": frozenset({"class", "href", "rel"}),
    "ul": frozenset({"class", "aria-label"}),
    "li": frozenset(),
    "dl": frozenset({"aria-label"}),
    "dt": frozenset(),
    "dd": frozenset(),
    "form": frozenset({"method", "action", "autocomplete", "novalidate"}),
    "input": frozenset(
        {"type", "name", "value", "id", "aria-describedby", "aria-invalid", "required"}
        | {"inputmode", "list"}
    ),
    "textarea": frozenset({"id", "name", "aria-describedby", "aria-invalid", "rows"}),
    "label": frozenset({"for"}),
    "datalist": frozenset({"id"}),
    "option": frozenset({"value"}),
    "fieldset": frozenset(),
    "legend": frozenset(),
    "details": frozenset({"open"}),
    "summary": frozenset({"id"}),
    "button": frozenset({"class", "type"}),
}
_ADDRESS = re.compile(r"(https?://|#[\w-]+$)")
# What no document may contain: https://html.spec.whatwg.org/multipage/parsing.html#parse-errors
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


class Page(HTMLParser):
    """The page; ``problems`` are what is wrong with it, ``languages`` what it is written in."""

    def __init__(self, body: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.languages: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self._declared = False
        try:
            text = body.decode()
        except UnicodeDecodeError:
            self.problems.append("no UTF-8")
            text = body.decode(errors="replace")
        self._characters(text)
        self.feed(text)
        self.close()
        if self._open or not self._declared:
            self.problems.append(f"never closed: {self._open}" if self._open else "no doctype")

    @property
    def style_source(self) -> str:
        """How a policy allows the page's style and no other."""
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        return f"'sha256-{digest}'"

    def handle_decl(self, decl: str) -> None:
        self._declared = decl == "doctype html"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.problems += _wrong_tag(tag, attrs)
        given = dict(attrs)
        if tag in {"html", "section"}:
            self.languages.append(given.get("lang") or "")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.problems.append(f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            self.style += data
        if not self._open and data.strip():
            self.problems.append(f"text outside of the page: {data[:50]!r}")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"a comment: {data[:50]!r}")

    def handle_pi(self, data: str) -> None:
        self.problems.append(f"an instruction: {data[:50]!r}")

    def unknown_decl(self, data: str) -> None:
        self.problems.append(f"a declaration: {data[:50]!r}")

    def _characters(self, text: str) -> None:
        self.problems += (f"the character {found!r}" for found in set(_CONTROL.findall(text)))


def _wrong_tag(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    if tag not in _TAGS:
        yield f"a tag <{tag}>, which no page has"
        return
    if len({name for name, _ in attrs}) < len(attrs):
        yield f"<{tag}> with an attribute twice"
    for name, value in attrs:
        if name not in _TAGS[tag]:
            yield f"<{tag} {name}>, which no page has"
        if name in {"href", "action"} and not _ADDRESS.match(value or ""):
            yield f"<{tag} {name}={value!r}> leads elsewhere"
        if _CONTROL.search(value or ""):
            yield f"<{tag} {name}> with a control character"

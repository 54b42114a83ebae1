"""Requests as bytes on a socket: what no HTTP client would send can be sent, too."""

import base64
import http.client
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from local.config import HOST

_TIMEOUT_S = 60.0
# Longer bodies are shown shortened; the seed and the number bring them back whole.
_SHOWN_BYTES = 2000


class Framing(StrEnum):
    """How the end of the body is told."""

    LENGTH = "length"
    CHUNKED = "chunked"
    NONE = "none"  # the body is there, and nothing says so
    TOO_SHORT = "too_short"  # the connection ends before the body does
    BAD_CHUNK = "bad_chunk"  # a chunk's size is no number


BROKEN = frozenset({Framing.TOO_SHORT, Framing.BAD_CHUNK})


class Changes(StrEnum):
    """What a request may change."""

    NOTHING = "nothing"
    REJECTED = "rejected"  # the rejected store and nothing else
    SUBJECT = "subject"  # what it is about, what is published of that, and the rejected store
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and what may come of it.

    ``statuses`` are the allowed ones; None allows every answer that is declared. ``message_id`` is
    the one in a readable push. ``hopeless`` means that it can never be handled. ``subject`` is the
    id of the booking or chat that it may change, ``opens`` of the order that its link shows;
    ``languages`` are those of its page, if that can be told. ``secrets`` are not to be logged.
    """

    number: int
    entry: str
    kind: str
    method: str = "POST"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    framing: Framing = Framing.LENGTH
    changes: Changes = Changes.ANYTHING
    statuses: frozenset[int] | None = None
    message_id: str | None = None
    hopeless: bool = False
    subject: str = ""
    opens: str = ""
    languages: tuple[str, ...] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def wire(self, host: str) -> bytes:
        """Return what goes over the socket. Header values are sent as UTF-8."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += _FRAMES.get(self.framing, [])
        if self.framing in {Framing.LENGTH, Framing.TOO_SHORT}:
            missing = 10 if self.framing is Framing.TOO_SHORT else 0
            lines.append(f"Content-Length: {len(self.body) + missing}")
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        return head + b"\r\n\r\n" + self._framed_body()

    def _framed_body(self) -> bytes:
        if self.framing is Framing.CHUNKED:
            parts = (self.body[at : at + 65536] for at in range(0, len(self.body), 65536))
            return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        if self.framing is Framing.BAD_CHUNK:
            return b"zz\r\n" + self.body + b"\r\n0\r\n\r\n"
        return self.body

    def as_curl(self, url: str) -> str:
        """Return a command that sends about the same, its body in base64 since it may be binary."""
        words = ["curl", "-i", "-X", self.method, "--path-as-is"]
        for name, value in self.headers:
            words += ["-H", f"{name}: {value[:300]}"]
        if self.framing is not Framing.LENGTH:
            words += ["-H", f"X-Framing: {self.framing}"]
        words += ["--data-binary", "@-", url + self.target[:300]]
        body = base64.b64encode(self.body[:_SHOWN_BYTES]).decode()
        cut = f"  # the first {_SHOWN_BYTES} of {len(self.body)} bytes"
        command = f"echo {body} | base64 -d | {shlex.join(words)}"
        return command + (cut if len(self.body) > _SHOWN_BYTES else "")


_FRAMES = {
    Framing.CHUNKED: ["Transfer-Encoding: chunked"],
    Framing.BAD_CHUNK: ["Transfer-Encoding: chunked"],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``status`` 0 means that the connection was closed without an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        shown = self.body[:300].decode(errors="replace")
        return f"{self.status or 'no answer'} {shown}"


def send(request: Request, port: int) -> Answer:
    """Send a request over a connection of its own and return the answer."""
    with socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as connection:
        try:
            connection.sendall(request.wire(f"{HOST}:{port}"))
            if request.framing is Framing.TOO_SHORT:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered before it read everything
        response = http.client.HTTPResponse(connection, method=request.method)
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, ConnectionError):
            return Answer(0)
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)

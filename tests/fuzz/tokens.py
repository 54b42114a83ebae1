"""What is left of the token of a link when it is changed anywhere."""

import base64
import random
from collections.abc import Callable, Sequence

from tests.fuzz.contract import ODD_TEXTS
from tests.fuzz.mutations import noise


def broken(rng: random.Random, token: str) -> str:
    """Return what is left of a token, surely no token any more."""
    while True:
        broken = rng.choice(_BREAKS)(rng, token)
        if not _is_same(token, broken):
            return broken


def _is_same(token: str, other: str) -> bool:
    """Whether both say and sign the same: of base64, some letters do not count."""
    said, _, signature = token.rpartition(".")
    other_said, _, other_signature = other.rpartition(".")
    return said == other_said and _bytes(signature) == _bytes(other_signature)


def _bytes(written: str) -> bytes:
    letters = written.encode("ascii", "ignore")
    try:
        return base64.urlsafe_b64decode(letters + b"=" * (-len(letters) % 4))
    except ValueError:
        return b""


def _flipped(rng: random.Random, token: str) -> str:
    at = rng.randrange(len(token))
    return token[:at] + chr(ord(token[at]) ^ 1 << rng.randrange(7)) + token[at + 1 :]


def _swapped(rng: random.Random, token: str) -> str:
    at = rng.randrange(len(token) - 1)
    return token[:at] + token[at + 1] + token[at] + token[at + 2 :]


def _edited(rng: random.Random, token: str) -> str:
    """Change what it says, and keep the signature."""
    said, _, signature = token.rpartition(".")
    text = _bytes(said).decode(errors="replace")
    old, new = rng.choice((("mentee", "admin"), ("mentor", "mentee"), ("BK-", "KB-"), ("0", "9")))
    changed = base64.urlsafe_b64encode(text.replace(old, new).encode()).decode().rstrip("=")
    return f"{changed}.{signature}"


_BREAKS: Sequence[Callable[[random.Random, str], str]] = (
    _flipped,
    _flipped,
    _swapped,
    _edited,
    _edited,
    lambda rng, token: token[: rng.randrange(len(token))],
    lambda rng, token: token[rng.randrange(1, len(token)) :],
    lambda _rng, token: f"{token}{token}",
    lambda _rng, token: f".{token}",
    lambda _rng, token: token.replace(".", "..", 1),
    lambda _rng, token: token.swapcase(),
    lambda _rng, token: f"{token.rpartition('.')[0]}.",
    lambda _rng, token: f"\x00{token}",
    lambda _rng, token: f" {token}",
    lambda rng, _token: rng.choice(ODD_TEXTS),
    lambda rng, _token: noise(rng).decode("latin-1")[:50_000],
    lambda rng, _token: "A" * rng.choice((10, 5000, 50_000)),
    lambda rng, _token: "." * rng.choice((1, 2, 50_000)),
    lambda _rng, _token: ".eJw." + "A" * 43,
)

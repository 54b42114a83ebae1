"""The words of the pages, in the reader's language."""

import tomllib
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from shared.domain.people import Locale

LOCALES: tuple[Locale, ...] = get_args(Locale)
TEMPLATES = Path(__file__).parent / "templates"


class Words(msgspec.Struct, frozen=True):
    """Plain text, nothing escaped: the templates do that once for all that they show."""

    locale: Locale
    texts: Mapping[str, str]
    facts: MutableMapping[str, str]

    def __call__(self, key: str, **more: str) -> str:
        """Return the text of a key such as ``do.accept`` with the facts in it."""
        return self.texts[key].format_map(ChainMap(more, self.facts))

    def knowing(self, facts: MutableMapping[str, str]) -> "Words":
        """Return words that may tell these facts too."""
        return Words(self.locale, self.texts, ChainMap(facts, self.facts))


class Facts(dict[str, str]):
    """Facts by name, each put into words when a text first tells it: a page tells few of them."""

    def __init__(self, ways: Mapping[str, Callable[[], str]]) -> None:
        super().__init__()
        self._ways = ways

    def __missing__(self, name: str) -> str:
        self[name] = told = self._ways[name]()
        return told


def read_words(facts: MutableMapping[str, str]) -> Mapping[Locale, Words]:
    """Return the words of every language."""
    return {locale: Words(locale, texts_of(locale), facts) for locale in LOCALES}


def texts_of(locale: Locale) -> Mapping[str, str]:
    """Return the texts of a language's file by their keys, such as ``do.accept``."""
    with (TEMPLATES / f"{locale}.toml").open("rb") as file:
        return dict(_flat(tomllib.load(file)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value

"""The words of the pages, in the reader's language."""

import tomllib
from collections.abc import Iterator, Mapping
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
    facts: Mapping[str, str]

    def __call__(self, key: str, **more: str) -> str:
        """Return the text of a key such as ``do.accept`` with the facts in it."""
        return self.texts[key].format(**self.facts, **more)

    def knowing(self, facts: Mapping[str, str]) -> "Words":
        """Return words that may tell these facts too."""
        return Words(self.locale, self.texts, {**self.facts, **facts})


def read_words(facts: Mapping[str, str]) -> Mapping[Locale, Words]:
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

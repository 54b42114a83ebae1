"""The report's words in both languages, from ``words.toml``."""

from functools import cache
from pathlib import Path

import msgspec

from benchmarks.report.numbers import LANGUAGES, Figure, Language

WORDS = Path(__file__).parent / "words.toml"


class Text(msgspec.Struct, frozen=True):
    """The same in Indonesian and in English."""

    id: str
    en: str

    def __call__(self, language: Language) -> str:
        """Return it in one language."""
        return self.id if language == "id" else self.en


@cache
def words() -> dict[str, Text]:
    """Return all words; a key is ``section.name``."""
    sections = msgspec.toml.decode(WORDS.read_bytes(), type=dict[str, dict[str, Text]])
    return {
        f"{section}.{name}": text
        for section, texts in sections.items()
        for name, text in texts.items()
    }


def say(key: str, **figures: Figure) -> Text:
    """Return these words with figures in their places, each as its language writes it."""
    text = words()[key]
    return Text(
        **{
            language: text(language).format(**{k: tell(language) for k, tell in figures.items()})
            for language in LANGUAGES
        }
    )


def both(figure: Figure) -> Text:
    """Return a figure as a text."""
    return Text(**{language: figure(language) for language in LANGUAGES})

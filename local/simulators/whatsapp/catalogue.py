"""The templates that Meta has approved, and how one is filled."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from local.simulators.whatsapp.wire import GraphError

MAX_TEXT = 1024
_PLACE = re.compile(r"\{\{([1-9][0-9]*)\}\}")


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template: the places in its body are ``{{1}}``, ``{{2}}`` and so on."""

    name: str
    language: str
    body: str

    @property
    def places(self) -> int:
        """How many parameters it takes."""
        return max((int(place) for place in _PLACE.findall(self.body)), default=0)

    def filled(self, parameters: Sequence[str]) -> str:
        """Return the text that the reader gets. Raises GraphError as Meta refuses."""
        if len(parameters) != self.places:
            raise GraphError(
                132000,
                f"body: number of localizable_params ({len(parameters)}) does not match the"
                f" expected number of params ({self.places})",
            )
        text = _PLACE.sub(lambda place: parameters[int(place[1]) - 1], self.body)
        if len(text) > MAX_TEXT:
            raise GraphError(132005, f"the text has {len(text)} characters")
        return text


class _File(msgspec.Struct, frozen=True):
    templates: list[Template]


class Catalogue:
    """The approved templates by name and language."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._templates: Mapping[tuple[str, str], Template] = {
            (template.name, template.language): template for template in templates
        }

    @classmethod
    def read(cls, path: Path) -> "Catalogue":
        """Read a file ``{"templates": [{"name", "language", "body"}]}``; other fields are ignored."""
        return cls(msgspec.json.decode(path.read_bytes(), type=_File).templates)

    def find(self, name: str, language: str) -> Template:
        """Return the template. Raises GraphError 132001 for one that was not approved."""
        try:
            return self._templates[name, language]
        except KeyError:
            details = f"template name ({name}) does not exist in {language}"
            raise GraphError(132001, details) from None

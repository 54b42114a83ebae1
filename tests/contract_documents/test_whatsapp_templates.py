"""What ``python -m local whatsapp-templates`` prints is what Meta's API takes."""

import json
import re
from typing import Any

import pytest

from local.cli import main

_KEYS = {"name", "language", "category", "components"}


@pytest.fixture
def templates(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what the command prints."""
    assert main(["whatsapp-templates"]) == 0
    printed: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return printed


def test_every_template_is_there_in_both_languages(templates: list[dict[str, Any]]) -> None:
    names = {language: set[str]() for language in ("id", "en")}
    for template in templates:
        names[template["language"]].add(template["name"])
    assert names["id"] == names["en"]
    assert len(templates) == 2 * len(names["id"])


def test_each_has_a_body_and_an_example_for_each_place(templates: list[dict[str, Any]]) -> None:
    for template in templates:
        assert template.keys() == _KEYS
        (body,) = template["components"]
        places = re.findall(r"\{\{(\d+)\}\}", body["text"])
        (examples,) = body["example"]["body_text"]
        assert body["type"] == "BODY"
        assert places == [str(number) for number in range(1, len(examples) + 1)]

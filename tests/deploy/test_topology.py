"""What the topology says of the functions is what their code does."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.staging import ROOT
from local.topology import FUNCTIONS, Function
from shared.domain.events import Event


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: str(function.name))
def test_a_function_may_publish_what_its_step_says_and_nothing_else(function: Function) -> None:
    said = set(_published(function.name))
    assert said == set(function.says)


def _published(name: str) -> Iterator[type[Event]]:
    """Yield the events of a step: made by it, or asked for of ``facts`` and ``request_of``."""
    for path in (ROOT / "functions" / name).glob("*.py"):
        # What main.py imports of the others is theirs, and it reads the settings when imported.
        if path.stem not in {"__init__", "main"}:
            yield from _published_by(importlib.import_module(f"functions.{name}.{path.stem}"))


def _published_by(module: Any) -> Iterator[type[Event]]:
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = _value(module, call.func)
        if isinstance(called, type) and issubclass(called, Event):
            yield called
        elif getattr(called, "__name__", "") == "facts":
            for argument in call.args[1:]:
                if isinstance(argument, ast.Starred):
                    yield from _value(module, argument.value)
                else:
                    yield _value(module, argument)
        else:
            yield from _returned(called)


def _returned(called: Any) -> Iterator[type[Event]]:
    """Yield the event that a function of the domain is annotated to return."""
    returned = getattr(called, "__annotations__", {}).get("return")
    for kind in getattr(returned, "__args__", (returned,)):
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event:
            yield kind


def _value(module: Any, expression: ast.expr) -> Any:
    name = ast.unparse(expression)
    return getattr(module, name, None)

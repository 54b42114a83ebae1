"""What cannot be beaten: a function that does nothing, and one that only loads what ours needs."""

from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

_HELLO = """
def floor(request):
    return "hello"
"""


def write_hello(folder: Path) -> Path:
    """Write a function that says hello."""
    return _write(folder, _HELLO)


def write_imports(folder: Path, modules: Sequence[str]) -> Path:
    """Write a function that loads these modules and says hello."""
    # Extensions register modules like _openssl, which come with them and cannot be asked for.
    real = [name for name in modules if PathFinder.find_spec(name.partition(".")[0])]
    return _write(folder, "".join(f"import {name}\n" for name in real) + _HELLO)


def _write(folder: Path, source: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(source, encoding="utf-8")
    return folder

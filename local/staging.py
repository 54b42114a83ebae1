"""Stage a function: the folder that is deployed, and that the local runtime serves.

By itself: ``python -m local.staging create_invoice DESTINATION``.
"""

import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from shared.presentation.engine import COMPILED, compile_all

ROOT = Path(__file__).resolve().parent.parent
_LEAVE_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_MAIN = """\
from shared import garbage

garbage.expect_loading()
from functions.{name}.main import {name} as {name}
"""


def stage(name: str, destination: Path) -> Path:
    """Write the folder of one function afresh and return it.

    functions-framework puts only the source file's own folder on the import path, hence the
    small ``main.py`` at the root beside ``functions/`` and ``shared/``.
    """
    source = ROOT / "functions" / name
    if not (source / "main.py").is_file():
        raise SystemExit(f"there is no function {name!r} in functions/")
    shutil.rmtree(destination, ignore_errors=True)
    (destination / "functions").mkdir(parents=True)
    (destination / "functions" / "__init__.py").touch()
    shutil.copytree(source, destination / "functions" / name, ignore=_LEAVE_OUT)
    shutil.copytree(ROOT / "shared", destination / "shared", ignore=_LEAVE_OUT)
    for templates in [*destination.rglob("templates")]:
        _compile(templates, ROOT / templates.relative_to(destination))
    # What is deployed is installed from the lock, and pip checks its hashes.
    shutil.copy(ROOT / "requirements.lock", destination / "requirements.txt")
    (destination / "main.py").write_text(_MAIN.format(name=name), encoding="utf-8")
    return destination


def _compile(templates: Path, source: Path) -> None:
    folder = templates / COMPILED
    folder.mkdir()
    for name, code in _compiled(source).items():
        (folder / name).write_bytes(code)


@cache
def _compiled(source: Path) -> dict[str, bytes]:
    """Return the modules by name: compiled once, since all functions have ``shared`` in common."""
    with tempfile.TemporaryDirectory() as folder:
        compile_all(source, Path(folder))
        return {module.name: module.read_bytes() for module in Path(folder).iterdir()}


if __name__ == "__main__":
    stage(sys.argv[1], Path(sys.argv[2]))

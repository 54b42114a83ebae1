"""What a function loads: looked up in a process of its own, as everything is that must be fresh."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks.scene import Request
from benchmarks.scene.process import environment
from local.config import WorldConfig

_OURS = frozenset({"functions", "shared", "main", "benchmarks", "local"})
# What is built rather than installed: Python's own settings, and our templates, compiled.
_MADE = ("_sysconfigdata", "_jinja2_module_templates")
_PROBES = frozenset({"__main__", "__mp_main__", "_distutils_hack"})


class Loaded(msgspec.Struct, frozen=True):
    """Names of modules, in the order of loading, and looks for garbage before the first answer."""

    imported: list[str]
    answered: list[str]
    status: int
    said: str
    collections: int


def loaded(name: str, folder: Path, config: WorldConfig, request: Request) -> Loaded:
    """Let a staged function answer a request; return what it had loaded before and after."""
    asked = {
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "body": request.body.decode(),
    }
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(Path(__file__).with_name("probe.py")), name],
        cwd=folder,
        env=environment(config) | {"PYTHONPATH": str(folder)},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Loaded)


def third_party(names: list[str]) -> list[str]:
    """Return those that are neither Python's nor ours, in their order."""
    return [name for name in names if _is_foreign(name.partition(".")[0])]


def _is_foreign(package: str) -> bool:
    own = package in _OURS or package in _PROBES or package.startswith(_MADE)
    return not own and package not in sys.stdlib_module_names

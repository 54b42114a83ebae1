"""The file of all benchmarks' results: ``benchmarks/results/latest.json``, one section each."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "results"
LATEST = FOLDER / "latest.json"


def read(path: Path = LATEST) -> dict[str, Any]:
    """Return all sections; none where nothing has been measured."""
    if not path.exists():
        return {}
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


def merge(section: str, figures: Any, path: Path = LATEST) -> None:
    """Write a section anew, and where and when that was; the others stay."""
    known = read(path) | {
        section: figures,
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def cold_starts(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return each function's figures with production's clients, or the embedded backend's.

    There are only the latter where the emulators could not be started.
    """
    return {
        name: figures if "ms" in figures else figures.get("embedded", {})
        for name, figures in known.get("cold_start", {}).items()
    }


def machine() -> str:
    """Return what this machine is."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"

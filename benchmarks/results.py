"""The file of results, into which each benchmark puts its own section."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
_FILE = FOLDER / "latest.json"


def merge(section: str, figures: Any) -> None:
    """Write one section anew, and where and when that was; the others stay."""
    known = json.loads(_FILE.read_text()) if _FILE.exists() else {}
    known |= {
        section: figures,
        "machine": _machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    _FILE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"

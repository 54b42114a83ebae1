"""Running the local commands as a developer does: as processes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.staging import ROOT

DEMO_TIMEOUT_S = 300


def local(*arguments: str) -> list[str]:
    """Return the command line of ``python -m local``."""
    return [sys.executable, "-m", "local", *arguments]


def start(*arguments: str, log: Path) -> "subprocess.Popen[bytes]":
    """Start a local command; what it prints goes to ``log``."""
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            local(*arguments),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a local command to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        local(*arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEMO_TIMEOUT_S,
        check=False,
    )


def demo(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a demo, which must end well, and return its results."""
    results = folder.parent / "results.json"
    done = run("demo", "--folder", str(folder), "--json", str(results), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(results.read_text())
    return told


def processes_of(folder: Path) -> list[int]:
    """Return the ids of the processes whose command line or folder lies in the world's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in command or place.startswith(str(folder)):
            found.append(int(process.name))
    return found

"""Running the local commands as a developer does: as processes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.staging import ROOT

DEMO_TIMEOUT_S = 400
_LOG_TAIL = 4000


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
    return results("demo", folder, *arguments)


def results(command: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a command on the world in ``folder``, which must end well, and return what it wrote."""
    written = folder.parent / "results.json"
    done = run(command, "--folder", str(folder), "--json", str(written), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr + _complaints(folder)
    told: dict[str, Any] = json.loads(written.read_text())
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


def _complaints(folder: Path) -> str:
    """Return the ends of the logs in which a process of the world complains, to show why it failed."""
    logs = {log.name: log.read_text(errors="replace") for log in (folder / "logs").glob("*.log")}
    return "".join(
        f"\n{name} ends with:\n{text[-_LOG_TAIL:]}"
        for name, text in sorted(logs.items())
        if "Traceback" in text or "ERROR" in text
    )

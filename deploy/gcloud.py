"""Runs gcloud: reads as JSON, changes one at a time, patience with what takes effect late."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from shared.errors import PipelineError

T = TypeVar("T")

# A new account, API or grant is known everywhere only after up to a minute or so.
PAUSES_S = (2.0, 4.0, 8.0, 15.0, 30.0)
_NOT_YET = (
    "does not exist",
    "has not been used in project",
    "is disabled",
    "Permission denied on secret",
    "is being created",
    "Cannot find metric that matches type",
)
_AT_ONCE = 4


class GcloudError(PipelineError):
    """A gcloud command failed; the message is the command and what it said."""


class Gcloud:
    """The gcloud CLI on one project. With ``dry_run`` changes are only shown."""

    def __init__(
        self,
        project: str,
        *,
        dry_run: bool = False,
        say: Callable[[str], None] | None = None,
        pauses: Sequence[float] = PAUSES_S,
    ) -> None:
        self.project = project
        self.dry_run = dry_run
        self._say = say or tell
        self._pauses = pauses
        self.changes = 0

    def read(self, *arguments: str) -> Any:
        """Return what a reading command says, decoded. Raises GcloudError."""
        return json.loads(self._run(arguments, None, "--format=json") or "null")

    def read_or(self, default: Any, *arguments: str) -> Any:
        """Return what a reading command says, or the default where there is nothing.

        In a dry run that is so, too, where something would have had to be made first.
        """
        try:
            return self.read(*arguments) or default
        except GcloudError as error:
            if self.dry_run or "NOT_FOUND" in str(error):
                return default
            raise

    def change(self, what: str, *arguments: str, stdin: str | None = None) -> None:
        """Run a changing command and say ``what`` it did. Raises GcloudError."""
        self.changes += 1
        if self.dry_run:
            self._say(f"  {what}\n    {_shown(arguments)}")
            return
        # One that is refused because it came too early has done nothing.
        for pause in self._pauses:
            try:
                self._run(arguments, stdin)
                break
            except GcloudError as error:
                if not any(text in str(error) for text in _NOT_YET):
                    raise
                time.sleep(pause)
        else:
            self._run(arguments, stdin)
        self._say(f"  {what}")

    def _run(self, arguments: Sequence[str], stdin: str | None, *options: str) -> str:
        common = (f"--project={self.project}", "--quiet", *options)
        done = subprocess.run(  # noqa: S603 - our own commands
            ["gcloud", *arguments, *common],  # noqa: S607 - the user's gcloud is on the path
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise GcloudError(f"{_shown(arguments)}\n{done.stderr.strip()}")
        return done.stdout


def tell(line: str) -> None:
    """Print a line at once, whole even where several threads do."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def in_parallel(function: Callable[[T], object], items: Iterable[T]) -> None:
    """Call the function on each; the first error is raised when all others have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for result in [pool.submit(function, item) for item in items]:
            result.result()


def _shown(arguments: Sequence[str]) -> str:
    return f"gcloud {shlex.join(arguments)}"

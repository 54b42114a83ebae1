"""The official Firestore and Pub/Sub emulators of the gcloud CLI."""

import http.client
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient

from local.lifeline import TetheredProcess
from local.ports import free_ports
from shared.errors import PipelineError

HOW_TO_INSTALL = (
    "Install the gcloud CLI and Java with the Debian packages google-cloud-cli,"
    " google-cloud-cli-firestore-emulator, google-cloud-cli-pubsub-emulator and default-jre, or run"
    " `gcloud components install beta cloud-firestore-emulator pubsub-emulator`."
)
# Both take about five seconds on two cores; a busy machine needs longer.
_START_TIMEOUT_S = 90.0
_POLL_S = 0.1
_LOG_TAIL = 2000


class EmulatorsUnavailableError(PipelineError):
    """The emulators cannot be started here; the message says what is missing and how to get it."""


class _Emulator(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    variable: str
    component: str
    command: tuple[str, ...]
    answers: Callable[[str], bool]


class Emulators:
    """Both emulators, or those that the environment already names.

    ``start`` exports ``FIRESTORE_EMULATOR_HOST`` and ``PUBSUB_EMULATOR_HOST``, which Google's
    clients and child processes read; ``stop`` takes back what was exported. Everything is kept in
    memory only. ``log_dir`` gets a log of each.
    """

    def __init__(self, log_dir: Path, project: str = "demo-mentoring") -> None:
        self._log_dir = log_dir
        self._project = project
        self._started: dict[str, TetheredProcess] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name the emulators, for child processes; set once started."""
        return {emulator.variable: os.environ[emulator.variable] for emulator in _EMULATORS}

    def start(self) -> None:
        """Start what is not running and wait until it answers. Raises EmulatorsUnavailableError."""
        missing = [emulator for emulator in _EMULATORS if emulator.variable not in os.environ]
        if missing:
            _check_installed(missing)
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for emulator in missing:
                self._launch(emulator)
            for emulator in missing:
                self._wait_for(emulator)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End what ``start`` started, Java processes included; calling it again changes nothing."""
        for variable, process in self._started.items():
            os.environ.pop(variable, None)
            process.end()
        self._started.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, emulator: _Emulator) -> None:
        (port,) = free_ports(1)
        host = f"127.0.0.1:{port}"
        options = (f"--host-port={host}", f"--project={self._project}", "--quiet")
        process = TetheredProcess(("gcloud", *emulator.command, *options), self._log(emulator))
        self._started[emulator.variable] = process
        os.environ[emulator.variable] = host

    def _wait_for(self, emulator: _Emulator) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not emulator.answers(os.environ[emulator.variable]):
            ended = not self._started[emulator.variable].running
            if ended or time.monotonic() > deadline:
                what = "ended at once" if ended else f"did not answer in {_START_TIMEOUT_S:.0f} s"
                output = self._log(emulator).read_text(errors="replace")[-_LOG_TAIL:]
                raise EmulatorsUnavailableError(
                    f"the {emulator.name} emulator {what}. {HOW_TO_INSTALL} It said:\n{output}"
                )
            time.sleep(_POLL_S)

    def _log(self, emulator: _Emulator) -> Path:
        return self._log_dir / f"{emulator.component}.log"


def _check_installed(wanted: Sequence[_Emulator]) -> None:
    gcloud = shutil.which("gcloud")
    absent = [program for program in ("gcloud", "java") if shutil.which(program) is None]
    if gcloud is not None:
        platform = Path(gcloud).resolve().parent.parent / "platform"
        # Some packagings keep gcloud elsewhere; then starting it will tell.
        if platform.is_dir():
            absent += [e.component for e in wanted if not (platform / e.component).is_dir()]
    if absent:
        raise EmulatorsUnavailableError(f"not installed: {', '.join(absent)}. {HOW_TO_INSTALL}")


def _answers_http(host: str) -> bool:
    connection = http.client.HTTPConnection(host, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().strip() == b"Ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _answers_pubsub(host: str) -> bool:
    # Only once the port is open: a channel that was refused waits before it tries again.
    if not _answers_http(host):
        return False
    with PublisherClient() as client, suppress(GoogleAPICallError):
        client.list_topics(project="projects/probe", retry=None, timeout=2)
        return True
    return False


_EMULATORS = (
    _Emulator(
        name="Firestore",
        variable="FIRESTORE_EMULATOR_HOST",
        component="cloud-firestore-emulator",
        command=("emulators", "firestore", "start"),
        answers=_answers_http,
    ),
    _Emulator(
        name="Pub/Sub",
        variable="PUBSUB_EMULATOR_HOST",
        component="pubsub-emulator",
        command=("beta", "emulators", "pubsub", "start"),
        answers=_answers_pubsub,
    ),
)

"""A project at Google Cloud of the test's own, and the real gcloud that is pointed at it."""

import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.lifeline import TetheredProcess
from local.staging import ROOT
from tests.deploy.cloud.server import serving
from tests.deploy.cloud.state import Cloud

PROJECT = "demo-shop"
SETTINGS = {
    "GOOGLE_CLOUD_PROJECT": PROJECT,
    "XENDIT_SECRET_KEY": "xnd_production_a-key-of-the-tests",
    "XENDIT_CALLBACK_TOKEN": "a-token-of-the-tests",
    "CHECKOUT_SUCCESS_URL": "https://shop.example/orders/{order_id}",
    "CHECKOUT_FAILURE_URL": "https://shop.example/orders/{order_id}",
    "GOOGLE_SUBJECT": "sessions@nusademy.example",
    "BRAND_NAME": "Nusademy",
    "BRAND_HELP_EMAIL": "help@nusademy.example",
    "BRAND_ADMIN_EMAIL": "admin@nusademy.example",
    "REMINDER_LEAD_MINUTES": "1440,60",
}
# Each choice other than the default, with what it needs.
CHOSEN = {
    "MAIL_TRANSPORT": "smtp",
    "SMTP_HOST": "mail.nusademy.example",
    "SMTP_SENDER": "sessions@nusademy.example",
    "SMTP_USER": "pipeline",
    "SMTP_PASSWORD": "a-mail-password-of-the-tests",
    "WHATSAPP": "on",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_ACCESS_TOKEN": "an-access-token-of-the-tests",
    "WHATSAPP_APP_SECRET": "an-app-secret-of-the-tests",
    "WHATSAPP_VERIFY_TOKEN": "a-verify-token-of-the-tests",
    "MENTOR_CALENDARS": "shared",
}
# As gcloud names them in CLOUDSDK_API_ENDPOINT_OVERRIDES_*.
_APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "firestore",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
)
# The commands that are used most, loaded beforehand.
_COMMANDS = (
    "alpha monitoring policies create",
    "artifacts repositories create",
    "beta monitoring channels create",
    "firestore fields ttls update",
    "firestore indexes fields update",
    "iam service-accounts create",
    "iam service-accounts set-iam-policy",
    "logging metrics create",
    "logging sinks update",
    "monitoring dashboards create",
    "projects set-iam-policy",
    "pubsub subscriptions create",
    "pubsub subscriptions set-iam-policy",
    "pubsub topics set-iam-policy",
    "run deploy",
    "run services list",
    "run services set-iam-policy",
    "scheduler jobs create http",
    "secrets versions access",
    "services enable",
)
_WARM = Path(__file__).parent / "warm_gcloud.py"
_STARTS_WITHIN_S = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With `-n 2 --dist loadgroup` one worker gets them all, so that gcloud is loaded once.
    for item in items:
        if item.get_closest_marker("gcloud"):
            item.add_marker(pytest.mark.xdist_group("gcloud"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Skipped here rather than in a fixture, so that all skips are reported as one line.
    if item.get_closest_marker("gcloud") and shutil.which("gcloud") is None:
        missing = "not installed: gcloud. Its Debian package is google-cloud-cli."
        if os.environ.get("REQUIRE_EMULATORS") == "1":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)


class Operator:
    """Somebody who runs deploy.sh on the project, with an account that nobody else has."""

    def __init__(self, cloud: Cloud, port: int, folder: Path, programs: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.environment = {
            **_gcloud_environment(folder),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            # Hosts of Google's have the region put before them, which no local name allows: they
            # are asked for through a proxy.
            "CLOUDSDK_PROXY_TYPE": "http_no_tunnel",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(port),
        }

    def run(
        self, *arguments: str, said: str = "", **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run deploy.sh to its end with these settings changed; empty ones are left out."""
        return subprocess.run(  # noqa: S603 - our own script
            self.command(*arguments, **settings),
            env=self.environment,
            input=said,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start deploy.sh in a session of its own."""
        return subprocess.Popen(  # noqa: S603 - our own script
            self.command(*arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def command(self, *arguments: str, **settings: str) -> list[str]:
        """Return the command line; writes the file with the settings."""
        file = self.folder / "production.env"
        chosen = {name: value for name, value in (SETTINGS | settings).items() if value}
        file.write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
        return [str(ROOT / "deploy.sh"), *arguments, f"--env-file={file}"]


def _gcloud_environment(folder: Path) -> dict[str, str]:
    token = folder / "token"
    token.write_text("a-token-that-nobody-takes")
    overrides = {
        f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": "http://cloud.test/" for api in _APIS
    }
    return {
        **overrides,
        "HOME": str(folder),
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with a ``gcloud``: the installed one, kept loaded (see warm_gcloud)."""
    folder = tmp_path_factory.mktemp("gcloud")
    found = shutil.which("gcloud")
    assert found is not None
    sdk = Path(found).resolve().parent.parent
    bundled = sdk / "platform" / "bundledpythonunix" / "bin" / "python3"
    python = str(bundled if bundled.exists() else sys.executable)
    socket, log = folder / "socket", folder / "log"
    command = [python, "-S", str(_WARM), "serve", str(sdk / "lib"), str(socket), *_COMMANDS]
    server = TetheredProcess(command, log, _gcloud_environment(folder))
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while "ready" not in log.read_text() and server.running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "ready" in log.read_text(), log.read_text()
    stand_in = folder / "bin" / "gcloud"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nexec {python} -S -E {_WARM} run {socket} "$@"\n')
    stand_in.chmod(0o755)
    yield stand_in.parent
    server.end()


@pytest.fixture(scope="session")
def operator(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Return the operator of a project; the tests take turns with it."""
    cloud = Cloud(PROJECT)
    with serving(cloud) as port:
        yield Operator(cloud, port, tmp_path_factory.mktemp("operator"), programs)


@pytest.fixture(scope="session")
def first_run(operator: Operator) -> tuple["subprocess.CompletedProcess[str]", dict[str, Any]]:
    """Deploy to an empty project; return what deploy.sh said, and what the project holds then."""
    _restore(operator.cloud, vars(Cloud(PROJECT)))
    done = operator.run()
    return done, copy.deepcopy(vars(operator.cloud))


@pytest.fixture
def empty(operator: Operator) -> Operator:
    """Return the operator with an empty project."""
    _restore(operator.cloud, vars(Cloud(PROJECT)))
    return operator


@pytest.fixture
def deployed(
    operator: Operator, first_run: tuple["subprocess.CompletedProcess[str]", dict[str, Any]]
) -> Operator:
    """Return the operator with the project as it is after a first run, and nothing asked yet."""
    _restore(operator.cloud, first_run[1])
    operator.cloud.requests.clear()
    operator.cloud.changes.clear()
    return operator


def _restore(cloud: Cloud, state: dict[str, Any]) -> None:
    vars(cloud).update(copy.deepcopy(state))

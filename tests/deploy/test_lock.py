"""What is deployed installs from its lock into an empty environment, and serves its function."""

import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from deploy.doctor import whatsapp
from deploy.doctor.pipeline import check_links, check_webhook
from deploy.doctor.trouble import TroubleError
from local.config import WorldConfig, prepare
from local.lifeline import TetheredProcess
from local.staging import ROOT, stage
from local.topology import FUNCTIONS
from shared.settings import WhatsAppWebhookSettings
from tests.component.functions.bench import environment

# One worker gets them all, so that the environment is made once.
pytestmark = pytest.mark.xdist_group("lock")

ANSWERS = {"manage_booking": 404, "track_delivery": 403}
NAMES = [function.name for function in FUNCTIONS]
_ANSWERS_WITHIN_S = 60.0


def pinned(path: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9_.-]+==[^ ;\\\n]+)", path.read_text().lower(), re.MULTILINE))


def test_the_lock_pins_what_is_asked_for_with_hashes_and_no_places() -> None:
    asked, lock = pinned(ROOT / "requirements.txt"), ROOT / "requirements.lock"
    assert asked
    assert asked <= pinned(lock), "run `make lock`"
    entries = re.split(r"^(?=\S+==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?:|file:|--index|--find", lock.read_text()) == []


class Deployed:
    """Every function, staged, in an environment that has only what its lock names."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config

    def await_answer(self, name: str) -> httpx.Response:
        """Return the function's answer to a GET, as soon as it gives one."""
        deadline = time.monotonic() + _ANSWERS_WITHIN_S
        while True:
            try:
                return httpx.get(self.config.url(name), timeout=5)
            except httpx.TransportError:
                assert time.monotonic() < deadline, (self.config.path / f"{name}.log").read_text()
                time.sleep(0.1)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Install the lock of the staged folders, which is one for all, and serve each function."""
    folder = tmp_path_factory.mktemp("lock")
    config = prepare(folder, "embedded", {})
    staged = {name: stage(name, folder / "staged" / name) for name in NAMES}
    (lock,) = {(path / "requirements.txt").read_text() for path in staged.values()}
    assert lock == (ROOT / "requirements.lock").read_text()
    venv.create(folder / "venv", with_pip=True)
    install = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r"]
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run(  # noqa: S603 - the pip of that environment
        [python, *install, str(staged[NAMES[0]] / "requirements.txt")],
        check=True,
        capture_output=True,
    )
    served = str(folder / "venv" / "bin" / "functions-framework")
    with ExitStack() as stack:
        for name in NAMES:
            port = f"--port={config.ports[name]}"
            process = TetheredProcess(
                [served, f"--target={name}", "--source=main.py", "--host=127.0.0.1", port],
                folder / f"{name}.log",
                environment(config.function_settings()),
                staged[name],
            )
            stack.callback(process.end)
        yield Deployed(config)


def test_the_lock_is_whole(deployed: Deployed) -> None:
    python = str(deployed.config.path / "venv" / "bin" / "python")
    checked = subprocess.run(  # noqa: S603 - the pip of that environment
        [python, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert checked.stdout == "No broken requirements found.\n"
    assert sys.prefix not in python


@pytest.mark.parametrize("name", NAMES)
def test_a_staged_folder_serves_its_function(name: str, deployed: Deployed) -> None:
    # Most take only POST, and say so; the others miss the link, or Meta's token.
    assert deployed.await_answer(name).status_code == ANSWERS.get(name, 405)


def test_the_doctor_finds_links_and_metas_webhook_well(deployed: Deployed) -> None:
    deployed.await_answer("manage_booking")
    check_links(deployed.config.url("manage_booking"))
    deployed.await_answer("track_delivery")
    secrets = deployed.config.secrets
    meta = WhatsAppWebhookSettings(
        app_secret=secrets.whatsapp_app, verify_token=secrets.whatsapp_verify
    )
    whatsapp.check_webhook(deployed.config.url("track_delivery"), meta)


def test_the_doctor_finds_the_webhook_well_and_a_wrong_token_out(deployed: Deployed) -> None:
    deployed.await_answer("payment_callback")
    url = deployed.config.url("payment_callback")
    check_webhook(url, deployed.config.callback_token)
    with pytest.raises(TroubleError, match="answers 401") as trouble:
        check_webhook(url, "not-the-token")
    assert "XENDIT_CALLBACK_TOKEN" in trouble.value.remedy

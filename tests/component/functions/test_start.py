"""What a function needs to start."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local.ports import free_ports
from local.staging import stage
from tests.component.functions.bench import command, environment

XENDIT = {
    "XENDIT_SECRET_KEY": "xnd_development_never-shown",
    "CHECKOUT_SUCCESS_URL": "https://shop.example/orders/{order_id}",
    "CHECKOUT_FAILURE_URL": "https://shop.example/orders/{order_id}",
}
CALLBACK = XENDIT | {"XENDIT_CALLBACK_TOKEN": "a-token-never-shown"}
GOOGLE = {"GOOGLE_SUBJECT": "sessions@nusademy.example"}
BRAND = {
    "BRAND_NAME": "Nusademy",
    "BRAND_HELP_EMAIL": "help@nusademy.example",
    "BRAND_ADMIN_EMAIL": "admin@nusademy.example",
}
MAIL = GOOGLE | BRAND
LINKS = {
    "LINKS_SECRETS": "a-secret-of-32-characters-or-more",
    "LINKS_BASE_URL": "https://booking.nusademy.example",
}
VAULT = {"VAULT_KEYS": "A" * 43 + "="}
MANAGE = LINKS | VAULT | BRAND
WEBHOOKS = {"WHATSAPP_APP_SECRET": "an-app-secret", "WHATSAPP_VERIFY_TOKEN": "a-verify-token"}
NEEDED: dict[str, dict[str, str]] = {
    "create_invoice": XENDIT,
    "payment_callback": CALLBACK,
    "create_meeting": GOOGLE,
    "manage_booking": MANAGE,
    "close_order": XENDIT | GOOGLE,
    "refund_payment": {"XENDIT_SECRET_KEY": XENDIT["XENDIT_SECRET_KEY"]},
    "send_notification": MAIL | LINKS,
    "track_delivery": WEBHOOKS,
    "send_digest": MAIL,
    "reconcile_orders": XENDIT | GOOGLE,
}
Staged = Callable[[str], Path]


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    def stage_once(name: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / "start" / name
        return folder if folder.exists() else stage(name, folder)

    return stage_once


def start(name: str, folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a function that is not expected to stay."""
    (port,) = free_ports(1)
    return subprocess.run(  # noqa: S603 - our own command
        command(name, port),
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def problems(output: str) -> list[str]:
    """Return the lines of the one message that says what is wrong."""
    _, *told = output.split("SettingsError: cannot start:\n")
    assert len(told) == 1
    return [line.strip() for line in told[0].splitlines() if line.strip()]


@pytest.mark.parametrize("name", NEEDED)
def test_a_function_without_settings_names_all_that_are_missing(name: str, staged: Staged) -> None:
    refused = start(name, staged(name), {})
    assert refused.returncode != 0
    missing = [f"{setting} is missing or empty" for setting in NEEDED[name]]
    assert sorted(problems(refused.stderr)) == sorted(missing)


@pytest.mark.parametrize("token", ["", "   "])
def test_an_empty_callback_token_refuses_to_start(token: str, staged: Staged) -> None:
    settings = CALLBACK | {"XENDIT_CALLBACK_TOKEN": token}
    refused = start("payment_callback", staged("payment_callback"), settings)
    assert refused.returncode != 0
    assert problems(refused.stderr) == ["XENDIT_CALLBACK_TOKEN is missing or empty"]


def test_wrong_settings_are_all_named_and_no_secret_is_shown(staged: Staged) -> None:
    wrong = {
        "BACKEND": "postgres",
        "CLAIM_SECONDS": "0",
        "XENDIT_TIMEOUT_S": "soon",
        "XENDIT_BASE_URL": "api.xendit.co",
        "CHECKOUT_SUCCESS_URL": "shop",
    }
    refused = start("payment_callback", staged("payment_callback"), CALLBACK | wrong)
    assert refused.returncode != 0
    assert {line.split()[0] for line in problems(refused.stderr)} == set(wrong)
    for secret in (CALLBACK["XENDIT_SECRET_KEY"], CALLBACK["XENDIT_CALLBACK_TOKEN"]):
        assert secret not in refused.stdout + refused.stderr

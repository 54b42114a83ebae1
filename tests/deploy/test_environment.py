"""The settings of a deployment: read from a file, and everything wrong named at once."""

import re
from pathlib import Path

import pytest

from deploy import environment, grants
from deploy.functions import (
    SECRETS,
    SERVICES,
    accounts,
    functions,
    secrets_of,
    sections,
)
from deploy.functions import (
    environment as environment_of,
)
from local.staging import ROOT
from local.topology import FUNCTIONS
from shared.errors import SettingsError
from shared.settings import (
    BackendSettings,
    CallbackSettings,
    ChannelSettings,
    CheckoutSettings,
    GoogleSettings,
    SmtpSettings,
    WhatsAppSettings,
    XenditSettings,
)
from tests.deploy.conftest import CHOSEN, SETTINGS

_NO_HOST = "SMTP_HOST is missing or empty"
EXAMPLE = ROOT / "deploy" / "example.env"


def written(folder: Path, text: str = "", **changed: str) -> Path:
    lines = [f"{name}={value}" for name, value in (SETTINGS | changed).items()]
    file = folder / "production.env"
    file.write_text("\n".join([*lines, text]))
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as error:
        environment.load(file)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def test_a_good_file_is_read_and_empty_lines_keep_their_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, "# a comment\n\nexport GOOGLE_CALENDAR_ID=\nBRAND_ADMIN_LOCALE='en'\n")
    assert environment.load(file) == {"BACKEND": "gcp", **SETTINGS, "BRAND_ADMIN_LOCALE": "en"}


@pytest.mark.parametrize(
    ("text", "changed", "named"),
    [
        ("not a setting", {}, "line 11 is not NAME=value"),
        ("BRAND_NAME=again", {}, "BRAND_NAME is there twice, again in line 11"),
        ("BRAND_NAM=x", {}, "BRAND_NAM is no setting; did you mean BRAND_NAME?"),
        ("DATA_DIR=/tmp", {}, "DATA_DIR is for local worlds only"),
        ("BACKEND=embedded", {}, "BACKEND is gcp, or left out"),
        (
            "",
            {"GOOGLE_CLOUD_PROJECT": "My Project"},
            "GOOGLE_CLOUD_PROJECT is missing or no project id",
        ),
        ("", {"XENDIT_SECRET_KEY": "'key '"}, "XENDIT_SECRET_KEY has spaces around it"),
        ("", {"BRAND_NAME": ""}, "BRAND_NAME is missing or empty"),
        ("CLAIM_SECONDS=60", {}, "CLAIM_SECONDS must be more than 60, a function's timeout"),
        ("SMTP_HOST=", {"MAIL_TRANSPORT": "smtp", "SMTP_SENDER": "a@b.example"}, _NO_HOST),
        (f"VAULT_KEYS={'_' * 44}", {}, "VAULT_KEYS is wrong: "),
    ],
)
def test_what_is_wrong_is_named(
    text: str, changed: dict[str, str], named: str, tmp_path: Path
) -> None:
    (problem,) = problems(written(tmp_path, text, **changed))
    assert problem.startswith(named)


def test_everything_that_is_wrong_is_named_in_one_message(tmp_path: Path) -> None:
    empty = dict.fromkeys(SETTINGS, "")
    named = problems(written(tmp_path, "CLAIM_SECONDS=soon", **empty))
    del empty["REMINDER_LEAD_MINUTES"]  # it has a default
    assert sorted(line.split()[0] for line in named) == sorted([*empty, "CLAIM_SECONDS"])


def test_everything_that_the_choices_need_is_named_in_the_same_message(tmp_path: Path) -> None:
    choices = {"MAIL_TRANSPORT": "smtp", "WHATSAPP": "on", "BRAND_NAME": ""}
    assert sorted(line.split()[0] for line in problems(written(tmp_path, **choices))) == [
        "BRAND_NAME",
        "SMTP_HOST",
        "SMTP_SENDER",
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_PHONE_NUMBER_ID",
        "WHATSAPP_VERIFY_TOKEN",
    ]


def test_what_is_not_chosen_may_be_there_and_is_no_trouble(tmp_path: Path) -> None:
    unused = {
        name: value for name, value in CHOSEN.items() if name.startswith(("SMTP", "WHATSAPP_"))
    }
    assert environment.load(written(tmp_path, **unused))["SMTP_HOST"] == CHOSEN["SMTP_HOST"]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*no-such\.env"):
        environment.load(tmp_path / "no-such.env")


def test_the_example_has_every_setting() -> None:
    names = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(names) == sorted(environment.known_variables() - {"BACKEND"})


def test_every_setting_of_the_example_is_explained() -> None:
    explained = (ROOT / "docs" / "settings.md").read_text()
    names = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert [name for name in names if f"`{name}`" not in explained] == []


def test_git_ignores_the_file_that_holds_the_secrets() -> None:
    assert "production.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_function_is_described_and_every_secret_is_read_by_one() -> None:
    names = {function.name for function in FUNCTIONS}
    assert SERVICES.keys() == names
    settings = SETTINGS | CHOSEN
    assert {secret for name in names for secret in secrets_of(name, settings)} == set(SECRETS)


def test_the_settings_of_a_function_are_those_that_its_main_names() -> None:
    wanted = (BackendSettings, XenditSettings, CheckoutSettings, CallbackSettings)
    assert sections("payment_callback", SETTINGS)[: len(wanted)] == wanted


def test_a_choice_brings_its_own_settings() -> None:
    usual, chosen = (set(sections("send_notification", s)) for s in (SETTINGS, SETTINGS | CHOSEN))
    assert ChannelSettings in usual
    assert usual - chosen == {GoogleSettings}
    assert chosen - usual == {SmtpSettings, WhatsAppSettings}


def test_what_hears_from_meta_is_deployed_with_whatsapp_only() -> None:
    assert {f.name for f in FUNCTIONS} - {f.name for f in functions(SETTINGS)} == {"track_delivery"}
    assert functions(SETTINGS | {"WHATSAPP": "on"}) == FUNCTIONS


def test_no_secret_is_a_plain_variable() -> None:
    for name in SERVICES:
        assert not environment_of(name, SETTINGS | CHOSEN).keys() & set(SECRETS)


def test_account_names_are_ones_that_google_takes() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name) for name in accounts())


def test_the_guide_shows_every_grant() -> None:
    guide = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert grants.guide() in guide, "paste what ./deploy.sh grants prints"

"""Settings: every problem named at once, and no secret ever shown."""

from typing import Any

import pytest

from shared.domain.people import Person
from shared.errors import SettingsError
from shared.settings import (
    BackendSettings,
    BrandSettings,
    CallbackSettings,
    CheckoutSettings,
    GoogleSettings,
    ReminderSettings,
    Section,
    Settings,
    XenditSettings,
)

SECTIONS = (
    BackendSettings,
    BrandSettings,
    CallbackSettings,
    CheckoutSettings,
    GoogleSettings,
    ReminderSettings,
    XenditSettings,
)
REQUIRED = {
    "BRAND_NAME": "Nusantara Mentoring",
    "BRAND_HELP_EMAIL": "help@nusantara.example",
    "BRAND_ADMIN_EMAIL": "admin@nusantara.example",
    "CHECKOUT_SUCCESS_URL": "https://nusantara.example/orders/{order_id}",
    "CHECKOUT_FAILURE_URL": "https://nusantara.example/orders/{order_id}?failed=1",
    "GOOGLE_SUBJECT": "bookings@nusantara.example",
    "XENDIT_SECRET_KEY": "xnd_development_secret",
    "XENDIT_CALLBACK_TOKEN": "callback-secret",
}
SECRETS = [REQUIRED["XENDIT_SECRET_KEY"], REQUIRED["XENDIT_CALLBACK_TOKEN"]]


def load(**changes: str) -> Settings:
    return Settings.load(REQUIRED | changes, *SECTIONS)


def problems(variables: dict[str, str], *sections: type[Section]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(variables, *(sections or SECTIONS))
    title, *lines = str(caught.value).splitlines()
    assert title == "cannot start:"
    return sorted(line.split()[0] for line in lines)


def test_only_what_has_no_default_must_be_set() -> None:
    settings = load()
    assert settings[BackendSettings] == BackendSettings()
    assert settings[ReminderSettings].leads == (1440, 60, 10)
    assert settings[XenditSettings].secret_key == "xnd_development_secret"
    assert settings[XenditSettings].base_url == "https://api.xendit.co"
    assert settings[CallbackSettings].callback_token == "callback-secret"
    assert settings[GoogleSettings].calendar_id == "primary"


def test_every_missing_setting_is_named_at_once() -> None:
    assert problems({}) == sorted(REQUIRED)


@pytest.mark.parametrize("nothing", ["", "  "])
def test_an_empty_setting_is_a_missing_one(nothing: str) -> None:
    assert problems(dict.fromkeys(REQUIRED, nothing)) == sorted(REQUIRED)


def test_a_process_is_asked_only_for_what_it_needs() -> None:
    assert problems({}, CallbackSettings) == ["XENDIT_CALLBACK_TOKEN"]


WRONG = {
    "BACKEND": "cloud",
    "CLAIM_SECONDS": "0",
    "DATA_DIR": "",
    "XENDIT_BASE_URL": "api.xendit.co",
    "XENDIT_TIMEOUT_S": "soon",
    "CHECKOUT_SUCCESS_URL": "ftp://nusantara.example",
    "GOOGLE_SUBJECT": "bookings",
    "GOOGLE_TIMEOUT_S": "-1",
    "REMINDER_LEAD_MINUTES": "60,,10",
    "BRAND_ADMIN_EMAIL": "admin",
    "BRAND_ADMIN_LOCALE": "fr",
}


@pytest.mark.parametrize(("name", "value"), list(WRONG.items()))
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    assert problems(REQUIRED | {name: value}) == [name]


def test_every_wrong_and_every_missing_setting_is_named_at_once() -> None:
    missing = {name: "" for name in REQUIRED if name not in WRONG}
    assert problems(WRONG | missing) == sorted({*WRONG, *missing, "CHECKOUT_FAILURE_URL"})


def test_an_unknown_time_zone_is_wrong() -> None:
    assert problems(REQUIRED | {"BRAND_ADMIN_TIME_ZONE": "Mars"}) == ["BRAND_*"]


@pytest.mark.parametrize(
    ("text", "leads"), [("10", (10,)), ("10,60,1440", (1440, 60, 10)), ("60,60,5", (60, 5))]
)
def test_reminders_are_planned_longest_first_and_once(text: str, leads: tuple[int, ...]) -> None:
    assert load(REMINDER_LEAD_MINUTES=text)[ReminderSettings].leads == leads


def test_the_admin_is_a_reader_of_messages() -> None:
    assert load(BRAND_ADMIN_LOCALE="en")[BrandSettings].admin == Person(
        id="admin",
        name="Admin Nusantara Mentoring",
        email="admin@nusantara.example",
        locale="en",
    )


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda value: f"{value!r}"])
def test_a_secret_is_never_shown(show: Any) -> None:
    settings = load()
    shown = show(settings) + "".join(show(settings[section]) for section in SECTIONS)
    assert not [secret for secret in SECRETS if secret in shown]
    assert "XenditSettings(…)" in shown


def test_a_secret_is_not_shown_when_another_setting_is_wrong() -> None:
    with pytest.raises(SettingsError) as caught:
        load(**WRONG)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]

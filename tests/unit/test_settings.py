"""Settings: every problem named at once, and no secret ever shown."""

from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.vault import FernetVault
from shared.domain.people import Person
from shared.errors import SettingsError
from shared.settings import (
    BackendSettings,
    BookingSettings,
    BrandSettings,
    CallbackSettings,
    ChannelSettings,
    CheckoutSettings,
    GoogleSettings,
    LinkSettings,
    ReminderSettings,
    Section,
    Settings,
    SmtpSettings,
    VaultSettings,
    WhatsAppSettings,
    WhatsAppWebhookSettings,
    XenditSettings,
)

SECTIONS = (
    BackendSettings,
    BookingSettings,
    BrandSettings,
    CallbackSettings,
    ChannelSettings,
    CheckoutSettings,
    GoogleSettings,
    LinkSettings,
    ReminderSettings,
    SmtpSettings,
    VaultSettings,
    WhatsAppSettings,
    WhatsAppWebhookSettings,
    XenditSettings,
)
REQUIRED = {
    "BRAND_NAME": "Nusantara Mentoring",
    "BRAND_HELP_EMAIL": "help@nusantara.example",
    "BRAND_ADMIN_EMAIL": "admin@nusantara.example",
    "CHECKOUT_SUCCESS_URL": "https://nusantara.example/orders/{order_id}",
    "CHECKOUT_FAILURE_URL": "https://nusantara.example/orders/{order_id}?failed=1",
    "GOOGLE_SUBJECT": "bookings@nusantara.example",
    "LINKS_SECRETS": "links-secret-of-32-characters-or-more",
    "LINKS_BASE_URL": "https://booking.nusantara.example",
    "SMTP_HOST": "smtp.nusantara.example",
    "SMTP_SENDER": "sessions@nusantara.example",
    "VAULT_KEYS": "v" * 43 + "=",
    "WHATSAPP_PHONE_NUMBER_ID": "100000000000001",
    "WHATSAPP_ACCESS_TOKEN": "whatsapp-access-secret",
    "WHATSAPP_APP_SECRET": "whatsapp-app-secret",
    "WHATSAPP_VERIFY_TOKEN": "whatsapp-verify-secret",
    "XENDIT_SECRET_KEY": "xnd_development_secret",
    "XENDIT_CALLBACK_TOKEN": "callback-secret",
}
SECRETS = [
    REQUIRED[name]
    for name in (
        "LINKS_SECRETS",
        "VAULT_KEYS",
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "XENDIT_SECRET_KEY",
        "XENDIT_CALLBACK_TOKEN",
    )
]


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
    "BRAND_COLOUR": "teal",
    "CANCEL_FREE_HOURS": "-1",
    "LINKS_SECRETS": "short",
    "MAIL_TRANSPORT": "pigeon",
    "MENTOR_CONFIRMATION": "perhaps",
    "SMTP_PORT": "0",
    "SMTP_SECURITY": "a bit",
    "VAULT_KEYS": "=" * 44,
    "WHATSAPP": "maybe",
    "WHATSAPP_API_VERSION": "24",
    "WHATSAPP_PHONE_NUMBER_ID": "+62812",
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


NEEDED_BY_CHANNELS: list[tuple[dict[str, str], set[type[Section]]]] = [
    ({}, {GoogleSettings}),
    ({"MAIL_TRANSPORT": "smtp"}, {SmtpSettings}),
    ({"WHATSAPP": "on"}, {GoogleSettings, WhatsAppSettings}),
    ({"MAIL_TRANSPORT": "smtp", "WHATSAPP": "on"}, {SmtpSettings, WhatsAppSettings}),
]


@pytest.mark.parametrize(("chosen", "brought"), NEEDED_BY_CHANNELS)
def test_a_channel_brings_its_own_settings_and_no_others(
    chosen: dict[str, str], brought: set[type[Section]]
) -> None:
    settings = Settings.load(REQUIRED | chosen, ChannelSettings)
    of_channels: set[type[Section]] = {
        GoogleSettings,
        SmtpSettings,
        WhatsAppSettings,
        WhatsAppWebhookSettings,
    }
    assert {section for section in of_channels if section in settings} == brought
    missing = problems(chosen, ChannelSettings)
    assert {name.split("_")[0] for name in missing} == {s.prefix.rstrip("_") for s in brought}


def test_shared_calendars_bring_google_and_others_do_not() -> None:
    assert GoogleSettings not in Settings.load(REQUIRED, BookingSettings)
    assert problems({"MENTOR_CALENDARS": "shared"}, BookingSettings) == ["GOOGLE_SUBJECT"]


def test_the_rules_of_booking_are_told_as_times_before_the_session() -> None:
    rules = load(CANCEL_FREE_HOURS="0", RESCHEDULE_UNTIL_HOURS="1.5")[BookingSettings]
    assert (rules.refund_until, rules.move_until) == (timedelta(0), timedelta(minutes=90))


@pytest.mark.parametrize(("chosen", "within"), [("off", None), ("required", timedelta(hours=12))])
def test_mentors_are_asked_only_where_that_is_required(
    chosen: str, within: timedelta | None
) -> None:
    assert load(MENTOR_CONFIRMATION=chosen)[BookingSettings].answer_within == within


def test_of_several_secrets_the_first_signs() -> None:
    keys = load(LINKS_SECRETS=f"{'n' * 32},{'o' * 32}")[LinkSettings].keys
    assert keys == ("n" * 32, "o" * 32)


@pytest.mark.parametrize("keys", ["", "v" * 44, "v" * 42 + "==", f"{'v' * 43}=,", f"{'v' * 43}= "])
def test_a_key_that_could_seal_nothing_is_wrong_before_anything_is_sealed(keys: str) -> None:
    assert problems({"VAULT_KEYS": keys}, VaultSettings) == ["VAULT_KEYS"]


def test_a_key_that_is_taken_can_seal() -> None:
    vault = FernetVault(load()[VaultSettings].keys.split(","))
    assert vault.open(vault.seal("BCA 123")) == "BCA 123"

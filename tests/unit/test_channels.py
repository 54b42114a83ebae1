"""Which way messages travel: settings choose, and bring what the choice needs with them."""

from pathlib import Path
from typing import Any

import pytest

from shared.adapters.gmail import GmailMailer
from shared.bootstrap import Wiring
from shared.errors import SettingsError
from shared.settings import (
    BrandSettings,
    ChannelSettings,
    GoogleSettings,
    Section,
    Settings,
    SmtpSettings,
    WhatsAppSettings,
)

BRAND = {
    "BRAND_NAME": "Nusademy",
    "BRAND_HELP_EMAIL": "help@nusademy.example",
    "BRAND_ADMIN_EMAIL": "admin@nusademy.example",
}
GMAIL = {"GOOGLE_SUBJECT": "sessions@nusademy.example", "GOOGLE_API_BASE_URL": "http://127.0.0.1:9"}
SMTP = {"SMTP_HOST": "mail.example", "SMTP_SENDER": "sessions@nusademy.example"}
WHATSAPP = {
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_ACCESS_TOKEN": "a-token",
}


def wiring(tmp_path: Path, *sections: type[Section], **variables: str) -> Wiring:
    place = {"DATA_DIR": str(tmp_path)}
    return Wiring(*sections, BrandSettings, variables=place | BRAND | variables)


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(variables, ChannelSettings)
    return [line.split()[0] for line in str(caught.value).splitlines()[1:]]


def test_a_process_that_does_not_choose_has_gmail(tmp_path: Path) -> None:
    wired = wiring(tmp_path, GoogleSettings, **GMAIL)
    assert isinstance(getattr(wired.mailer.send, "__self__", None), GmailMailer)
    assert wired.messenger is None


def test_only_what_is_chosen_must_be_set() -> None:
    assert problems() == ["GOOGLE_SUBJECT"]
    assert problems(MAIL_TRANSPORT="smtp") == ["SMTP_HOST", "SMTP_SENDER"]
    assert problems(WHATSAPP="on") == ["GOOGLE_SUBJECT", *WHATSAPP]
    assert problems(MAIL_TRANSPORT="pigeon") == ["MAIL_TRANSPORT"]


def test_a_section_that_was_not_needed_is_not_there() -> None:
    settings = Settings.load(SMTP | {"MAIL_TRANSPORT": "smtp"}, ChannelSettings)
    assert SmtpSettings in settings
    assert GoogleSettings not in settings
    assert WhatsAppSettings not in settings


def test_a_mail_server_is_on_the_port_for_senders_with_tls() -> None:
    settings = Settings.load(SMTP, SmtpSettings)[SmtpSettings]
    assert (settings.port, settings.security, settings.user) == (587, "starttls", "")


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        (SmtpSettings, {"SMTP_PORT": "0"}),
        (SmtpSettings, {"SMTP_SENDER": "sessions"}),
        (SmtpSettings, {"SMTP_SECURITY": "ssl"}),
        (WhatsAppSettings, {"WHATSAPP_PHONE_NUMBER_ID": "+62812"}),
        (WhatsAppSettings, {"WHATSAPP_ACCESS_TOKEN": "two\nlines"}),
        (WhatsAppSettings, {"WHATSAPP_API_VERSION": "24"}),
    ],
)
def test_a_wrong_setting_is_named(section: type[Section], wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} is wrong"):
        Settings.load(SMTP | WHATSAPP | wrong, section)


def test_no_secret_is_shown() -> None:
    settings = Settings.load(
        SMTP | WHATSAPP | {"SMTP_PASSWORD": "p"}, SmtpSettings, WhatsAppSettings
    )
    shown = [repr(settings[SmtpSettings]), repr(settings[WhatsAppSettings])]
    assert shown == ["SmtpSettings(…)", "WhatsAppSettings(…)"]

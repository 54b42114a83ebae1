"""The wiring refuses what cannot work before anything is built."""

from collections.abc import Callable
from pathlib import Path
from types import MethodType

import pytest

from shared.bootstrap import Wiring
from shared.errors import SettingsError
from shared.settings import (
    BookingSettings,
    BrandSettings,
    ChannelSettings,
    LinkSettings,
    VaultSettings,
    XenditSettings,
)


def kind(method: Callable[..., object]) -> str:
    """Return the name of the class whose method it is."""
    assert isinstance(method, MethodType)
    return type(method.__self__).__name__


@pytest.mark.parametrize("backend", [{}, {"BACKEND": "embedded"}])
def test_the_embedded_backend_is_refused_on_cloud_run(backend: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="BACKEND must be gcp"):
        Wiring(variables={"K_SERVICE": "send-reminder", **backend})


def test_the_gcp_backend_is_fine_on_cloud_run() -> None:
    Wiring(variables={"K_SERVICE": "send-reminder", "BACKEND": "gcp", "TRACES": "off"})


def test_an_adapter_is_built_once_and_not_before_it_is_asked_for(tmp_path: Path) -> None:
    wiring = Wiring(variables={"DATA_DIR": str(tmp_path)})
    assert wiring.rejected is wiring.rejected
    assert list(tmp_path.iterdir()) == []
    assert wiring.rejected.list() == []
    assert (tmp_path / "rejected.db").exists()
    wiring.rejected.close()  # type: ignore[attr-defined] # not part of the port


def test_refunds_go_the_way_that_invoices_came() -> None:
    variables = {"XENDIT_SECRET_KEY": "xnd_development_of_the_tests", "TRACES": "off"}
    wiring = Wiring(XenditSettings, variables=variables)
    assert kind(wiring.refunds.refund) == "XenditRefundGateway"
    assert wiring.refunds is wiring.refunds


CHANNELS = {
    "TRACES": "off",
    "BRAND_NAME": "Nusademy",
    "BRAND_HELP_EMAIL": "help@nusademy.example",
    "BRAND_ADMIN_EMAIL": "admin@nusademy.example",
    "GOOGLE_SUBJECT": "sessions@nusademy.example",
    "GOOGLE_API_BASE_URL": "http://127.0.0.1:9",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_SENDER": "sessions@nusademy.example",
    "WHATSAPP_PHONE_NUMBER_ID": "1",
    "WHATSAPP_ACCESS_TOKEN": "a-token",
}


@pytest.mark.parametrize(
    ("chosen", "mailer", "messenger"),
    [
        ({}, "GmailMailer", None),
        ({"MAIL_TRANSPORT": "smtp"}, "SmtpMailer", None),
        ({"MAIL_TRANSPORT": "smtp", "WHATSAPP": "on"}, "SmtpMailer", "WhatsAppMessenger"),
    ],
)
def test_messages_travel_as_the_settings_say(
    chosen: dict[str, str], mailer: str, messenger: str | None
) -> None:
    wiring = Wiring(ChannelSettings, BrandSettings, variables=CHANNELS | chosen)
    assert kind(wiring.mailer.send) == mailer
    assert (kind(wiring.messenger.send) if wiring.messenger else None) == messenger
    assert wiring.mailer is wiring.mailer


@pytest.mark.parametrize(
    ("chosen", "calendars"),
    [("off", "UnsharedCalendars"), ("shared", "GoogleBusyCalendars")],
)
def test_mentors_calendars_are_asked_only_where_they_are_shared(
    chosen: str, calendars: str
) -> None:
    wiring = Wiring(BookingSettings, variables=CHANNELS | {"MENTOR_CALENDARS": chosen})
    assert kind(wiring.busy_calendars.busy) == calendars


def test_what_is_sealed_or_signed_in_one_process_is_believed_in_another() -> None:
    variables = {
        "TRACES": "off",
        "VAULT_KEYS": "v" * 43 + "=",
        "LINKS_SECRETS": "s" * 32,
        "LINKS_BASE_URL": "https://booking.nusademy.example",
    }
    one, other = (Wiring(LinkSettings, VaultSettings, variables=variables) for _ in range(2))
    assert other.vault.open(one.vault.seal("BCA 123")) == "BCA 123"
    assert one.links is one.links

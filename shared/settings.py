"""Settings from the environment: each section is a type, and every problem is named at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import Meta

from shared.domain.people import Email, Line, Locale, Person, check_time_zone
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.errors import SettingsError
from shared.presentation.brand import Brand

S = TypeVar("S", bound="Section")

Text = Annotated[str, Meta(pattern=r"\S")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Hours = Annotated[float, Meta(ge=0, le=720)]
TraceDestination = Literal["console", "otlp", "gcp"]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A group of settings. The variable of a field is ``PREFIX`` + its name in capitals."""

    prefix: ClassVar[str] = ""

    @property
    def implied(self) -> tuple[type["Section"], ...]:
        """The sections that are needed besides, because of what is chosen in this one."""
        return ()

    def __repr__(self) -> str:
        # A settings object may hold secrets, and ends up in tracebacks and logs.
        return f"{type(self).__name__}(…)"


class BackendSettings(Section, frozen=True, kw_only=True):
    """Where state and messages live."""

    backend: Literal["embedded", "emulator", "gcp"] = "embedded"
    data_dir: Text = ".local/data"
    google_cloud_project: Text = "local"
    # Local worlds only: the file that tells how far their time has been moved forward.
    clock_offset_file: str = ""
    # Where spans go; left out, to Cloud Trace from Google Cloud and nowhere from elsewhere.
    traces: Literal["off"] | TraceDestination | None = None
    # How long one delivery may be alone with a step: longer than a function's timeout.
    claim_seconds: Seconds = 90.0

    @property
    def trace_destination(self) -> TraceDestination | None:
        """Where spans go, or None if nowhere."""
        chosen = self.traces or ("gcp" if self.backend == "gcp" else "off")
        return None if chosen == "off" else chosen


class XenditSettings(Section, frozen=True, kw_only=True):
    """The payment provider's API. The timeout is for one request, in seconds."""

    prefix: ClassVar[str] = "XENDIT_"

    secret_key: Text
    base_url: Url = "https://api.xendit.co"
    timeout_s: Seconds = 10.0


class CheckoutSettings(Section, frozen=True, kw_only=True):
    """Where the mentee comes out after the checkout; ``{order_id}`` is filled in."""

    prefix: ClassVar[str] = "CHECKOUT_"

    success_url: Url
    failure_url: Url


class CallbackSettings(Section, frozen=True, kw_only=True):
    """What Xendit proves itself with."""

    prefix: ClassVar[str] = "XENDIT_"

    callback_token: Text


class GoogleSettings(Section, frozen=True, kw_only=True):
    """Calendar and Gmail. ``subject`` is the Workspace user whose calendar and mailbox are used.

    ``api_base_url`` is for local worlds: it points both APIs at a simulator.
    """

    prefix: ClassVar[str] = "GOOGLE_"

    subject: Email
    calendar_id: Text = "primary"
    api_base_url: str = ""
    timeout_s: Seconds = 20.0


class SmtpSettings(Section, frozen=True, kw_only=True):
    """A mail server. ``sender`` is the address that mails come from; without a user, no login.

    ``starttls`` and ``tls`` check the server's certificate; ``none`` is for a server on the same
    machine. The timeout is for each answer of the server's, in seconds.
    """

    prefix: ClassVar[str] = "SMTP_"

    host: Text
    sender: Email
    port: Port = 587
    user: str = ""
    password: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    timeout_s: Seconds = 20.0


class WhatsAppSettings(Section, frozen=True, kw_only=True):
    """Meta's WhatsApp Cloud API. ``phone_number_id`` is Meta's id of the number that sends."""

    prefix: ClassVar[str] = "WHATSAPP_"

    phone_number_id: Annotated[str, Meta(pattern=r"^[0-9]{1,32}$")]
    access_token: Annotated[str, Meta(pattern=r"^[\x21-\x7e]+$")]
    base_url: Url = "https://graph.facebook.com"
    api_version: Annotated[str, Meta(pattern=r"^v[0-9]+\.[0-9]+$")] = "v24.0"
    timeout_s: Seconds = 10.0


class WhatsAppWebhookSettings(Section, frozen=True, kw_only=True):
    """What Meta proves itself with: ``app_secret`` signs its webhooks.

    ``verify_token`` is said when the webhook's address is registered.
    """

    prefix: ClassVar[str] = "WHATSAPP_"

    app_secret: Text
    verify_token: Text


class ChannelSettings(Section, frozen=True, kw_only=True):
    """How messages travel. Each choice brings the section of its own with it."""

    mail_transport: Literal["gmail", "smtp"] = "gmail"
    whatsapp: Literal["on", "off"] = "off"

    @property
    def implied(self) -> tuple[type[Section], ...]:
        """See Section."""
        mail = SmtpSettings if self.mail_transport == "smtp" else GoogleSettings
        return (mail, WhatsAppSettings) if self.whatsapp == "on" else (mail,)


class ReminderSettings(Section, frozen=True, kw_only=True):
    """Minutes before the session at which reminders go out, like ``1440,60,10``."""

    prefix: ClassVar[str] = "REMINDER_"

    lead_minutes: Annotated[str, Meta(pattern=r"^[0-9]{1,5}(,[0-9]{1,5})*$")] = ",".join(
        str(lead) for lead in DEFAULT_LEAD_MINUTES
    )

    @property
    def leads(self) -> tuple[int, ...]:
        """The lead times in minutes, longest first."""
        return tuple(sorted({int(lead) for lead in self.lead_minutes.split(",")}, reverse=True))


class BrandSettings(Section, frozen=True, kw_only=True):
    """How the marketplace calls itself, and whom it asks."""

    prefix: ClassVar[str] = "BRAND_"

    name: Line
    help_email: Email
    admin_email: Email
    admin_locale: Locale = "id"
    admin_time_zone: Text = "Asia/Jakarta"
    # A dark one: it stands behind white text and on white.
    colour: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] = "#0f5f6b"
    logo_url: Annotated[str, Meta(pattern=r"^(https://[^\s]+)?$")] = ""

    @property
    def brand(self) -> Brand:
        """What every message looks like."""
        return Brand(
            name=self.name,
            help_email=self.help_email,
            colour=self.colour,
            logo_url=self.logo_url,
        )

    @property
    def admin(self) -> Person:
        """The admin as a reader of messages."""
        return Person(
            id="admin",
            name=f"Admin {self.name}",
            email=self.admin_email,
            locale=self.admin_locale,
            time_zone=self.admin_time_zone,
        )

    def __post_init__(self) -> None:
        check_time_zone(self.admin_time_zone)


class LinkSettings(Section, frozen=True, kw_only=True):
    """Signed links. ``secrets`` are separated by commas: the first signs, all are believed."""

    prefix: ClassVar[str] = "LINKS_"

    secrets: Annotated[str, Meta(pattern=r"^[^,\s]{32,}(,[^,\s]{32,})*$")]
    base_url: Url

    @property
    def keys(self) -> tuple[str, ...]:
        """The secrets, the one that signs first."""
        return tuple(self.secrets.split(","))


class VaultSettings(Section, frozen=True, kw_only=True):
    """Keys for what is stored encrypted: Fernet keys, separated by commas, the newest first."""

    prefix: ClassVar[str] = "VAULT_"

    keys: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}=(,[A-Za-z0-9_-]{43}=)*$")]


class BookingSettings(Section, frozen=True, kw_only=True):
    """The rules of booking. Hours count back from the session's start."""

    mentor_confirmation: Literal["off", "required"] = "off"
    mentor_answer_hours: Annotated[float, Meta(gt=0, le=720)] = 12
    cancel_free_hours: Hours = 24
    reschedule_until_hours: Hours = 6
    # Whether mentors share their calendars, so that their own appointments count as taken.
    mentor_calendars: Literal["off", "shared"] = "off"

    @property
    def implied(self) -> tuple[type[Section], ...]:
        """See Section."""
        return (GoogleSettings,) if self.mentor_calendars == "shared" else ()

    @property
    def answer_within(self) -> timedelta | None:
        """How long a mentor has to answer; None when nobody asks."""
        asks = self.mentor_confirmation == "required"
        return timedelta(hours=self.mentor_answer_hours) if asks else None

    @property
    def refund_until(self) -> timedelta:
        """How long before its start a session can be called off for the money."""
        return timedelta(hours=self.cancel_free_hours)

    @property
    def move_until(self) -> timedelta:
        """How long before its start a session can be moved."""
        return timedelta(hours=self.reschedule_until_hours)


class Settings:
    """The sections that one process needs, read from the environment and checked."""

    def __init__(self, sections: Mapping[type[Section], Section]) -> None:
        self._sections = sections

    @classmethod
    def load(cls, variables: Mapping[str, str], *needed: type[Section]) -> "Settings":
        """Read the sections. Raises SettingsError that names every missing or wrong setting."""
        problems: list[str] = []
        sections: dict[type[Section], Section] = {}
        waiting = list(dict.fromkeys(needed))
        for kind in waiting:
            section = _read(kind, variables, problems)
            if section is not None:
                sections[kind] = section
                waiting += [implied for implied in section.implied if implied not in waiting]
        if problems:
            raise SettingsError("cannot start:\n" + "\n".join(f"  {line}" for line in problems))
        return cls(sections)

    def __contains__(self, section: type[Section]) -> bool:
        """Whether the section was needed."""
        return section in self._sections

    def __getitem__(self, section: type[S]) -> S:
        found = self._sections[section]
        assert isinstance(found, section)
        return found


def _read(
    section: type[Section], variables: Mapping[str, str], problems: list[str]
) -> Section | None:
    values: dict[str, Any] = {}
    before = len(problems)
    for field in msgspec.structs.fields(section):
        name = f"{section.prefix}{field.name.upper()}"
        raw = variables.get(name)
        if field.required and not (raw or "").strip():
            problems.append(f"{name} is missing or empty")
        elif raw is not None:
            try:
                values[field.name] = msgspec.convert(raw, field.type, strict=False)
            except msgspec.ValidationError as error:
                problems.append(f"{name} is wrong: {error}")
    if len(problems) > before:
        return None
    try:
        return section(**values)
    except ValueError as error:
        problems.append(f"{section.prefix}* is wrong: {error}")
        return None

"""Settings from the environment: each section is a type, and every problem is named at once."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import Meta

from shared.domain.people import Email, Line, Locale, Person, check_time_zone
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.errors import SettingsError

S = TypeVar("S", bound="Section")

Text = Annotated[str, Meta(pattern=r"\S")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
TraceDestination = Literal["console", "otlp", "gcp"]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A group of settings. The variable of a field is ``PREFIX`` + its name in capitals."""

    prefix: ClassVar[str] = ""

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


class Settings:
    """The sections that one process needs, read from the environment and checked."""

    def __init__(self, sections: Mapping[type[Section], Section]) -> None:
        self._sections = sections

    @classmethod
    def load(cls, variables: Mapping[str, str], *needed: type[Section]) -> "Settings":
        """Read the sections. Raises SettingsError that names every missing or wrong setting."""
        problems: list[str] = []
        sections = {section: _read(section, variables, problems) for section in needed}
        if problems:
            raise SettingsError("cannot start:\n" + "\n".join(f"  {line}" for line in problems))
        return cls({kind: section for kind, section in sections.items() if section is not None})

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

"""All checks of a live deployment, one by one."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from deploy import project, services
from deploy.doctor import pipeline, vendors, whatsapp
from deploy.doctor.identity import acting_as
from deploy.doctor.trouble import TroubleError
from deploy.functions import ORDER_PUBLISHER, email, functions, service_name
from deploy.gcloud import Gcloud
from shared.adapters.clock import SystemClock
from shared.bootstrap import Wiring
from shared.errors import PipelineError
from shared.settings import (
    BookingSettings,
    BrandSettings,
    CallbackSettings,
    ChannelSettings,
    CheckoutSettings,
    GoogleSettings,
    Settings,
    SmtpSettings,
    WhatsAppSettings,
    WhatsAppWebhookSettings,
    XenditSettings,
)

Check = tuple[str, Callable[[], None]]
# All but those whose keys only Secret Manager knows.
_READ = (
    XenditSettings,
    CheckoutSettings,
    CallbackSettings,
    GoogleSettings,
    ChannelSettings,
    BookingSettings,
    BrandSettings,
)


_NOWHERE = "http://nowhere.invalid"


def examine(checks: list[Check], say: Callable[[str], None]) -> int:
    """Run the checks, all of them; return 0 if every one went well, 1 else."""
    failed = 0
    for name, check in checks:
        try:
            check()
        except PipelineError as error:
            failed += 1
            remedy = error.remedy if isinstance(error, TroubleError) else "Run ./deploy.sh again."
            say(f"FAILED  {name}: {error}\n        -> {remedy}")
        else:
            say(f"ok      {name}")
    say(f"{len(checks) - failed} of {len(checks)} checks went well")
    return 1 if failed else 0


class Live:
    """The checks of what is deployed with these settings."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._variables = settings
        self._gcloud = Gcloud(settings["GOOGLE_CLOUD_PROJECT"])
        self._now = SystemClock().now()
        self._urls: dict[str, str] = {}
        self._number = ""

    def checks(self) -> list[Check]:
        """Return them in the order in which they build upon each other."""
        settings = self._wiring().settings
        chosen = [
            ("the mail server takes the login", self._smtp)
            if SmtpSettings in settings
            else ("Gmail stores a draft", self._gmail)
        ]
        if settings[BookingSettings].mentor_calendars == "shared":
            chosen.append(("Calendar tells when somebody is busy", self._busy_calendars))
        if WhatsAppSettings in settings:
            chosen.append(("the webhook takes Meta's signature and no other", self._meta_webhook))
            chosen.append(("WhatsApp takes the token", self._whatsapp))
        return [
            ("functions are deployed", self._deployed),
            ("strangers reach the public functions and nothing else", self._doors),
            ("links lead to manage_booking", self._links),
            ("the webhook takes Xendit's token and no other", self._webhook),
            ("Xendit takes the key", self._xendit),
            ("Firestore answers every query", self._queries),
            ("an order comes through Pub/Sub", self._way_through),
            ("Calendar makes an event with a room", self._calendar),
            *chosen,
        ]

    def _deployed(self) -> None:
        names = [function.name for function in functions(self._variables)]
        self._number = project.number_of(self._gcloud)
        self._urls = services.urls(self._gcloud, self._number, names)
        missing = services.not_ready(self._gcloud, names)
        if missing:
            raise TroubleError(
                f"not deployed or not ready: {', '.join(missing)}", "Run ./deploy.sh."
            )

    def _doors(self) -> None:
        if not self._urls:
            raise TroubleError("no function is known", "Mend what failed before, then ask again.")
        pipeline.check_doors(self._urls)

    def _links(self) -> None:
        default = services.url_of("manage_booking", self._number)
        pipeline.check_links(self._variables.get("LINKS_BASE_URL", default))

    def _webhook(self) -> None:
        token = self._wiring().settings[CallbackSettings].callback_token
        pipeline.check_webhook(self._urls.get("payment_callback", _NOWHERE), token)

    def _meta_webhook(self) -> None:
        settings = Settings.load(self._variables, WhatsAppWebhookSettings)
        url = self._urls.get("track_delivery", _NOWHERE)
        whatsapp.check_webhook(url, settings[WhatsAppWebhookSettings])

    def _whatsapp(self) -> None:
        whatsapp.check_token(self._wiring().settings[WhatsAppSettings])

    def _xendit(self) -> None:
        vendors.check_xendit(self._wiring().invoices)

    def _queries(self) -> None:
        with self._as("reconcile_orders"):
            wiring = self._wiring()
            pipeline.check_queries(wiring.orders, wiring.rejected, self._now)

    def _way_through(self) -> None:
        with acting_as(email(ORDER_PUBLISHER, self._gcloud.project)):
            publisher = self._wiring().raw_events
        with self._as("reconcile_orders"):
            rejected = self._wiring().rejected
        pipeline.check_way_through(publisher, rejected, f"doctor-{secrets.token_hex(8)}")

    def _calendar(self) -> None:
        with self._as("create_meeting"):
            vendors.check_calendar(self._wiring().settings[GoogleSettings], self._now)

    def _gmail(self) -> None:
        with self._as("send_notification"):
            wiring = self._wiring()
            to_email = wiring.settings[BrandSettings].admin_email
            vendors.check_gmail(lambda: wiring.mailer, to_email)

    def _smtp(self) -> None:
        vendors.check_smtp(self._wiring().settings[SmtpSettings])

    def _busy_calendars(self) -> None:
        with self._as("create_invoice"):
            wiring = self._wiring()
            subject = wiring.settings[GoogleSettings].subject
            vendors.check_busy_calendars(wiring.busy_calendars, subject, self._now)

    def _wiring(self) -> Wiring:
        return Wiring(*_READ, variables=self._variables)

    def _as(self, function: str) -> AbstractContextManager[None]:
        return acting_as(email(service_name(function), self._gcloud.project))

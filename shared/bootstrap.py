"""The one place where adapters are built: which ones, and with which settings.

Nothing is imported or connected before a step first calls it, or says that it will, so that a
function starts with only what it uses.
"""

import os
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from shared import tracing
from shared.adapters.clock import OffsetClock, SystemClock
from shared.adapters.later import Builder, Later
from shared.adapters.observed_orders import ObservedOrderStore
from shared.errors import SettingsError
from shared.links import LinkSigner
from shared.observability import configure_logging
from shared.ports import (
    AvailabilityStore,
    BusyCalendars,
    Clock,
    DeliveryStore,
    EventPublisher,
    InvoiceGateway,
    Mailer,
    MeetingScheduler,
    Messenger,
    OrderStore,
    RawPublisher,
    RefundGateway,
    RejectedStore,
    Vault,
)
from shared.settings import (
    BackendSettings,
    BookingSettings,
    BrandSettings,
    CheckoutSettings,
    GoogleSettings,
    LinkSettings,
    Section,
    Settings,
    SmtpSettings,
    TraceDestination,
    VaultSettings,
    WhatsAppSettings,
    XenditSettings,
)

T = TypeVar("T")


class Wiring:
    """The adapters of one process, each built once and shared by its threads."""

    def __init__(self, *needed: type[Section], variables: Mapping[str, str] = os.environ) -> None:
        """Read the sections that the process needs; raises SettingsError before anything else."""
        self.settings = Settings.load(variables, BackendSettings, *needed)
        self._backend = self.settings[BackendSettings]
        configure_logging(self._backend.google_cloud_project)
        if "K_SERVICE" in variables and self._backend.backend == "embedded":
            # Cloud Run sets it. SQLite there would be gone with the instance.
            raise SettingsError("cannot start:\n  BACKEND must be gcp on Cloud Run")
        self._builder = Builder()
        self._later: dict[str, Later] = {}
        self._service = variables.get("K_SERVICE") or variables.get("FUNCTION_TARGET", "local")
        destination = self._backend.trace_destination
        if destination is not None:
            build = partial(self._tracer, destination)
            tracing.install(lambda: self._builder.get("tracer", build))

    @property
    def clock(self) -> Clock:
        """The time; the local world's, where there is one."""
        if self._backend.clock_offset_file:
            return OffsetClock(Path(self._backend.clock_offset_file))
        return SystemClock()

    @property
    def orders(self) -> OrderStore:
        """Orders and the mentors' days."""
        return self._once("orders", self._observed_orders)

    @property
    def deliveries(self) -> DeliveryStore:
        """What has been sent to whom."""
        return cast("DeliveryStore", self._store("deliveries", "DeliveryStore"))

    @property
    def rejected(self) -> RejectedStore:
        """Messages that could not be handled."""
        return cast("RejectedStore", self._store("rejected", "RejectedStore"))

    @property
    def availability(self) -> AvailabilityStore:
        """When each mentor takes sessions."""
        return cast("AvailabilityStore", self._store("availability", "AvailabilityStore"))

    @property
    def events(self) -> EventPublisher:
        """The way to the next step."""
        return self._once("events", self._publisher)

    @property
    def raw_events(self) -> RawPublisher:
        """The web app's way in."""
        return cast("RawPublisher", self.events)

    @property
    def invoices(self) -> InvoiceGateway:
        """Xendit."""
        return self._port("invoices", self._invoice_gateway)

    @property
    def refunds(self) -> RefundGateway:
        """Xendit's way back for money."""
        return self._port("refunds", self._refund_gateway)

    @property
    def meetings(self) -> MeetingScheduler:
        """Google Calendar."""
        return self._port("meetings", self._meeting_scheduler)

    @property
    def busy_calendars(self) -> BusyCalendars:
        """When people are not free, as Google Calendar tells where BookingSettings say so."""
        return self._port("busy_calendars", self._busy_calendars)

    @property
    def mailer(self) -> Mailer:
        """Gmail, or the mail server that ChannelSettings choose."""
        return self._port("mailer", self._smtp if SmtpSettings in self.settings else self._gmail)

    @property
    def messenger(self) -> Messenger | None:
        """WhatsApp, or None unless ChannelSettings have it on."""
        if WhatsAppSettings not in self.settings:
            return None
        return self._port("messenger", self._whatsapp)

    @property
    def vault(self) -> Vault:
        """What seals the accounts that money is paid out to."""
        return self._once("vault", self._fernet_vault)

    @property
    def links(self) -> LinkSigner:
        """What signs and reads links."""
        settings = self.settings[LinkSettings]
        return self._once("links", lambda: LinkSigner(settings.keys, settings.base_url))

    def load_ahead(self, *ports: object) -> None:
        """Let these be built in the background, in this order, while the step begins.

        Errors come to whoever calls one.
        """
        for port in ports:
            if isinstance(port, Later):
                port.load_ahead()

    def _fernet_vault(self) -> Vault:
        from shared.adapters.vault import FernetVault

        return FernetVault(self.settings[VaultSettings].keys.split(","))

    def _observed_orders(self) -> OrderStore:
        store = self._open("orders", "OrderStore")
        return ObservedOrderStore(self._traced("orders", store))

    def _store(self, name: str, port: str) -> Any:
        return self._port(name, partial(self._open, name, port))

    def _open(self, name: str, port: str) -> Any:
        if self._backend.backend == "embedded":
            from shared.adapters import sqlite_stores

            path = Path(self._backend.data_dir) / f"{name}.db"
            return getattr(sqlite_stores, f"Sqlite{port}")(path)
        from shared.adapters import firestore as firestore_stores

        return getattr(firestore_stores, f"Firestore{port}")(self._firestore_client)

    @cached_property
    def _firestore_client(self) -> Any:
        from google.cloud import firestore

        return firestore.Client(project=self._backend.google_cloud_project)

    def _publisher(self) -> EventPublisher:
        if self._backend.backend == "embedded":
            from shared.adapters.sqlite_queue import SqlitePublisher, SqliteQueue

            queue = SqliteQueue(Path(self._backend.data_dir) / "queue.db")
            return SqlitePublisher(queue, self.clock)
        from google.pubsub_v1 import PublisherClient

        from shared.adapters.pubsub import PubSubPublisher

        client = PublisherClient()
        return PubSubPublisher(client, self._backend.google_cloud_project, self.clock)

    def _invoice_gateway(self) -> InvoiceGateway:
        from shared.adapters.xendit import XenditInvoiceGateway

        return XenditInvoiceGateway(self.settings[XenditSettings], self.settings[CheckoutSettings])

    def _refund_gateway(self) -> RefundGateway:
        from shared.adapters.xendit_refunds import XenditRefundGateway

        return XenditRefundGateway(self.settings[XenditSettings])

    def _meeting_scheduler(self) -> MeetingScheduler:
        from shared.adapters.google_calendar import GoogleMeetingScheduler

        return GoogleMeetingScheduler(self.settings[GoogleSettings])

    def _busy_calendars(self) -> BusyCalendars:
        if self.settings[BookingSettings].mentor_calendars == "off":
            from shared.adapters.unshared_calendars import UnsharedCalendars

            return UnsharedCalendars()
        from shared.adapters.google_freebusy import GoogleBusyCalendars

        return GoogleBusyCalendars(self.settings[GoogleSettings])

    def _gmail(self) -> Mailer:
        from shared.adapters.gmail import GmailMailer

        return GmailMailer(self.settings[GoogleSettings], self.settings[BrandSettings])

    def _smtp(self) -> Mailer:
        from shared.adapters.smtp import SmtpMailer

        return SmtpMailer(self.settings[SmtpSettings], self.settings[BrandSettings], self.clock)

    def _whatsapp(self) -> Messenger:
        from shared.adapters.whatsapp import WhatsAppMessenger

        return WhatsAppMessenger(self.settings[WhatsAppSettings])

    def _tracer(self, destination: TraceDestination) -> tracing.Tracer:
        from shared.adapters.otel import OpenTelemetryTracer, exporter_to

        return OpenTelemetryTracer(
            exporter_to(destination),
            service=self._service,
            project=self._backend.google_cloud_project,
        )

    def _port(self, name: str, build: Callable[[], T]) -> T:
        return self._once(name, lambda: self._traced(name, build()))

    def _traced(self, name: str, adapter: T) -> T:
        """Return an adapter whose calls are measured where spans go anywhere."""
        if not self._backend.trace_destination:
            return adapter
        from shared.adapters.traced import Traced

        return cast("T", Traced(adapter, name))

    def _once(self, name: str, build: Callable[[], T]) -> T:
        """Return what stands for it; it is built by the builder, which ``build`` must not ask."""
        later = self._later.setdefault(name, Later(self._builder, name, build))
        return cast("T", later)

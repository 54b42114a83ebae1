"""The simulator of WhatsApp, served over sockets and steered by a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.simulators.records import Records
from local.simulators.whatsapp.app import create_app
from local.simulators.whatsapp.catalogue import Catalogue, Template
from shared.ports import Clock
from shared.settings import WhatsAppSettings
from tests.vendors import NOWHERE, Vendor, served

ACCESS_TOKEN = "EAAlocal-token-of-the-tests"
APP_SECRET = "an-app-secret-of-the-tests"
PHONE_NUMBER_ID = "106540352242922"
REFUSED = "+6281200000001"
FAILS_LATER = "+6281200000000"
TEMPLATES = (
    Template(name="session_scheduled", language="id", body="Hai {{1}}, sesimu *{{2}}*: {{3}}"),
    Template(name="session_scheduled", language="en", body="Hi {{1}}, your *{{2}}*: {{3}}"),
    Template(name="plain", language="en", body="Nothing to fill in."),
)


def settings(url: str, **changes: Any) -> WhatsAppSettings:
    """Return settings that lead to a served simulator."""
    values: dict[str, Any] = {
        "phone_number_id": PHONE_NUMBER_ID,
        "access_token": ACCESS_TOKEN,
        "base_url": url,
        "timeout_s": 5.0,
    }
    return WhatsAppSettings(**values | changes)


@contextmanager
def served_whatsapp(
    clock: Clock, *, callback_url: str = NOWHERE, records: Records | None = None, **options: Any
) -> Iterator[Vendor]:
    """Serve the simulator; by default nobody receives its webhooks."""
    kept = records or Records(None)
    app = create_app(
        records=kept,
        clock=clock,
        catalogue=Catalogue(TEMPLATES),
        access_token=ACCESS_TOKEN,
        phone_number_id=PHONE_NUMBER_ID,
        app_secret=APP_SECRET,
        callback_url=callback_url,
        public_url="http://whatsapp.example",
        sender="Nusademy",
        seed=1,
        **options,
    )
    vendor = Vendor(app)
    with vendor.admin, served(vendor) as vendor.url:
        yield vendor
    if records is None:
        kept.close()

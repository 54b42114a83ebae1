"""The doctor: each check passes on what is well, and says what to do about what is not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import google.auth
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.doctor import pipeline, vendors, whatsapp
from deploy.doctor.examination import examine
from deploy.doctor.identity import acting_as
from deploy.doctor.trouble import TroubleError, diagnosed
from deploy.functions import SERVICES
from local.ports import free_ports
from local.staging import ROOT
from shared import messages
from shared.adapters.gmail import GmailMailer
from shared.adapters.google_freebusy import GoogleBusyCalendars
from shared.adapters.xendit import XenditInvoiceGateway
from shared.domain.order import Order
from shared.errors import PermanentError, RetryableError
from shared.settings import (
    BrandSettings,
    CheckoutSettings,
    GoogleSettings,
    SmtpSettings,
    WhatsAppSettings,
    WhatsAppWebhookSettings,
    XenditSettings,
)
from shared.whatsapp_webhook import SIGNATURE, is_signed
from tests.builders import NOW
from tests.deploy.conftest import Operator
from tests.fakes import FakeClock, FakeOrderStore, FakePublisher, FakeRejectedStore
from tests.mail_server import PASSWORD, USER, MailServer, served_mail
from tests.vendors import KEY, Vendor, connections_are_dropped, served, served_google, served_xendit

pytestmark = [
    connections_are_dropped,
    # aiosmtpd warns its own operators; on the loopback address there is nobody to listen.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

CHECKOUT = CheckoutSettings(success_url="https://a.example", failure_url="https://a.example")
BRAND = BrandSettings(name="Nusademy", help_email="help@a.example", admin_email="admin@a.example")


@pytest.fixture
def google_api() -> Iterator[Vendor]:
    with served_google(FakeClock()) as vendor:
        yield vendor


def google_settings(vendor: Vendor, calendar_id: str = "primary") -> GoogleSettings:
    return GoogleSettings(
        subject="sessions@nusademy.example",
        api_base_url=vendor.url,
        calendar_id=calendar_id,
        timeout_s=2,
    )


def test_calendar_is_well_and_nothing_is_left_there(google_api: Vendor) -> None:
    vendors.check_calendar(google_settings(google_api), NOW)
    (event,) = google_api.ask("events")["events"]
    assert event["event"]["status"] == "cancelled"


def test_a_calendar_that_makes_no_room_is_found_out_and_nothing_is_left_there(
    google_api: Vendor,
) -> None:
    google_api.tell("conferences", outcome="pending")
    slept: list[float] = []
    with pytest.raises(TroubleError, match="got no Meet room") as trouble:
        vendors.check_calendar(google_settings(google_api), NOW, slept.append)
    assert "Switch Google Meet on" in trouble.value.remedy
    assert sum(slept) == 10
    (event,) = google_api.ask("events")["events"]
    assert event["event"]["status"] == "cancelled"


def test_gmail_is_well_and_no_draft_is_left_there(google_api: Vendor) -> None:
    settings = google_settings(google_api)
    vendors.check_gmail(lambda: GmailMailer(settings, BRAND), "admin@a.example")
    assert google_api.requests == [
        "POST /gmail/v1/users/me/drafts",
        google_api.requests[1],
    ]
    assert google_api.requests[1].startswith("DELETE /gmail/v1/users/me/drafts/")
    assert google_api.ask("mails")["mails"] == []


def test_gmail_that_refuses_is_found_out(google_api: Vendor) -> None:
    google_api.fault("gmail.users.drafts.create", "error_before", status=403)
    with pytest.raises(TroubleError, match="answered 403"):
        vendors.check_gmail(
            lambda: GmailMailer(google_settings(google_api), BRAND), "admin@a.example"
        )


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("('unauthorized_client: Client is unauthorized', …)", "Domain-wide delegation"),
        ("('invalid_grant: Invalid email or User ID', …)", "GOOGLE_SUBJECT is no user"),
        ("Permission 'iam.serviceAccounts.getAccessToken' denied", "give yourself the role"),
        ("Error calling sign JWT: signJwt denied", "run ./deploy.sh again"),
        ("calendar answered 404 notFound", "GOOGLE_CALENDAR_ID is no calendar"),
        ("something new", "Try again"),
    ],
)
def test_what_google_says_leads_to_what_to_do(said: str, remedy: str) -> None:
    error = RetryableError("calendar cannot be reached")
    error.__cause__ = ValueError(said)
    found = diagnosed(error, vendors.GOOGLE, vendors.OTHERWISE)
    assert remedy in found.remedy
    assert said in str(found)


def xendit_gateway(url: str, key: str) -> XenditInvoiceGateway:
    settings = XenditSettings(secret_key=key, base_url=url, timeout_s=2)
    return XenditInvoiceGateway(settings, CHECKOUT)


def test_xendit_takes_the_right_key_and_no_other() -> None:
    with served_xendit(FakeClock()) as xendit:
        vendors.check_xendit(xendit_gateway(xendit.url, KEY))
        with pytest.raises(TroubleError, match="401") as trouble:
            vendors.check_xendit(xendit_gateway(xendit.url, "xnd_production_wrong"))
    assert "XENDIT_SECRET_KEY is not a key" in trouble.value.remedy


def test_xendit_that_cannot_be_reached_is_found_out() -> None:
    (port,) = free_ports(1)
    with pytest.raises(TroubleError) as trouble:
        vendors.check_xendit(xendit_gateway(f"http://127.0.0.1:{port}", KEY))
    assert "online" in trouble.value.remedy


@contextmanager
def answering(status: int) -> Iterator[str]:
    async def answer(_request: Request) -> Response:
        return Response(status_code=status)

    methods = ["GET", "POST", "DELETE"]
    with served(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
        yield url


def test_only_what_is_public_may_answer_strangers() -> None:
    with answering(405) as public, answering(403) as private:
        right = {name: public if SERVICES[name].public else private for name in SERVICES}
        pipeline.check_doors(right)
        with pytest.raises(TroubleError, match=r"send_reminder answers strangers \(405\)"):
            pipeline.check_doors({**right, "send_reminder": public})
        with pytest.raises(TroubleError, match="payment_callback refuses strangers") as trouble:
            pipeline.check_doors({**right, "payment_callback": private})
    assert "iam.allowedPolicyMemberDomains" in trouble.value.remedy


def test_an_address_that_leads_elsewhere_than_to_links_is_found_out() -> None:
    with answering(400) as url:
        pipeline.check_links(f"{url}/")
    with answering(404) as url, pytest.raises(TroubleError, match="404 to a link") as trouble:
        pipeline.check_links(url)
    assert "LINKS_BASE_URL" in trouble.value.remedy


def test_a_webhook_that_takes_any_token_is_found_out() -> None:
    with answering(200) as url, pytest.raises(TroubleError, match="200 to a wrong token"):
        pipeline.check_webhook(url, "token")


def test_what_does_not_answer_is_found_out() -> None:
    (port,) = free_ports(1)
    with pytest.raises(TroubleError, match="does not answer"):
        pipeline.check_doors({"send_reminder": f"http://127.0.0.1:{port}"})


META = WhatsAppWebhookSettings(app_secret="an-app-secret", verify_token="a-verify-token")


def test_a_webhook_that_knows_no_verify_token_is_found_out() -> None:
    with answering(403) as url, pytest.raises(TroubleError, match="WHATSAPP_VERIFY_TOKEN"):
        whatsapp.check_webhook(url, META)


@contextmanager
def answering_meta(signed: int, forged: int) -> Iterator[str]:
    """Serve a webhook that registers, and answers so to a good signature and to another."""

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(request.query_params["hub.challenge"])
        body, signature = await request.body(), request.headers.get(SIGNATURE)
        return Response(
            status_code=signed if is_signed(body, signature, "an-app-secret") else forged
        )

    with served(Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])) as url:
        yield url


def test_a_webhook_that_takes_metas_signature_alone_is_well() -> None:
    with answering_meta(signed=200, forged=401) as url:
        whatsapp.check_webhook(url, META)


@pytest.mark.parametrize(
    ("signed", "forged", "said"),
    [(401, 401, "401 to WHATSAPP_APP_SECRET"), (200, 200, "200 to a wrong signature")],
)
def test_a_webhook_that_takes_the_wrong_signature_is_found_out(
    signed: int, forged: int, said: str
) -> None:
    with answering_meta(signed, forged) as url, pytest.raises(TroubleError, match=said):
        whatsapp.check_webhook(url, META)


def test_whatsapp_is_asked_for_the_number_with_the_token() -> None:
    async def answer(request: Request) -> Response:
        known = request.headers["authorization"] == "Bearer the-token"
        return Response(status_code=200 if known else 401)

    with served(Starlette(routes=[Route("/v24.0/1063", answer)])) as url:
        settings = WhatsAppSettings(phone_number_id="1063", access_token="the-token", base_url=url)
        whatsapp.check_token(settings)
        with pytest.raises(TroubleError, match="401 when asked for") as trouble:
            whatsapp.check_token(msgspec.structs.replace(settings, access_token="another"))
    assert "system user" in trouble.value.remedy


def mail_settings(server: MailServer, **changes: Any) -> SmtpSettings:
    given: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "sender": "sessions@a.example",
        "user": USER,
        "password": PASSWORD,
        "security": "none",
        "timeout_s": 5,
    }
    return SmtpSettings(**given | changes)


def test_a_mail_server_that_takes_the_login_is_well_and_gets_no_mail() -> None:
    with served_mail(login=True) as server:
        vendors.check_smtp(mail_settings(server))
    assert server.received == []


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"password": "wrong"}, "SMTP_USER or SMTP_PASSWORD is wrong"),
        ({"security": "starttls"}, "The server has no STARTTLS"),
        ({"security": "tls"}, "The server speaks otherwise"),
    ],
)
def test_a_mail_server_that_does_not_fit_its_settings_is_found_out(
    changes: dict[str, str], remedy: str
) -> None:
    with served_mail(login=True) as server, pytest.raises(TroubleError) as trouble:
        vendors.check_smtp(mail_settings(server, **changes))
    assert remedy in trouble.value.remedy


def test_a_calendar_tells_when_somebody_is_busy(google_api: Vendor) -> None:
    calendars = GoogleBusyCalendars(google_settings(google_api))
    vendors.check_busy_calendars(calendars, "sessions@nusademy.example", NOW)
    google_api.fault("calendar.freebusy.query", "error_before", status=403)
    with pytest.raises(TroubleError, match="answered 403"):
        vendors.check_busy_calendars(calendars, "sessions@nusademy.example", NOW)


class Unindexed(FakeOrderStore):
    """A database that lacks an index."""

    def due_for_check(self, now: object, limit: int) -> Sequence[Order]:
        raise RetryableError("querying orders: 400 The query requires an index.")


def test_a_missing_index_is_found_out() -> None:
    pipeline.check_queries(FakeOrderStore(), FakeRejectedStore(), NOW)
    with pytest.raises(TroubleError, match="requires an index") as trouble:
        pipeline.check_queries(Unindexed(), FakeRejectedStore(), NOW)
    assert "still being built" in trouble.value.remedy


class PutAside(FakePublisher):
    """Everything from the topic to the rejected store, at once."""

    def __init__(self, rejected: FakeRejectedStore) -> None:
        super().__init__()
        self._rejected = rejected

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        super().publish_raw(topic, data, attributes)
        kept = messages.rejected("1", data, source="s", reason="r", attributes={}, at=NOW)
        self._rejected.keep(kept)


def test_a_message_that_comes_through_is_seen() -> None:
    rejected = FakeRejectedStore()
    publisher = PutAside(rejected)
    pipeline.check_way_through(publisher, rejected, "a-mark")
    (message,) = publisher.messages
    assert (message.topic, message.data) == ("order.created", b'{"doctor": "a-mark"}')


def test_a_message_that_does_not_come_through_is_missed_after_a_minute() -> None:
    slept: list[float] = []
    with pytest.raises(TroubleError, match="did not come through in 60 s"):
        pipeline.check_way_through(FakePublisher(), FakeRejectedStore(), "a-mark", slept.append)
    assert sum(slept) == 60


class Forbidden(FakePublisher):
    """A topic that may not be published on."""

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        raise PermanentError("publishing to Pub/Sub: 403 User not authorized, denied")


def test_a_topic_that_refuses_is_found_out() -> None:
    with pytest.raises(TroubleError, match="403"):
        pipeline.check_way_through(Forbidden(), FakeRejectedStore(), "a-mark")


EMAIL = "create-meeting@demo-shop.iam.gserviceaccount.com"


def test_a_check_is_made_as_the_account_and_afterwards_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
    }
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(login))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with acting_as(EMAIL):
        credentials: Any = google.auth.default()[0]
        assert credentials.service_account_email == EMAIL
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in os.environ


def test_without_a_login_there_is_nobody_to_act_as_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(TroubleError) as trouble, acting_as(EMAIL):
        pass
    assert trouble.value.remedy == "Run `gcloud auth application-default login`."


def test_every_check_is_made_and_each_failure_says_what_to_do() -> None:
    def fails() -> None:
        raise TroubleError("it is broken", "Mend it.")

    said: list[str] = []
    assert examine([("one", lambda: None), ("two", fails), ("three", lambda: None)], said.append)
    assert said == [
        "ok      one",
        "FAILED  two: it is broken\n        -> Mend it.",
        "ok      three",
        "2 of 3 checks went well",
    ]
    assert examine([("one", lambda: None)], said.append) == 0


@pytest.mark.gcloud
def test_the_doctor_of_a_project_that_nobody_can_reach_names_every_trouble(
    deployed: Operator,
) -> None:
    (port,) = free_ports(1)
    nowhere = f"http://127.0.0.1:{port}"
    done = deployed.run("doctor", XENDIT_BASE_URL=nowhere, LINKS_BASE_URL=nowhere)
    assert (done.returncode, done.stderr) == (1, "")
    assert "ok      functions are deployed" in done.stdout
    assert done.stdout.count("FAILED  ") == done.stdout.count("        -> ") == 8
    assert "there is no login" in done.stdout
    assert "1 of 9 checks went well" in done.stdout
    assert deployed.cloud.changes == []


METADATA_SERVER = """
import http.server, json, os, threading

class Metadata(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        account = {"email": "create-meeting@demo-shop.iam.gserviceaccount.com", "scopes": []}
        token = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
        answer = json.dumps(token if "/token" in self.path else account).encode()
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["GCE_METADATA_HOST"] = os.environ["GCE_METADATA_IP"] = f"127.0.0.1:{server.server_port}"
from shared.adapters.google_api import GoogleService
from shared.settings import GoogleSettings
settings = GoogleSettings(subject="sessions@nusademy.example")
print(GoogleService("gmail", "v1", ["scope"], settings)._credentials.service_account_email)
"""


def test_on_cloud_run_a_function_signs_as_its_own_account(tmp_path: Path) -> None:
    # The library says "default" where it has not asked the metadata server yet.
    done = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", METADATA_SERVER],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "GOOGLE_CLOUD_PROJECT": "demo-shop"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "create-meeting@demo-shop.iam.gserviceaccount.com\n", done.stderr

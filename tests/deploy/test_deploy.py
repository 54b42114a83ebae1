"""deploy.sh with the real gcloud, against a project that stands on this machine."""

import base64
import json
import os
import re
import signal
import time
from subprocess import CompletedProcess
from typing import Any

import pytest

from deploy import request_logs
from deploy.functions import MADE, SERVICES, secret_id, service_name
from deploy.functions import functions as deployed_functions
from deploy.grants import all_grants
from deploy.messaging import all_topics
from local.topology import FUNCTIONS
from shared.adapters.vault import FernetVault
from shared.settings import LinkSettings
from tests.deploy.cloud.state import Cloud
from tests.deploy.conftest import CHOSEN, PROJECT, SETTINGS, Operator

pytestmark = pytest.mark.gcloud

NUMBER = Cloud(PROJECT).number
HERE = f"projects/{PROJECT}/locations/asia-southeast2"
USUAL = [function.name for function in deployed_functions(SETTINGS)]
LINKS = f"https://manage-booking-{NUMBER}.asia-southeast2.run.app"
_MADE = {secret_id(variable) for variable in MADE}
DEFAULT_SINK = f"projects/{PROJECT}/sinks/_Default"
FirstRun = tuple["CompletedProcess[str]", dict[str, Any]]


def service(cloud: Cloud, function: str) -> Any:
    return cloud.resources[f"{HERE}/services/{service_name(function)}"]


def container(cloud: Cloud, function: str) -> Any:
    return service(cloud, function)["spec"]["template"]["spec"]["containers"][0]


def variables(cloud: Cloud, function: str) -> dict[str, Any]:
    return {v["name"]: v.get("value") or v["valueFrom"] for v in container(cloud, function)["env"]}


def secret(cloud: Cloud, name: str, version: int) -> str:
    found = cloud.resources[f"projects/{PROJECT}/secrets/{name}/versions/{version}"]
    return base64.b64decode(found["payload"]["data"]).decode()


def expected_grants(**chosen: str) -> set[tuple[str, str, str]]:
    places = {
        "project": f"projects/{PROJECT}",
        "topic": f"projects/{PROJECT}/topics/{{}}",
        "subscription": f"projects/{PROJECT}/subscriptions/{{}}",
        "secret": f"projects/{PROJECT}/secrets/{{}}",
        "service": f"{HERE}/services/{{}}",
        "account": f"projects/{PROJECT}/serviceAccounts/{{}}@{PROJECT}.iam.gserviceaccount.com",
    }
    return {
        (places[grant.kind].format(grant.on), grant.role, grant.member(PROJECT, NUMBER))
        for grant in all_grants(SETTINGS | chosen)
    }


def test_every_command_of_a_first_run_is_accepted(first_run: FirstRun) -> None:
    assert (first_run[0].returncode, first_run[0].stderr) == (0, "")


def test_a_second_run_changes_nothing(deployed: Operator) -> None:
    done = deployed.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert deployed.cloud.changes == []
    assert done.stdout.count("nothing to change") == 17


def test_the_recorded_grants_are_those_of_the_table(deployed: Operator) -> None:
    assert deployed.cloud.grants() == expected_grants()


def public(cloud: Cloud) -> set[str]:
    return {name for name, _, member in cloud.grants() if member.startswith("all")}


def test_only_the_webhook_and_the_links_are_public(deployed: Operator) -> None:
    assert public(deployed.cloud) == {
        f"{HERE}/services/payment-callback",
        f"{HERE}/services/manage-booking",
    }


@pytest.mark.parametrize("function", USUAL)
def test_a_function_runs_as_itself_with_a_thread_for_each_request(
    function: str, deployed: Operator
) -> None:
    spec = service(deployed.cloud, function)["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == (
        f"{service_name(function)}@{PROJECT}.iam.gserviceaccount.com"
    )
    threads = int(variables(deployed.cloud, function)["THREADS"])
    assert spec["containerConcurrency"] == threads == SERVICES[function].concurrency


def test_a_function_gets_its_settings_and_no_more(deployed: Operator) -> None:
    assert variables(deployed.cloud, "create_meeting") == {
        "BACKEND": "gcp",
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "GOOGLE_SUBJECT": SETTINGS["GOOGLE_SUBJECT"],
        "LOG_EXECUTION_ID": "true",
        "REMINDER_LEAD_MINUTES": "1440,60",
        "THREADS": "16",
    }


def test_secrets_are_referred_to_and_never_written_out(
    deployed: Operator, first_run: FirstRun
) -> None:
    assert variables(deployed.cloud, "payment_callback")["XENDIT_CALLBACK_TOKEN"] == {
        "secretKeyRef": {"name": "xendit-callback-token", "key": "1"}
    }
    made = [secret(deployed.cloud, name, 1) for name in ("links-secrets", "vault-keys")]
    for value in (SETTINGS["XENDIT_SECRET_KEY"], SETTINGS["XENDIT_CALLBACK_TOKEN"], *made):
        assert value not in json.dumps([service(deployed.cloud, f) for f in USUAL])
        assert value not in first_run[0].stdout


def test_our_own_keys_are_made_once_and_are_ones_that_the_functions_take(
    deployed: Operator,
) -> None:
    links, vault = (secret(deployed.cloud, name, 1) for name in ("links-secrets", "vault-keys"))
    assert LinkSettings(secrets=links, base_url=LINKS).keys == (links,)
    assert FernetVault([vault]).open(FernetVault([vault]).seal("BCA 123")) == "BCA 123"
    assert deployed.run().returncode == 0
    assert secret(deployed.cloud, "links-secrets", 1) == links
    assert f"projects/{PROJECT}/secrets/links-secrets/versions/2" not in deployed.cloud.resources


def test_who_makes_links_and_who_is_opened_by_them_know_the_same_address(
    deployed: Operator,
) -> None:
    for function in ("manage_booking", "send_notification"):
        assert variables(deployed.cloud, function)["LINKS_BASE_URL"] == LINKS


def test_a_new_key_is_put_before_the_last_one_and_used_after_a_deployment(
    deployed: Operator, first_run: FirstRun
) -> None:
    first = secret(deployed.cloud, "links-secrets", 1)
    rotated = deployed.run("rotate", "LINKS_SECRETS")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    new, kept = secret(deployed.cloud, "links-secrets", 2).split(",")
    assert kept == first
    assert new not in rotated.stdout
    assert deployed.run().returncode == 0
    assert [
        function
        for function in USUAL
        if variables(deployed.cloud, function).get("LINKS_SECRETS")
        == {"secretKeyRef": {"name": "links-secrets", "key": "2"}}
    ] == ["manage_booking", "send_notification"]


def test_of_leaked_keys_none_is_kept(deployed: Operator) -> None:
    assert deployed.run("rotate", "LINKS_SECRETS", "--leaked").returncode == 0
    first, second = (secret(deployed.cloud, "links-secrets", version) for version in (1, 2))
    assert first not in second
    assert "," not in second


def test_keys_that_stand_in_the_file_are_not_changed_behind_its_back(deployed: Operator) -> None:
    done = deployed.run("rotate", "LINKS_SECRETS", LINKS_SECRETS="x" * 40)
    assert done.returncode == 1
    assert "LINKS_SECRETS is in the file" in done.stderr
    assert deployed.cloud.changes == []


def test_a_choice_brings_what_it_needs_and_taken_back_it_leaves_no_grant(
    deployed: Operator,
) -> None:
    cloud = deployed.cloud
    done = deployed.run(**CHOSEN)
    assert (done.returncode, done.stderr) == (0, "")
    assert cloud.grants() == expected_grants(**CHOSEN)
    assert f"{HERE}/services/track-delivery" in public(cloud)
    assert "https://track-delivery-k7x-et.a.run.invalid" in done.stdout
    sent = variables(cloud, "send_notification")
    assert (sent["WHATSAPP"], sent["SMTP_HOST"]) == ("on", CHOSEN["SMTP_HOST"])
    assert sent["SMTP_PASSWORD"] == {"secretKeyRef": {"name": "smtp-password", "key": "1"}}
    assert deployed.run().returncode == 0
    assert cloud.grants() == expected_grants()
    assert f"{HERE}/services/track-delivery" not in cloud.resources
    cloud.changes.clear()
    assert deployed.run().returncode == 0
    assert cloud.changes == []


def test_a_mail_server_without_a_login_needs_no_secret(deployed: Operator) -> None:
    assert deployed.run(**CHOSEN | {"SMTP_USER": "", "SMTP_PASSWORD": ""}).returncode == 0
    assert f"projects/{PROJECT}/secrets/smtp-password" not in deployed.cloud.resources


def test_the_daily_job_comes_at_midnight_utc_and_again_after_a_failure(deployed: Operator) -> None:
    daily = deployed.cloud.resources[f"{HERE}/jobs/send-digest"]
    assert (daily["schedule"], daily["timeZone"]) == ("0 0 * * *", "Etc/UTC")
    assert daily["retryConfig"]["retryCount"] == 5
    minutely = deployed.cloud.resources[f"{HERE}/jobs/send-reminder"]
    assert minutely.get("retryConfig", {}).get("retryCount", 0) == 0


def test_addresses_with_a_token_in_them_are_not_logged(deployed: Operator) -> None:
    (exclusion,) = deployed.cloud.resources[DEFAULT_SINK]["exclusions"]
    assert (exclusion["name"], exclusion["filter"]) == (request_logs.NAME, request_logs.FILTER)
    exclusion["disabled"] = True
    assert deployed.run().returncode == 0
    (again,) = deployed.cloud.resources[DEFAULT_SINK]["exclusions"]
    assert (again["filter"], again.get("disabled", False)) == (request_logs.FILTER, False)


def test_every_subscription_pushes_with_a_token_and_gives_up_to_its_own_topic(
    deployed: Operator,
) -> None:
    for function in deployed_functions(SETTINGS):
        url = service(deployed.cloud, function.name)["status"]["url"] if function.topics else ""
        for name, topic in function.subscriptions().items():
            found = deployed.cloud.resources[f"projects/{PROJECT}/subscriptions/{name}"]
            caller = f"{service_name(function.name)}-caller@{PROJECT}.iam.gserviceaccount.com"
            assert found["topic"] == f"projects/{PROJECT}/topics/{topic}"
            assert found["pushConfig"] == {
                "pushEndpoint": url,
                "oidcToken": {"serviceAccountEmail": caller, "audience": url},
            }
            assert found["ackDeadlineSeconds"] == 60
            assert found["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}
            assert found["expirationPolicy"] == {}
            assert found.get("deadLetterPolicy") == (
                {
                    "deadLetterTopic": f"projects/{PROJECT}/topics/{name}-dlq",
                    "maxDeliveryAttempts": 40,
                }
                if name in function.dead_lettered()
                else None
            )


def test_every_topic_has_a_subscription(deployed: Operator) -> None:
    subscribed = {
        resource["topic"].rpartition("/")[2]
        for name, resource in deployed.cloud.resources.items()
        if "/subscriptions/" in name
    }
    assert subscribed == set(all_topics(FUNCTIONS))


def test_the_database_is_in_jakarta_and_protected(deployed: Operator) -> None:
    database = deployed.cloud.resources[f"projects/{PROJECT}/databases/(default)"]
    assert database["locationId"] == "asia-southeast2"
    assert database["type"] == "FIRESTORE_NATIVE"
    assert database["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED"


def test_the_end_says_what_is_left_to_do_by_hand(first_run: FirstRun) -> None:
    said = first_run[0].stdout
    assert "https://payment-callback-k7x-et.a.run.invalid" in said
    assert "gcloud pubsub topics publish order.created --project=demo-shop" in said
    accounts = re.findall(r"\d+  https://www.googleapis.com/auth/(\S+)  \((\S+)\)", said)
    assert sorted(accounts) == [
        ("calendar.events", "close-order"),
        ("calendar.events", "create-meeting"),
        ("calendar.events", "reconcile-orders"),
        ("gmail.compose", "send-digest"),
        ("gmail.compose", "send-notification"),
    ]


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """Return a project without what tells only how often something was done."""
    kept = {}
    for name, resource in state["resources"].items():
        if "/operations/" in name:
            continue
        kept[name] = dict(resource)
        if any(f"/secrets/{made}/versions/" in name for made in _MADE):
            kept[name].pop("payload")  # another key each time
        if "/services/" in name:
            spec = resource["spec"]["template"]["spec"]
            kept[name] = {"spec": spec, "labels": resource["metadata"]["labels"]}
    return kept


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_killed_on_the_way_and_run_again_it_completes(
    share: float, empty: Operator, first_run: FirstRun
) -> None:
    complete = first_run[1]
    last = int(len(complete["changes"]) * share)
    process = empty.start()

    def kill(count: int) -> None:
        if count == last:
            os.killpg(process.pid, signal.SIGKILL)

    empty.cloud.after_change = kill
    assert process.wait(timeout=120) == -signal.SIGKILL
    _await_quiet(empty.cloud)
    empty.cloud.after_change = lambda _count: None
    assert comparable(vars(empty.cloud)) != comparable(complete)
    again = empty.run()
    assert (again.returncode, again.stderr) == (0, "")
    assert comparable(vars(empty.cloud)) == comparable(complete)
    assert empty.cloud.grants() == expected_grants()


def _await_quiet(cloud: Cloud) -> None:
    """Wait for the commands that were under way when their starter was killed."""
    seen = -1
    while len(cloud.requests) != seen:
        seen = len(cloud.requests)
        time.sleep(1.5)


def test_a_dry_run_of_an_empty_project_changes_nothing_and_shows_every_command(
    empty: Operator,
) -> None:
    done = empty.run("--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert empty.cloud.changes == []
    shown = re.findall(r"^    gcloud (\S+ \S+ \S+)", done.stdout, re.MULTILINE)
    assert f"{len(shown)} commands would run" in done.stdout
    assert {"run deploy create-invoice", "firestore databases create"} <= set(shown)


def test_what_somebody_changed_by_hand_is_put_right_and_nothing_else_is_touched(
    deployed: Operator,
) -> None:
    cloud = deployed.cloud
    subscription = f"projects/{PROJECT}/subscriptions/create_invoice--order.created"
    job = f"{HERE}/jobs/send-reminder"
    cloud.resources[subscription]["retryPolicy"] = {"minimumBackoff": "1s"}
    cloud.resources[job]["schedule"] = "0 * * * *"
    everyone = {"role": "roles/run.invoker", "members": ["allUsers"]}
    cloud.policies[f"{HERE}/services/send-notification"]["bindings"].append(everyone)
    human = {"role": "roles/owner", "members": ["user:owner@nusademy.example"]}
    extra = {
        "role": "roles/editor",
        "members": [f"serviceAccount:create-invoice@{PROJECT}.iam.gserviceaccount.com"],
    }
    cloud.policies[f"projects/{PROJECT}"]["bindings"] += [human, extra]
    assert deployed.run().returncode == 0
    assert sorted(cloud.changes) == sorted(
        [
            f"PATCH /v1/{job}",
            f"PATCH /v1/{subscription}",
            f"POST /v1/projects/{PROJECT}:setIamPolicy",
            f"POST /v1/{HERE}/services/send-notification:setIamPolicy",
        ]
    )
    assert cloud.resources[subscription]["retryPolicy"]["minimumBackoff"] == "10s"
    owner = (f"projects/{PROJECT}", "roles/owner", "user:owner@nusademy.example")
    assert cloud.grants() == expected_grants() | {owner}


def test_a_new_secret_value_is_a_new_version_that_only_its_readers_are_deployed_with(
    deployed: Operator,
) -> None:
    assert deployed.run(XENDIT_CALLBACK_TOKEN="another-token").returncode == 0
    assert deployed.cloud.changes == [
        f"POST /v1/projects/{PROJECT}/secrets/xendit-callback-token:addVersion",
        f"PUT /apis/serving.knative.dev/v1/namespaces/{PROJECT}/services/payment-callback",
        # gcloud's own: it says again that the function is public.
        f"POST /v1/{HERE}/services/payment-callback:setIamPolicy",
    ]
    assert variables(deployed.cloud, "payment_callback")["XENDIT_CALLBACK_TOKEN"] == {
        "secretKeyRef": {"name": "xendit-callback-token", "key": "2"}
    }


def test_only_deploys_the_functions_that_are_named(empty: Operator) -> None:
    assert empty.run("--only", "send_reminder").returncode == 0
    names = [name for name in empty.cloud.resources if name.startswith(f"{HERE}/services/")]
    assert names == [f"{HERE}/services/send-reminder"]
    assert f"{HERE}/jobs/send-reminder" in empty.cloud.resources
    assert not [name for name in empty.cloud.resources if "/subscriptions/" in name]


def test_a_database_elsewhere_is_not_taken(empty: Operator) -> None:
    empty.cloud.resources[f"projects/{PROJECT}/databases/(default)"] = {
        "name": f"projects/{PROJECT}/databases/(default)",
        "locationId": "nam5",
        "type": "FIRESTORE_NATIVE",
    }
    done = empty.run()
    assert done.returncode == 1
    assert "FIRESTORE_NATIVE in nam5" in done.stderr
    assert "step 5, database" in done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"XENDIT_SECRET_KEY": "", "GOOGLE_SUBJECT": "no-address", "CLAIM_SECONDS": "30"},
            ["XENDIT_SECRET_KEY", "GOOGLE_SUBJECT", "CLAIM_SECONDS"],
        ),
        (
            {"GOOGLE_CLOUD_PROJECT": "", "CHEKOUT_SUCCESS_URL": "https://x", "DATA_DIR": "/"},
            ["GOOGLE_CLOUD_PROJECT", "CHEKOUT_SUCCESS_URL", "DATA_DIR"],
        ),
    ],
)
def test_wrong_settings_are_all_named_before_anything_is_asked(
    settings: dict[str, str], named: list[str], empty: Operator
) -> None:
    done = empty.run(**settings)
    assert done.returncode == 1
    assert all(name in done.stderr for name in named)
    assert empty.cloud.requests == []


def test_an_unknown_function_is_named_before_anything_is_asked(empty: Operator) -> None:
    done = empty.run("--only", "send_invoice")
    assert done.returncode == 1
    assert "send_invoice" in done.stderr
    assert empty.cloud.requests == []


def test_a_project_that_we_cannot_see_is_said_so(empty: Operator) -> None:
    done = empty.run(GOOGLE_CLOUD_PROJECT="someone-elses")
    assert done.returncode == 1
    assert "cannot see the project someone-elses" in done.stderr
    assert empty.cloud.changes == []


@pytest.mark.parametrize("said", ["", "yes\n", "demo-shop2\n"])
def test_teardown_wants_the_projects_name(said: str, deployed: Operator) -> None:
    done = deployed.run("teardown", said=said)
    assert done.returncode == 1
    assert "nothing was deleted" in done.stderr
    assert deployed.cloud.requests == []


def test_teardown_takes_away_all_but_the_database(deployed: Operator) -> None:
    done = deployed.run("teardown", said=f"{PROJECT}\n")
    assert (done.returncode, done.stderr) == (0, "")
    # The database, and what Cloud Run itself keeps of the builds.
    stays = (f"projects/{PROJECT}/databases/(default)", "buckets/run-sources-")
    left = {name for name in deployed.cloud.resources if not name.startswith(stays)}
    assert {name.split("/")[-2] for name in left} <= {"repositories", "sinks"}
    assert deployed.cloud.resources[DEFAULT_SINK]["exclusions"] == []
    assert deployed.cloud.grants() == set()


def test_teardown_takes_the_data_only_when_asked(deployed: Operator) -> None:
    assert deployed.run("teardown", "--with-data", said=f"{PROJECT}\n").returncode == 0
    assert f"projects/{PROJECT}/databases/(default)" not in deployed.cloud.resources

"""Metrics, alerts and dashboard: what Google takes, what is there, and what a person finds in it."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import googleapiclient
import msgspec
import pytest

from deploy.monitoring.apply import alerts, apply_monitoring, dashboard, is_as, metrics
from local.staging import ROOT

_DISCOVERY = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
_OWN = "logging.googleapis.com/user/"
# Google's own; https://cloud.google.com/monitoring/api/metrics_gcp
_GIVEN = {
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
    "run.googleapis.com/request_count",
    "run.googleapis.com/container/instance_count",
}
_TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
ADMIN = "admin@nusademy.example"


def problems(document: str, kind: str, value: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with a resource by the API's discovery document."""
    schemas = json.loads((_DISCOVERY / document).read_text())["schemas"]
    yield from _problems(schemas, {"$ref": kind}, value, where)


def _problems(schemas: Any, schema: Any, value: Any, where: str) -> Iterator[str]:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema["type"] == "array":
        for number, item in enumerate(value):
            yield from _problems(schemas, schema["items"], item, f"{where}[{number}]")
    elif schema["type"] != "object":
        if not isinstance(value, _TYPES[schema["type"]]):
            yield f"{where} is no {schema['type']}"
        elif value not in schema.get("enum", [value]):
            yield f"{where} is none of {schema['enum']}"
    else:
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            if key in known or others:
                yield from _problems(schemas, known.get(key, others), item, f"{where}.{key}")
            else:
                yield f"{where}.{key} does not exist"


def test_the_check_finds_what_is_wrong() -> None:
    wrong = {"displayName": 1, "combiner": "XOR", "conditions": [{"nonsense": {}}]}
    assert list(problems("monitoring.v3.json", "AlertPolicy", wrong, "policy")) == [
        "policy.displayName is no string",
        "policy.combiner is none of ['COMBINE_UNSPECIFIED', 'AND', 'OR', 'AND_WITH_MATCHING_RESOURCE']",
        "policy.conditions[0].nonsense does not exist",
    ]


@pytest.mark.parametrize("name", metrics())
def test_a_metric_is_what_the_api_takes(name: str) -> None:
    metric = metrics()[name]
    assert metric["name"] == name
    assert list(problems("logging.v2.json", "LogMetric", metric, name)) == []
    labels = {label["key"] for label in metric["metricDescriptor"].get("labels", [])}
    assert labels == set(metric.get("labelExtractors", {}))
    distribution = metric["metricDescriptor"]["valueType"] == "DISTRIBUTION"
    assert distribution == ("valueExtractor" in metric) == ("bucketOptions" in metric)


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_what_the_api_takes(name: str) -> None:
    assert list(problems("monitoring.v3.json", "AlertPolicy", alerts()[name], name)) == []
    assert alerts()[name]["userLabels"] == {"pipeline": "orders", "alert": name}


def test_the_dashboard_is_what_the_api_takes() -> None:
    assert list(problems("monitoring.v1.json", "Dashboard", dashboard(), "dashboard")) == []


def test_alerts_and_dashboard_use_metrics_and_labels_that_exist_and_all_of_ours() -> None:
    used = set()
    for resource in [*alerts().values(), dashboard()]:
        for query in _queries(resource):
            (name,) = re.findall(r'metric\.type="([^"]+)"', query["filter"])
            used.add(name)
            if name.startswith(_OWN):
                known = set(metrics()[name.removeprefix(_OWN)].get("labelExtractors", {}))
                assert set(re.findall(r"metric\.label\.(\w+)", json.dumps(query))) <= known, name
    assert used == {f"{_OWN}{name}" for name in metrics()} | _GIVEN


def _queries(value: Any) -> Iterator[Any]:
    """Yield everything that has a filter: a condition, or a chart's query."""
    if isinstance(value, dict):
        if "filter" in value:
            yield value
        for item in value.values():
            yield from _queries(item)
    elif isinstance(value, list):
        for item in value:
            yield from _queries(item)


def test_every_alert_leads_to_its_section_of_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", guide, re.MULTILINE)
    titles = {name: alert["displayName"] for name, alert in alerts().items()}
    assert set(titles.values()) <= set(headings)
    for name, title in titles.items():
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        content = alerts()[name]["documentation"]["content"]
        assert content.endswith(f"docs/operations.md#{anchor}")


class Project:
    """Answers like gcloud on a project that remembers what was made in it."""

    project = "demo-project"

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}
        self.channels: list[Any] = []
        self.policies: dict[str, Any] = {}
        self.dashboards: list[Any] = []
        self.changes: list[str] = []

    def read_or(self, default: Any, *arguments: str) -> Any:
        found: dict[str, list[Any]] = {
            "metrics": list(self.metrics.values()),
            "channels": self.channels,
            "policies": list(self.policies.values()),
            "dashboards": self.dashboards,
        }
        return found[arguments[-2]] or default

    def change(self, what: str, *arguments: str) -> None:
        self.changes.append(what)
        *_, content = arguments
        given = content.partition("=")[2]
        if "metrics" in arguments:
            made = json.loads(Path(given).read_text())
            # What Google answers with: names added, zeros left out.
            self.metrics[made["name"]] = made | {"createTime": "2026-11-24T02:00:00Z"}
        elif "channels" in arguments:
            labels = {"email_address": given.partition("=")[2]}
            name = "projects/demo-project/notificationChannels/7"
            self.channels.append({"name": name, "type": "email", "labels": labels})
        elif "policies" in arguments:
            self._change_policy(arguments[3], arguments[4:])
        else:
            self.dashboards = [json.loads(given) | {"etag": f"{len(self.changes)}"}]

    def _change_policy(self, verb: str, arguments: tuple[str, ...]) -> None:
        policy = json.loads(arguments[-1].partition("=")[2]) if verb != "delete" else {}
        for condition in policy.get("conditions", []):
            threshold = condition.get("conditionThreshold", {})
            if threshold.get("thresholdValue") == 0:
                del threshold["thresholdValue"]
        name = arguments[0] if verb != "create" else f"policies/{len(self.policies)}"
        self.policies.pop(name, None)
        if policy:
            self.policies[name] = policy | {"name": name}


def test_everything_is_made_once_and_alerts_are_mailed_to_the_admin() -> None:
    project = Project()
    apply_monitoring(project, ADMIN)
    assert len(project.changes) == len(metrics()) + 1 + len(alerts()) + 1
    assert {p["notificationChannels"][0] for p in project.policies.values()} == {
        project.channels[0]["name"]
    }
    assert project.channels[0]["labels"] == {"email_address": ADMIN}
    project.changes.clear()
    apply_monitoring(project, ADMIN)
    assert project.changes == []


def test_what_was_changed_by_hand_is_put_right_and_what_is_no_longer_ours_goes() -> None:
    project = Project()
    apply_monitoring(project, ADMIN)
    project.changes.clear()
    project.metrics["pipeline_ticks"]["filter"] = "severity=ERROR"
    backlog = next(p for p in project.policies.values() if p["userLabels"]["alert"] == "backlog")
    backlog["conditions"][0]["conditionThreshold"]["thresholdValue"] = 99
    project.policies["old"] = {"name": "old", "userLabels": {"pipeline": "orders", "alert": "old"}}
    project.policies["theirs"] = {"name": "theirs"}
    project.dashboards[0]["mosaicLayout"]["tiles"].pop()
    apply_monitoring(project, ADMIN)
    assert project.changes == [
        "log metric pipeline_ticks: updated",
        "alert backlog: updated",
        "alert old: deleted",
        "dashboard: updated",
    ]
    assert "theirs" in project.policies
    project.changes.clear()
    apply_monitoring(project, ADMIN)
    assert project.changes == []


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 0}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({}, {"a": [1]}, False),
        ({"a": 5}, {"a": 0}, False),
    ],
)
def test_what_google_adds_and_leaves_out_is_no_difference(
    found: Any, wanted: Any, same: bool
) -> None:
    assert is_as(found, wanted) is same


class Received(msgspec.Struct):
    """What was posted to the stand-in for Google's APIs."""

    bodies: list[Any] = []


@pytest.fixture
def api() -> Iterator[tuple[str, Received]]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.bodies.append(body)
            answer = json.dumps({"name": "projects/demo-project/any/1"} | body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="not installed: gcloud")
@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (
            ["logging", "metrics", "create", "pipeline_step_latency", "--config-from-file={file}"],
            metrics()["pipeline_step_latency"],
        ),
        (["alpha", "monitoring", "policies", "create", "--policy={json}"], alerts()["retries"]),
        (["alpha", "monitoring", "policies", "create", "--policy={json}"], alerts()["no-ticks"]),
        (["monitoring", "dashboards", "create", "--config={json}"], dashboard()),
    ],
    ids=["metric", "threshold", "absence", "dashboard"],
)
def test_gcloud_sends_all_of_it(
    arguments: list[str], sent: Any, api: tuple[str, Received], tmp_path: Path
) -> None:
    url, received = api
    file = tmp_path / "wanted.json"
    file.write_text(json.dumps(sent))
    overrides = {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING": url,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": url,
    }
    filled = [a.replace("{file}", str(file)).replace("{json}", json.dumps(sent)) for a in arguments]
    done = subprocess.run(  # noqa: S603 - our own command
        ["gcloud", *filled, "--project=demo-project", "--quiet"],  # noqa: S607 - on the path
        env={"PATH": os.environ["PATH"], **overrides},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (body,) = received.bodies
    assert is_as(body, sent)

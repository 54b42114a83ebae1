"""Metrics, alerts and dashboard: what Google takes, what is there, and what a person finds in it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import googleapiclient
import pytest

from deploy.monitoring.apply import alerts, dashboard, is_as, metrics
from local.staging import ROOT
from tests.deploy.cloud.state import Cloud
from tests.deploy.conftest import PROJECT, SETTINGS, Operator

_DISCOVERY = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
_OWN = "logging.googleapis.com/user/"
# Google's own; https://cloud.google.com/monitoring/api/metrics_gcp
_GIVEN = {
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
    "run.googleapis.com/request_count",
    "run.googleapis.com/container/instance_count",
}
_TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


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


def held(cloud: Cloud, kind: str) -> dict[str, Any]:
    """Return what the project holds of a kind, by the last part of its name."""
    there = cloud.within(f"projects/{PROJECT}/{kind}")
    return {resource["name"].rpartition("/")[2]: resource for resource in there}


@pytest.mark.gcloud
def test_everything_is_made_and_alerts_are_mailed_to_the_admin(deployed: Operator) -> None:
    cloud = deployed.cloud
    made = {name: kept["metric"] for name, kept in held(cloud, "metrics").items()}
    assert is_as(made, metrics())
    assert is_as(held(cloud, "alertPolicies"), alerts())
    assert is_as(held(cloud, "dashboards"), {"order-pipeline": dashboard()})
    (channel,) = held(cloud, "notificationChannels").values()
    assert channel["labels"] == {"email_address": SETTINGS["BRAND_ADMIN_EMAIL"]}
    assert [policy["notificationChannels"] for policy in held(cloud, "alertPolicies").values()] == [
        [channel["name"]]
    ] * len(alerts())


@pytest.mark.gcloud
def test_what_was_changed_by_hand_is_put_right_and_what_is_no_longer_ours_goes(
    deployed: Operator,
) -> None:
    cloud = deployed.cloud
    held(cloud, "metrics")["pipeline_ticks"]["metric"]["filter"] = "severity=ERROR"
    backlog = held(cloud, "alertPolicies")["backlog"]
    backlog["conditions"][0]["conditionThreshold"]["thresholdValue"] = 99
    held(cloud, "dashboards")["order-pipeline"]["mosaicLayout"]["tiles"].pop()
    old = {"displayName": "old", "userLabels": {"pipeline": "orders", "alert": "old"}}
    cloud.create(f"projects/{PROJECT}/alertPolicies/old", old)
    cloud.create(f"projects/{PROJECT}/alertPolicies/theirs", {"displayName": "theirs"})
    assert deployed.run().returncode == 0
    assert sorted(cloud.changes) == [
        f"DELETE /v3/projects/{PROJECT}/alertPolicies/old",
        f"PATCH /v1/projects/{PROJECT}/dashboards/order-pipeline",
        f"PATCH /v3/projects/{PROJECT}/alertPolicies/backlog",
        f"PUT /v2/projects/{PROJECT}/metrics/pipeline_ticks",
    ]
    assert held(cloud, "alertPolicies").keys() == alerts().keys() | {"theirs"}
    assert is_as(held(cloud, "alertPolicies"), alerts())
    assert is_as(held(cloud, "dashboards")["order-pipeline"], dashboard())


@pytest.mark.gcloud
def test_another_admin_gets_the_alerts_from_then_on(deployed: Operator) -> None:
    assert deployed.run(BRAND_ADMIN_EMAIL="other@nusademy.example").returncode == 0
    channels = held(deployed.cloud, "notificationChannels")
    (theirs,) = (
        channel["name"]
        for channel in channels.values()
        if channel["labels"]["email_address"] == "other@nusademy.example"
    )
    policies = held(deployed.cloud, "alertPolicies").values()
    assert {tuple(policy["notificationChannels"]) for policy in policies} == {(theirs,)}


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

"""Log metrics of Logging v2; alert policies, channels and dashboards of Monitoring v3 and v1."""

import re
from typing import Any

from tests.deploy.cloud.routes import Call, route
from tests.deploy.cloud.state import Cloud, CloudError, Json, invalid

METRICS = "/v2/projects/{project}/metrics"
DEFAULT_SINK = "/v2/projects/{project}/sinks/_Default"
POLICIES = "/v3/projects/{project}/alertPolicies"
CHANNELS = "/v3/projects/{project}/notificationChannels"
DASHBOARDS = "/v1/projects/{project}/dashboards"
_OWN_METRIC = re.compile(r'metric\.type="logging\.googleapis\.com/user/([^"]+)"')


@route("GET", METRICS, api="logging")
def list_metrics(cloud: Cloud, call: Call) -> Any:
    return {"metrics": [_answered(metric) for metric in _metrics(cloud, call)]}


@route("POST", METRICS, api="logging")
def create_metric(cloud: Cloud, call: Call) -> Any:
    cloud.create(call.name("metrics", call.body["name"]), {"metric": _stored(call.body)})
    return call.body


@route("GET", f"{METRICS}/{{metric}}", api="logging")
def get_metric(cloud: Cloud, call: Call) -> Any:
    return _answered(cloud.get(call.name("metrics", call.path["metric"])))


@route("PUT", f"{METRICS}/{{metric}}", api="logging")
def update_metric(cloud: Cloud, call: Call) -> Any:
    known = cloud.get(call.name("metrics", call.path["metric"]))
    known["metric"] = _stored(call.body)
    return _answered(known)


@route("DELETE", f"{METRICS}/{{metric}}", api="logging")
def delete_metric(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("metrics", call.path["metric"]))


@route("GET", DEFAULT_SINK, api="logging")
def get_default_sink(cloud: Cloud, call: Call) -> Any:
    # It is there from the beginning.
    return cloud.resources.get(call.name("sinks", "_Default"), {"name": "_Default"})


@route("PATCH", DEFAULT_SINK, api="logging")
def update_default_sink(cloud: Cloud, call: Call) -> Any:
    assert call.query["updateMask"] == "exclusions"
    name = call.name("sinks", "_Default")
    cloud.resources[name] = {"name": "_Default", "exclusions": call.body.get("exclusions", [])}
    return cloud.resources[name]


@route("GET", POLICIES, api="monitoring")
def list_policies(cloud: Cloud, call: Call) -> Any:
    return {"alertPolicies": cloud.within(call.name("alertPolicies"))}


@route("POST", POLICIES, api="monitoring")
def create_policy(cloud: Cloud, call: Call) -> Any:
    _check_policy(cloud, call)
    # A name that says what it is, where Google's are numbers.
    name = call.name("alertPolicies", call.body["userLabels"]["alert"])
    return cloud.create(name, _stored(call.body))


@route("PATCH", f"{POLICIES}/{{policy}}", api="monitoring")
def update_policy(cloud: Cloud, call: Call) -> Any:
    _check_policy(cloud, call)
    name = call.name("alertPolicies", call.path["policy"])
    cloud.get(name)
    cloud.resources[name] = {**_stored(call.body), "name": name}
    return cloud.resources[name]


@route("DELETE", f"{POLICIES}/{{policy}}", api="monitoring")
def delete_policy(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("alertPolicies", call.path["policy"]))


@route("GET", CHANNELS, api="monitoring")
def list_channels(cloud: Cloud, call: Call) -> Any:
    return {"notificationChannels": cloud.within(call.name("notificationChannels"))}


@route("POST", CHANNELS, api="monitoring")
def create_channel(cloud: Cloud, call: Call) -> Any:
    number = str(len(cloud.within(call.name("notificationChannels"))) + 1)
    return cloud.create(call.name("notificationChannels", number), call.body)


@route("DELETE", f"{CHANNELS}/{{channel}}", api="monitoring")
def delete_channel(cloud: Cloud, call: Call) -> Any:
    name = call.name("notificationChannels", call.path["channel"])
    policies = cloud.within(call.name("alertPolicies"))
    if any(name in policy["notificationChannels"] for policy in policies):
        raise CloudError(400, "FAILED_PRECONDITION", "The channel is used by an alert policy.")
    return cloud.delete(name)


@route("GET", DASHBOARDS, api="monitoring")
def list_dashboards(cloud: Cloud, call: Call) -> Any:
    return {"dashboards": cloud.within(call.name("dashboards"))}


@route("POST", DASHBOARDS, api="monitoring")
def create_dashboard(cloud: Cloud, call: Call) -> Any:
    name = call.body["name"]
    return cloud.create(name, {**_stored(call.body), "etag": "1"})


@route("PATCH", f"{DASHBOARDS}/{{dashboard}}", api="monitoring")
def update_dashboard(cloud: Cloud, call: Call) -> Any:
    name = call.name("dashboards", call.path["dashboard"])
    before = cloud.get(name)["etag"]
    if call.body.get("etag") != before:
        raise CloudError(409, "ABORTED", "The etag does not fit.")
    cloud.resources[name] = {**_stored(call.body), "name": name, "etag": str(int(before) + 1)}
    return cloud.resources[name]


@route("DELETE", f"{DASHBOARDS}/{{dashboard}}", api="monitoring")
def delete_dashboard(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("dashboards", call.path["dashboard"]))


def _metrics(cloud: Cloud, call: Call) -> list[Json]:
    return cloud.within(call.name("metrics"))


def _answered(resource: Json) -> Json:
    # A log metric's name is not its path, unlike all other resources'.
    metric: Json = resource["metric"]
    return {**metric, "createTime": "2026-11-24T02:00:00Z"}


def _check_policy(cloud: Cloud, call: Call) -> None:
    for channel in call.body.get("notificationChannels", []):
        cloud.get(channel)
    for condition in call.body["conditions"]:
        query = next(part["filter"] for part in condition.values() if "filter" in part)
        for name in _OWN_METRIC.findall(query):
            if call.name("metrics", name) not in cloud.resources:
                raise invalid(f"Cannot find metric that matches type = {name!r}.")


def _stored(value: Any) -> Any:
    """Return a body as Google gives it back: what has its default value is left out."""
    if isinstance(value, dict):
        return {key: _stored(item) for key, item in value.items() if item not in (0, "", [], {})}
    return [_stored(item) for item in value] if isinstance(value, list) else value

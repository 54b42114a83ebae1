"""Log metrics, alert policies and the dashboard: made, or changed where they are not as in here."""

import json
from pathlib import Path
from typing import Any

from deploy.gcloud import Gcloud, in_parallel

_HERE = Path(__file__).parent
_DASHBOARD = "order-pipeline"
# Marks the alert policies and the channel that are ours.
_OURS = ("pipeline", "orders")
# In these tracks they are known to all releases of gcloud.
_POLICIES = ("alpha", "monitoring", "policies")
_CHANNELS = ("beta", "monitoring", "channels")
_DASHBOARDS = ("monitoring", "dashboards")
_METRICS = ("logging", "metrics")


def metrics() -> dict[str, Any]:
    """Return the log metrics by name."""
    return _read("metrics")


def alerts() -> dict[str, Any]:
    """Return the alert policies by the name of their file."""
    return _read("alerts")


def dashboard() -> Any:
    """Return the dashboard."""
    return json.loads((_HERE / "dashboard.json").read_text(encoding="utf-8"))


def apply_metrics(gcloud: Gcloud) -> None:
    """Make the log metrics. Well before the alerts, which are refused until Google knows them."""
    existing = {metric["name"]: metric for metric in gcloud.read_or([], *_METRICS, "list")}

    def apply(name: str) -> None:
        if not is_as(existing.get(name), metrics()[name]):
            verb = "update" if name in existing else "create"
            file = f"--config-from-file={_HERE / 'metrics' / name}.json"
            gcloud.change(f"log metric {name}: {verb}d", *_METRICS, verb, name, file)

    in_parallel(apply, metrics())


def apply_alerts(gcloud: Gcloud, admin_email: str) -> None:
    """Make the alert policies, which send mails to ``admin_email``, and the dashboard."""
    channels = _channel(gcloud, admin_email)
    existing = {policy["userLabels"]["alert"]: policy for policy in _ours(gcloud, *_POLICIES)}

    def apply(name: str) -> None:
        wanted = alerts()[name] | {"notificationChannels": channels}
        content = f"--policy={json.dumps(wanted, ensure_ascii=False)}"
        if name not in existing:
            gcloud.change(f"alert {name}: created", *_POLICIES, "create", content)
        elif not is_as(existing[name], wanted):
            path = existing[name]["name"]
            gcloud.change(f"alert {name}: updated", *_POLICIES, "update", path, content)

    in_parallel(apply, alerts())
    for name in existing.keys() - alerts().keys():
        gcloud.change(f"alert {name}: deleted", *_POLICIES, "delete", existing[name]["name"])
    _apply_dashboard(gcloud)


def remove_monitoring(gcloud: Gcloud) -> None:
    """Delete all of it: alerts before what they look at and send to."""
    for what in (_POLICIES, _CHANNELS):
        for found in _ours(gcloud, *what):
            gcloud.change(f"no {found['displayName']}", *what, "delete", found["name"])
    if _found_dashboard(gcloud) is not None:
        gcloud.change("no dashboard", *_DASHBOARDS, "delete", _DASHBOARD)
    existing = {metric["name"] for metric in gcloud.read_or([], *_METRICS, "list")}
    in_parallel(
        lambda name: gcloud.change(f"no log metric {name}", *_METRICS, "delete", name),
        existing & metrics().keys(),
    )


def is_as(found: Any, wanted: Any) -> bool:
    """Return whether what is there has all that is wanted; Google adds, and leaves out defaults."""
    if not wanted:
        return not found
    if isinstance(wanted, dict):
        return all(is_as((found or {}).get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found or []) == len(wanted) and all(map(is_as, found, wanted))
    return bool(found == wanted)


def _read(folder: str) -> dict[str, Any]:
    files = sorted((_HERE / folder).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def _ours(gcloud: Gcloud, *what: str) -> list[Any]:
    key, value = _OURS
    listed = gcloud.read_or([], *what, "list")
    return [found for found in listed if found.get("userLabels", {}).get(key) == value]


def _channel(gcloud: Gcloud, address: str) -> list[str]:
    """Return our notification channel to this address; in a dry run there may be none yet."""
    found = _channels(gcloud, address)
    if not found:
        gcloud.change(
            "channel for alerts",
            *(*_CHANNELS, "create", "--type=email", f"--channel-labels=email_address={address}"),
            f"--user-labels={'='.join(_OURS)}",
            "--display-name=Admin of the order pipeline",
        )
        found = _channels(gcloud, address)
    return found[:1]


def _channels(gcloud: Gcloud, address: str) -> list[str]:
    ours = _ours(gcloud, *_CHANNELS)
    return sorted(c["name"] for c in ours if c["labels"].get("email_address") == address)


def _found_dashboard(gcloud: Gcloud) -> Any:
    listed = gcloud.read_or([], *_DASHBOARDS, "list")
    return next((found for found in listed if found["name"].endswith(f"/{_DASHBOARD}")), None)


def _apply_dashboard(gcloud: Gcloud) -> None:
    found = _found_dashboard(gcloud)
    wanted = dashboard() | {"name": f"projects/{gcloud.project}/dashboards/{_DASHBOARD}"}
    if found is None:
        content = f"--config={json.dumps(wanted)}"
        gcloud.change("dashboard: created", *_DASHBOARDS, "create", content)
    elif not is_as(found, dashboard()):
        # The etag says which version is replaced; without it the change is refused.
        content = f"--config={json.dumps(wanted | {'etag': found['etag']})}"
        gcloud.change("dashboard: updated", *_DASHBOARDS, "update", _DASHBOARD, content)

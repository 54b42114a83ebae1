"""Log metrics, alert policies and the dashboard: made, or changed where they are not as in here."""

import json
from pathlib import Path
from typing import Any, Protocol

_HERE = Path(__file__).parent
_DASHBOARD = "order-pipeline"
# Marks the alert policies that are ours.
_OURS = ("pipeline", "orders")
# Known to all releases of gcloud in this track only.
_POLICIES = ("alpha", "monitoring", "policies")


class Gcloud(Protocol):
    """The part of deploy.gcloud.Gcloud that is used here."""

    project: str

    def read_or(self, default: Any, *arguments: str) -> Any:
        """Return what a reading command says, decoded, or the default where there is nothing."""

    def change(self, what: str, *arguments: str) -> None:
        """Run a changing command."""


def metrics() -> dict[str, Any]:
    """Return the log metrics by name."""
    return _read("metrics")


def alerts() -> dict[str, Any]:
    """Return the alert policies by the name of their file."""
    return _read("alerts")


def dashboard() -> Any:
    """Return the dashboard."""
    return json.loads((_HERE / "dashboard.json").read_text(encoding="utf-8"))


def apply_monitoring(gcloud: Gcloud, admin_email: str) -> None:
    """Make everything as it is in these files. Alerts are mailed to ``admin_email``."""
    _apply_metrics(gcloud)
    _apply_alerts(gcloud, _channel(gcloud, admin_email))
    _apply_dashboard(gcloud)


def _read(folder: str) -> dict[str, Any]:
    files = sorted((_HERE / folder).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def _apply_metrics(gcloud: Gcloud) -> None:
    listed = gcloud.read_or([], "logging", "metrics", "list")
    existing = {metric["name"]: metric for metric in listed}
    for name, wanted in metrics().items():
        if name not in existing or not is_as(existing[name], wanted):
            verb = "update" if name in existing else "create"
            file = f"--config-from-file={_HERE / 'metrics' / name}.json"
            gcloud.change(f"log metric {name}: {verb}d", "logging", "metrics", verb, name, file)


def _channel(gcloud: Gcloud, address: str) -> list[str]:
    """Return the notification channel to this address; in a dry run there may be none yet."""
    found = _channels(gcloud, address)
    if not found:
        gcloud.change(
            "channel for alerts",
            *("beta", "monitoring", "channels", "create", "--type=email"),
            *(
                "--display-name=Admin of the order pipeline",
                f"--channel-labels=email_address={address}",
            ),
        )
        found = _channels(gcloud, address)
    return found[:1]


def _channels(gcloud: Gcloud, address: str) -> list[str]:
    listed = gcloud.read_or([], "beta", "monitoring", "channels", "list")
    return sorted(
        channel["name"]
        for channel in listed
        if channel["type"] == "email" and channel["labels"].get("email_address") == address
    )


def _apply_alerts(gcloud: Gcloud, channels: list[str]) -> None:
    key, value = _OURS
    listed = gcloud.read_or([], *_POLICIES, "list")
    ours = [policy for policy in listed if policy.get("userLabels", {}).get(key) == value]
    existing = {policy["userLabels"].get("alert"): policy for policy in ours}
    for name, alert in alerts().items():
        wanted = alert | {"notificationChannels": channels}
        content = f"--policy={json.dumps(wanted, ensure_ascii=False)}"
        if name not in existing:
            gcloud.change(f"alert {name}: created", *_POLICIES, "create", content)
        elif not is_as(existing[name], wanted):
            path = existing[name]["name"]
            gcloud.change(f"alert {name}: updated", *_POLICIES, "update", path, content)
    for name in existing.keys() - alerts().keys():
        gcloud.change(f"alert {name}: deleted", *_POLICIES, "delete", existing[name]["name"])


def _apply_dashboard(gcloud: Gcloud) -> None:
    path = f"projects/{gcloud.project}/dashboards/{_DASHBOARD}"
    wanted = dashboard()
    listed = gcloud.read_or([], "monitoring", "dashboards", "list")
    found = next((d for d in listed if d["name"].endswith(f"/{_DASHBOARD}")), None)
    if found is None:
        content = f"--config={json.dumps(wanted | {'name': path})}"
        gcloud.change("dashboard: created", "monitoring", "dashboards", "create", content)
    elif not is_as(found, wanted):
        # The etag says which version is replaced; without it the change is refused.
        content = f"--config={json.dumps(wanted | {'name': path, 'etag': found['etag']})}"
        gcloud.change(
            "dashboard: updated", "monitoring", "dashboards", "update", _DASHBOARD, content
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

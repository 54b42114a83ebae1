"""What Cloud Run itself would log of requests whose address is a secret: kept out of the logs.

Every request is logged with its whole address; that of a link has its token, and that with which
Meta registers a webhook has the verify token.
https://cloud.google.com/logging/docs/routing/overview#exclusions
"""

from typing import Any

from deploy.functions import service_name
from deploy.gcloud import Gcloud

NAME = "order-pipeline-addresses"
_SERVICES = " OR ".join(f'"{service_name(f)}"' for f in ("manage_booking", "track_delivery"))
FILTER = (
    'resource.type="cloud_run_revision" AND log_id("run.googleapis.com/requests")'
    f" AND resource.labels.service_name=({_SERVICES})"
)
_SINKS = ("logging", "sinks")
_UPDATE = (*_SINKS, "update", "_Default")


def apply_exclusion(gcloud: Gcloud) -> None:
    """Make the exclusion, or put it right."""
    found = _found(gcloud)
    if found is None or found.get("filter") != FILTER or found.get("disabled"):
        verb = "add" if found is None else "update"
        enabled = "" if found is None else ",disabled="
        exclusion = f"--{verb}-exclusion=name={NAME},filter={FILTER}{enabled}"
        gcloud.change("addresses of links are not logged", *_UPDATE, exclusion)


def remove_exclusion(gcloud: Gcloud) -> None:
    """Delete the exclusion, if it is there."""
    if _found(gcloud) is not None:
        gcloud.change("no exclusion of logs", *_UPDATE, f"--remove-exclusions={NAME}")


def _found(gcloud: Gcloud) -> Any:
    sink = gcloud.read_or({}, *_SINKS, "describe", "_Default")
    ours = (each for each in sink.get("exclusions", []) if each["name"] == NAME)
    return next(ours, None)

"""The project itself: that we may work in it, the APIs that it needs, the accounts of ours."""

import shutil

from deploy.functions import accounts
from deploy.gcloud import Gcloud, GcloudError, in_parallel
from local.topology import Function
from shared.errors import PipelineError

APIS = (
    "artifactregistry.googleapis.com",
    "calendar-json.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "firestore.googleapis.com",
    "gmail.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
)


def number_of(gcloud: Gcloud) -> str:
    """Return the project's number. Raises PipelineError that says what to do."""
    if shutil.which("gcloud") is None:
        raise PipelineError("gcloud is not installed: https://cloud.google.com/sdk/docs/install")
    try:
        return str(gcloud.read("projects", "describe", gcloud.project)["projectNumber"])
    except GcloudError as error:
        raise PipelineError(
            f"cannot see the project {gcloud.project}. Log in with `gcloud auth login`; is that"
            f" its id, and are you its owner?\n{error}"
        ) from error


def apply_apis(gcloud: Gcloud) -> None:
    """Enable the APIs that are off."""
    listed = gcloud.read("services", "list", "--enabled")
    enabled = {found["config"]["name"] for found in listed}
    missing = [api for api in APIS if api not in enabled]
    if missing:
        gcloud.change(f"APIs {', '.join(missing)}", "services", "enable", *missing)


def apply_accounts(gcloud: Gcloud, functions: tuple[Function, ...]) -> None:
    """Create the service accounts that are not there."""
    listed = gcloud.read_or([], "iam", "service-accounts", "list")
    existing = {found["email"].partition("@")[0] for found in listed}
    missing = {
        name: purpose for name, purpose in accounts(functions).items() if name not in existing
    }
    in_parallel(lambda each: _create(gcloud, *each), missing.items())


def _create(gcloud: Gcloud, name: str, purpose: str) -> None:
    create = ("iam", "service-accounts", "create", name, f"--display-name={purpose}")
    gcloud.change(f"account {name}", *create)

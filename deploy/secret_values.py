"""Secrets: made where they are missing, a new version where the value is another one."""

import base64
from collections.abc import Mapping
from typing import Any

from deploy.functions import SECRETS, secret_id
from deploy.gcloud import Gcloud


def apply_secrets(gcloud: Gcloud, settings: Mapping[str, str]) -> dict[str, str]:
    """Store the values; return the version of each secret setting."""
    existing = {found["name"].rpartition("/")[2] for found in gcloud.read_or([], "secrets", "list")}
    versions = {}
    for variable in SECRETS:
        secret = secret_id(variable)
        if secret not in existing:
            gcloud.change(
                f"secret {secret}", "secrets", "create", secret, "--replication-policy=automatic"
            )
        latest = _latest(gcloud, secret) if secret in existing else None
        if latest is None or _value(latest) != settings[variable]:
            _add(gcloud, secret, settings[variable])
            latest = _latest(gcloud, secret)
        # Only in a dry run is there still none.
        versions[variable] = latest["name"].rpartition("/")[2] if latest else "1"
    return versions


def _latest(gcloud: Gcloud, secret: str) -> Any:
    return gcloud.read_or(None, "secrets", "versions", "access", "latest", f"--secret={secret}")


def _value(version: Any) -> str:
    return base64.urlsafe_b64decode(version["payload"]["data"]).decode()


def _add(gcloud: Gcloud, secret: str, value: str) -> None:
    # By standard input: what is on a command line can be seen by others.
    command = ("secrets", "versions", "add", secret, "--data-file=-")
    gcloud.change(f"new version of secret {secret}", *command, stdin=value)

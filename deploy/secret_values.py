"""Secrets: made where they are missing, a new version where the value is another one.

A value that is ours to make is made once and then known to Secret Manager alone.
"""

import base64
from collections.abc import Mapping
from typing import Any

from deploy.functions import MADE, SECRETS, functions, secret_id, secrets_of
from deploy.gcloud import Gcloud
from shared.errors import PipelineError

# Links of the message before last are older than anybody keeps one; a sealed account may wait
# for its transfer for as long as it likes.
_KEPT = {"LINKS_SECRETS": 1, "VAULT_KEYS": 9}


def needed(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secret settings that some deployed function reads."""
    read = {name for f in functions(settings) for name in secrets_of(f.name, settings)}
    return tuple(name for name in SECRETS if name in read)


def apply_secrets(gcloud: Gcloud, settings: Mapping[str, str]) -> dict[str, str]:
    """Store the values; return the version of each secret setting."""
    existing = {found["name"].rpartition("/")[2] for found in gcloud.read_or([], "secrets", "list")}
    versions = {}
    for variable in needed(settings):
        secret = secret_id(variable)
        if secret not in existing:
            gcloud.change(
                f"secret {secret}", "secrets", "create", secret, "--replication-policy=automatic"
            )
        latest = _latest(gcloud, secret) if secret in existing else None
        value = settings.get(variable) or (_value(latest) if latest else MADE[variable]())
        if latest is None or _value(latest) != value:
            _add(gcloud, secret, value)
            latest = _latest(gcloud, secret)
        # Only in a dry run is there still none.
        versions[variable] = latest["name"].rpartition("/")[2] if latest else "1"
    return versions


def rotate(gcloud: Gcloud, settings: Mapping[str, str], variable: str, *, leaked: bool) -> None:
    """Put a new key before those that there are, of which the latest go on being believed.

    ``leaked`` means that none of them may be. Raises PipelineError where the keys are not ours to
    change, or not there.
    """
    if variable in settings:
        raise PipelineError(f"{variable} is in the file: change it there and run ./deploy.sh")
    latest = _latest(gcloud, secret_id(variable))
    if latest is None:
        raise PipelineError(f"there is no {variable} yet: run ./deploy.sh")
    kept = [] if leaked else _value(latest).split(",")[: _KEPT[variable]]
    _add(gcloud, secret_id(variable), ",".join([MADE[variable](), *kept]))


def _latest(gcloud: Gcloud, secret: str) -> Any:
    return gcloud.read_or(None, "secrets", "versions", "access", "latest", f"--secret={secret}")


def _value(version: Any) -> str:
    return base64.urlsafe_b64decode(version["payload"]["data"]).decode()


def _add(gcloud: Gcloud, secret: str, value: str) -> None:
    # By standard input: what is on a command line can be seen by others.
    command = ("secrets", "versions", "add", secret, "--data-file=-")
    gcloud.change(f"new version of secret {secret}", *command, stdin=value)

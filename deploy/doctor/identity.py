"""Acting as one of the service accounts, so that a check is made with that account's grants."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.doctor.trouble import TroubleError

_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_URL = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"


@contextmanager
def acting_as(email: str) -> Iterator[None]:
    """Let Google's libraries be that account until the end of the block.

    Raises TroubleError without a login of the user's to start from.
    """
    before = os.environ.get(_VARIABLE)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(impersonation(email, _login(os.environ)), file)
        file.flush()
        os.environ[_VARIABLE] = file.name
        try:
            yield
        finally:
            del os.environ[_VARIABLE]
            if before is not None:
                os.environ[_VARIABLE] = before


def impersonation(email: str, login: Any) -> dict[str, Any]:
    """Return the credentials file of somebody who acts as a service account."""
    return {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": _URL.format(email),
        "source_credentials": login,
        "delegates": [],
    }


def _login(variables: Mapping[str, str]) -> Any:
    folder = Path(variables.get("CLOUDSDK_CONFIG", Path.home() / ".config" / "gcloud"))
    path = Path(variables.get(_VARIABLE, folder / "application_default_credentials.json"))
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TroubleError(
            f"there is no login in {path}", "Run `gcloud auth application-default login`."
        ) from error

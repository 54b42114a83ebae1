"""The Cloud Run services: deployed from staged folders, and only where something has changed."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.functions import (
    BASE_IMAGE,
    BUILDER,
    REGION,
    SERVICES,
    email,
    environment,
    secret_id,
    secrets_of,
    service_name,
)
from deploy.gcloud import Gcloud, in_parallel
from local.staging import stage

# What a service was deployed from: a digest of its folder and its configuration.
LABEL = "deployed-from"
_REPOSITORY = "cloud-run-source-deploy"


def apply_services(
    gcloud: Gcloud,
    functions: Iterable[str],
    settings: Mapping[str, str],
    versions: Mapping[str, str],
) -> None:
    """Deploy what is not deployed as it is here. ``versions``: secret setting to its version."""
    existing = _services(gcloud)
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        wanted = [_Deployment(gcloud, name, Path(folder), settings, versions) for name in functions]
        changed = [one for one in wanted if not one.is_live(existing.get(one.service))]
        if changed:
            _apply_repository(gcloud)
        in_parallel(_Deployment.run, changed)


def urls(gcloud: Gcloud, number: str, functions: Iterable[str]) -> dict[str, str]:
    """Return the URL of each function; of one that is not deployed, the one that it will have."""
    existing = _services(gcloud)
    return {
        name: existing[service_name(name)]["status"]["url"]
        if service_name(name) in existing
        else url_of(name, number)
        for name in functions
    }


def url_of(function: str, number: str) -> str:
    """Return the URL that a function of the project of that number has, deployed or not.

    Cloud Run may give it a second one with random letters in it, which only the service can tell.
    https://cloud.google.com/run/docs/triggering/https-request#deterministic
    """
    return f"https://{service_name(function)}-{number}.{REGION}.run.app"


def remove_others(gcloud: Gcloud, functions: Iterable[str]) -> None:
    """Delete what is deployed of functions of ours that are none of these."""
    existing, wanted = _services(gcloud), {service_name(name) for name in functions}
    for service in map(service_name, SERVICES):
        if service in existing and service not in wanted:
            delete = ("run", "services", "delete", service, f"--region={REGION}")
            gcloud.change(f"no service {service}", *delete)


def not_ready(gcloud: Gcloud, functions: Iterable[str]) -> list[str]:
    """Return those that are not deployed, or whose last deployment did not start."""
    existing = _services(gcloud)
    found = {name: existing.get(service_name(name)) for name in functions}
    return [name for name, service in found.items() if service is None or not _is_ready(service)]


def _is_ready(service: Any) -> bool:
    conditions = service["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _services(gcloud: Gcloud) -> dict[str, Any]:
    found = gcloud.read_or([], "run", "services", "list", f"--region={REGION}")
    return {service["metadata"]["name"]: service for service in found}


def _apply_repository(gcloud: Gcloud) -> None:
    """Make the place of the images, which deployments side by side would each try to make."""
    listed = gcloud.read_or([], "artifacts", "repositories", "list", f"--location={REGION}")
    if not any(found["name"].endswith(f"/{_REPOSITORY}") for found in listed):
        gcloud.change(
            "a place for the images",
            *("artifacts", "repositories", "create", _REPOSITORY, f"--location={REGION}"),
            "--repository-format=docker",
        )


class _Deployment:
    """One function, staged, and the options that it is deployed with."""

    def __init__(
        self,
        gcloud: Gcloud,
        function: str,
        folder: Path,
        settings: Mapping[str, str],
        versions: Mapping[str, str],
    ) -> None:
        self._gcloud = gcloud
        self._function = function
        self.service = service_name(function)
        self._source = stage(function, folder / function)
        self._variables = folder / f"{function}.json"
        self._variables.write_text(json.dumps(environment(function, settings)))
        self._options = self._chosen(settings, versions)
        self._digest = _digest(self._source, self._variables.read_text(), self._options)

    def is_live(self, found: Any) -> bool:
        """Return whether the service is there, ready, and deployed from the very same."""
        if found is None or not _is_ready(found):
            return False
        return bool(found["metadata"].get("labels", {}).get(LABEL) == self._digest)

    def run(self) -> None:
        """Build and deploy; takes two to three minutes."""
        self._gcloud.change(
            f"service {self.service}",
            *("run", "deploy", self.service, f"--region={REGION}"),
            *(f"--source={self._source}", f"--env-vars-file={self._variables}", *self._options),
            f"--labels={LABEL}={self._digest}",
        )
        shutil.rmtree(self._source)

    def _chosen(self, settings: Mapping[str, str], versions: Mapping[str, str]) -> list[str]:
        project, how = self._gcloud.project, SERVICES[self._function]
        builder = f"projects/{project}/serviceAccounts/{email(BUILDER, project)}"
        # A version rather than "latest": a change of a secret is a deployment like any other.
        read = secrets_of(self._function, settings)
        secrets = [f"{name}={secret_id(name)}:{versions[name]}" for name in read]
        return [
            f"--function={self._function}",
            f"--base-image={BASE_IMAGE}",
            "--allow-unauthenticated" if how.public else "--no-allow-unauthenticated",
            f"--service-account={email(self.service, project)}",
            f"--build-service-account={builder}",
            f"--set-secrets={','.join(secrets)}" if secrets else "--clear-secrets",
            f"--concurrency={how.concurrency}",
            f"--min-instances={how.min_instances}",
            f"--max-instances={how.max_instances}",
            f"--timeout={how.timeout.total_seconds():.0f}s",
            f"--memory={how.memory}",
            "--cpu=1",
            "--cpu-boost",
        ]


def _digest(folder: Path, *configuration: object) -> str:
    """Return 40 characters that change with any file or configuration."""
    digest = hashlib.sha256(json.dumps(configuration).encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest()[:40]

"""Cloud Run v1 with what a deployment from source needs: storage, images, builds."""

import base64
import hashlib
import io
import zipfile
from typing import Any

from tests.deploy.cloud.routes import Call, route
from tests.deploy.cloud.state import Cloud, CloudError, Json, not_found

SERVICES = "/apis/serving.knative.dev/v1/namespaces/{project}/services"
REPOSITORIES = "/v1/projects/{project}/locations/{region}/repositories"
REGION = "asia-southeast2"


@route("GET", SERVICES, api="run")
def list_services(cloud: Cloud, call: Call) -> Any:
    found = cloud.within(call.name("locations", REGION, "services"))
    return {"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "items": found}


@route("GET", f"{SERVICES}/{{service}}", api="run")
def get_service(cloud: Cloud, call: Call) -> Any:
    return cloud.get(_service(call, call.path["service"]))


@route("POST", SERVICES, api="run")
def create_service(cloud: Cloud, call: Call) -> Any:
    name = _service(call, call.body["metadata"]["name"])
    cloud.create(name, {})
    return _put(cloud, name, call.body)


@route("PUT", f"{SERVICES}/{{service}}", api="run")
def replace_service(cloud: Cloud, call: Call) -> Any:
    return _put(cloud, _service(call, call.path["service"]), call.body)


@route("DELETE", f"{SERVICES}/{{service}}", api="run")
def delete_service(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(_service(call, call.path["service"]))


def _service(call: Call, service: str) -> str:
    return call.name("locations", REGION, "services", service)


def _put(cloud: Cloud, name: str, wanted: Json) -> Json:
    _check(cloud, wanted["spec"]["template"]["spec"])
    service = wanted["metadata"]["name"]
    known = cloud.get(name).get("metadata", {"generation": 0})
    generation = known["generation"] + 1
    revision = f"{service}-{generation:05}-abc"
    ready = [
        {"type": kind, "status": "True"} for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
    ]
    wanted["metadata"] |= {
        "generation": generation,
        "resourceVersion": f"r{generation}",
        "uid": f"u-{service}",
    }
    wanted["status"] = {
        "observedGeneration": generation,
        "latestCreatedRevisionName": revision,
        "latestReadyRevisionName": revision,
        "conditions": ready,
        "url": f"https://{service}-k7x-et.a.run.invalid",
        "traffic": [{"revisionName": revision, "percent": 100, "latestRevision": True}],
    }
    cloud.resources[name] = wanted
    return wanted


def _check(cloud: Cloud, spec: Json) -> None:
    """Refuse what Cloud Run refuses: an account that is not there or may not read a secret."""
    email = spec["serviceAccountName"]
    cloud.get(cloud.account(email))
    role, member = "roles/secretmanager.secretAccessor", f"serviceAccount:{email}"
    for variable in spec["containers"][0]["env"]:
        key = variable.get("valueFrom", {}).get("secretKeyRef")
        if key is None:
            continue
        secret = f"projects/{cloud.project}/secrets/{key['name']}"
        cloud.get(f"{secret}/versions/{key['key']}")
        if not cloud.has(secret, role, member):
            raise CloudError(403, "PERMISSION_DENIED", f"Permission denied on secret: {secret}")


@route("GET", f"{REPOSITORIES}/{{repository}}", api="artifactregistry")
def get_repository(cloud: Cloud, call: Call) -> Any:
    path = call.path
    return cloud.get(call.name("locations", path["region"], "repositories", path["repository"]))


@route("GET", REPOSITORIES, api="artifactregistry")
def list_repositories(cloud: Cloud, call: Call) -> Any:
    collection = call.name("locations", call.path["region"], "repositories")
    return {"repositories": cloud.within(collection)}


@route("POST", REPOSITORIES, api="artifactregistry")
def create_repository(cloud: Cloud, call: Call) -> Any:
    collection = call.name("locations", call.path["region"], "repositories")
    repository = cloud.create(f"{collection}/{call.query['repositoryId']}", call.body)
    return _operation(call, "repository", repository)


@route("GET", "/v1/projects/{project}/locations/{region}/operations/repository")
def get_repository_operation(cloud: Cloud, call: Call) -> Any:
    return _operation(call, "repository", list_repositories(cloud, call)["repositories"][0])


@route("GET", "/storage/v1/b")
def list_buckets(cloud: Cloud, call: Call) -> Any:
    return {"items": cloud.within("buckets")}


@route("GET", "/storage/v1/b/{bucket}")
def get_bucket(cloud: Cloud, call: Call) -> Any:
    return cloud.get(f"buckets/{call.path['bucket']}")


@route("POST", "/storage/v1/b")
def create_bucket(cloud: Cloud, call: Call) -> Any:
    name = call.body["name"]
    bucket = cloud.create(f"buckets/{name}", {**call.body, "id": name})
    bucket["name"] = name
    return bucket


@route("POST", "/upload/storage/v1/b/{bucket}/o", changes=False)
@route("POST", "/resumable/upload/storage/v1/b/{bucket}/o", changes=False)
def upload(cloud: Cloud, call: Call) -> Any:
    if f"buckets/{call.path['bucket']}" not in cloud.resources:
        raise not_found(call.path["bucket"])
    content = _media(call.raw)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"main.py", "requirements.txt"} <= set(archive.namelist())
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return {
        "bucket": call.path["bucket"],
        "name": "source.zip",
        "generation": "1",
        "size": str(len(content)),
        "md5Hash": md5,
    }


def _media(body: bytes) -> bytes:
    """Return the second part of a multipart upload; the first is a description of it."""
    boundary = body.partition(b"\n")[0].strip()
    _, _, part = body.split(boundary)[2].partition(b"\n\n")
    return part.removesuffix(b"\n")


@route("POST", "/v2/projects/{project}/locations/{region}/builds:submit", api="run", changes=False)
def submit_build(cloud: Cloud, call: Call) -> Any:
    account = call.body["serviceAccount"].rpartition("/")[2]
    member = f"serviceAccount:{account}"
    if not cloud.has(f"projects/{cloud.project}", "roles/run.builder", member):
        raise CloudError(403, "PERMISSION_DENIED", f"{account} may not build")
    assert call.body["buildpackBuild"]["functionTarget"]
    metadata = {
        "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata",
        "build": {**_build(call), "status": "WORKING"},
    }
    return {"buildOperation": {"name": "operations/build", "metadata": metadata}}


@route("GET", "/v1/projects/{project}/locations/{region}/operations/build", api="cloudbuild")
def get_build_operation(cloud: Cloud, call: Call) -> Any:
    digest = {"name": "image", "digest": f"sha256:{'0' * 64}"}
    build = {**_build(call), "status": "SUCCESS", "results": {"images": [digest]}}
    return _operation(call, "build", build)


def _build(call: Call) -> Json:
    name = call.name("locations", call.path["region"], "builds", "build")
    return {
        "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.Build",
        "name": name,
        "id": "build",
        "projectId": call.path["project"],
        "logUrl": "https://console.cloud.google.com/cloud-build/builds/build",
    }


def _operation(call: Call, operation: str, response: Json) -> Json:
    name = call.name("locations", call.path["region"], "operations", operation)
    return {"name": name, "done": True, "response": response}

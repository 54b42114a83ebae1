"""The project itself, its enabled APIs, its secrets and its cron jobs."""

from typing import Any

from tests.deploy.cloud.routes import Call, route
from tests.deploy.cloud.state import Cloud, CloudError, not_found

JOBS = "/v1/projects/{project}/locations/{region}/jobs"


@route("GET", "/v1/projects/{project}")
def get_project(cloud: Cloud, call: Call) -> Any:
    if call.path["project"] != cloud.project:
        raise CloudError(403, "PERMISSION_DENIED", "The caller does not have permission")
    return {
        "projectId": cloud.project,
        "projectNumber": cloud.number,
        "lifecycleState": "ACTIVE",
    }


@route("GET", "/v1/projects/{project}/services")
def list_apis(cloud: Cloud, call: Call) -> Any:
    enabled = [{"config": {"name": api}, "state": "ENABLED"} for api in sorted(cloud.apis)]
    return {"services": enabled}


@route("GET", "/v1/projects/{project}/services/{api}")
def get_api(cloud: Cloud, call: Call) -> Any:
    state = "ENABLED" if call.path["api"] in cloud.apis else "DISABLED"
    return {"name": call.path["api"], "state": state}


@route("POST", "/v1/projects/{project}/services:batchEnable")
def enable_apis(cloud: Cloud, call: Call) -> Any:
    cloud.apis.update(call.body["serviceIds"])
    return {"name": "operations/enable", "done": True, "response": {}}


@route("GET", "/v1/projects/{project}/secrets", api="secretmanager")
def list_secrets(cloud: Cloud, call: Call) -> Any:
    return {"secrets": cloud.within(call.name("secrets"))}


@route("POST", "/v1/projects/{project}/secrets", api="secretmanager")
def create_secret(cloud: Cloud, call: Call) -> Any:
    return cloud.create(call.name("secrets", call.query["secretId"]), call.body)


@route("DELETE", "/v1/projects/{project}/secrets/{secret}", api="secretmanager")
def delete_secret(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("secrets", call.path["secret"]))


@route("POST", "/v1/projects/{project}/secrets/{secret}:addVersion", api="secretmanager")
def add_version(cloud: Cloud, call: Call) -> Any:
    secret = call.name("secrets", call.path["secret"])
    cloud.get(secret)
    number = len(list(cloud.names(f"{secret}/versions"))) + 1
    content = {**call.body, "clientSpecifiedPayloadChecksum": True, "state": "ENABLED"}
    return cloud.create(f"{secret}/versions/{number}", content)


@route("GET", "/v1/projects/{project}/secrets/{secret}/versions", api="secretmanager")
def list_versions(cloud: Cloud, call: Call) -> Any:
    versions = cloud.within(call.name("secrets", call.path["secret"], "versions"))
    return {"versions": [{"name": v["name"], "state": v["state"]} for v in versions]}


@route("GET", "/v1/projects/{project}/secrets/{secret}/versions/latest:access", api="secretmanager")
def access_version(cloud: Cloud, call: Call) -> Any:
    versions = cloud.within(call.name("secrets", call.path["secret"], "versions"))
    if not versions:
        raise not_found("versions/latest")
    return {"name": versions[-1]["name"], "payload": versions[-1]["payload"]}


@route("GET", JOBS, api="cloudscheduler")
def list_jobs(cloud: Cloud, call: Call) -> Any:
    return {"jobs": cloud.within(call.name("locations", call.path["region"], "jobs"))}


@route("POST", JOBS, api="cloudscheduler")
def create_job(cloud: Cloud, call: Call) -> Any:
    cloud.get(cloud.account(call.body["httpTarget"]["oidcToken"]["serviceAccountEmail"]))
    return cloud.create(call.body["name"], {**call.body, "state": "ENABLED"})


@route("PATCH", f"{JOBS}/{{job}}", api="cloudscheduler")
def update_job(cloud: Cloud, call: Call) -> Any:
    job = cloud.get(call.name("locations", call.path["region"], "jobs", call.path["job"]))
    job.update(call.body)
    return job


@route("DELETE", f"{JOBS}/{{job}}", api="cloudscheduler")
def delete_job(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("locations", call.path["region"], "jobs", call.path["job"]))

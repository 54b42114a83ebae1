"""Policies, service accounts and service agents: IAM v1, and the policies of every product."""

from typing import Any

from tests.deploy.cloud.routes import Call, Handler, route
from tests.deploy.cloud.state import Cloud, not_found

PUBSUB_AGENT = "gcp-sa-pubsub.iam.gserviceaccount.com"


@route("GET", "/v1/projects/{project}/serviceAccounts", api="iam")
def list_accounts(cloud: Cloud, call: Call) -> Any:
    return {"accounts": cloud.within(call.name("serviceAccounts"))}


@route("POST", "/v1/projects/{project}/serviceAccounts", api="iam")
def create_account(cloud: Cloud, call: Call) -> Any:
    email = f"{call.body['accountId']}@{cloud.project}.iam.gserviceaccount.com"
    # The number by which the Workspace's admin console knows it.
    content = {**call.body["serviceAccount"], "email": email, "uniqueId": f"1{len(email):020}"}
    return cloud.create(cloud.account(email), content)


@route("GET", "/v1/projects/-/serviceAccounts/{email}", api="iam")
def get_account(cloud: Cloud, call: Call) -> Any:
    return cloud.get(cloud.account(call.path["email"]))


@route("DELETE", "/v1/projects/-/serviceAccounts/{email}", api="iam")
def delete_account(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(cloud.account(call.path["email"]))


@route("POST", "/v1beta1/projects/{project}/services/{api}:generateServiceIdentity")
def create_agent(cloud: Cloud, call: Call) -> Any:
    assert call.path["api"] == "pubsub.googleapis.com"
    email = f"service-{cloud.number}@{PUBSUB_AGENT}"
    cloud.agents.add(email)
    return {"name": "operations/agent", "done": True, "response": {"email": email}}


def _policy_of(template: str) -> tuple[Handler, Handler]:
    def name(cloud: Cloud, call: Call) -> str:
        known = template.format(**{**call.path, "project": cloud.project})
        if known != f"projects/{cloud.project}" and known not in cloud.resources:
            raise not_found(known)
        return known

    def read(cloud: Cloud, call: Call) -> Any:
        return cloud.policy(name(cloud, call))

    def write(cloud: Cloud, call: Call) -> Any:
        return cloud.set_policy(name(cloud, call), call.body["policy"])

    return read, write


# (how policies are read, path, API)
_POLICIES = (
    ("POST", "projects/{project}", ""),
    ("POST", "projects/-/serviceAccounts/{email}", "iam"),
    ("GET", "projects/{project}/topics/{topic}", "pubsub"),
    ("GET", "projects/{project}/subscriptions/{subscription}", "pubsub"),
    ("GET", "projects/{project}/secrets/{secret}", "secretmanager"),
    ("GET", "projects/{project}/locations/{region}/services/{service}", "run"),
)
for _method, _path, _api in _POLICIES:
    _read, _write = _policy_of(_path.replace("/-/", "/{project}/"))
    route(_method, f"/v1/{_path}:getIamPolicy", api=_api, changes=False)(_read)
    route("POST", f"/v1/{_path}:setIamPolicy", api=_api)(_write)

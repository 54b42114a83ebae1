"""Pub/Sub v1 and the administration of Firestore v1."""

from typing import Any

from tests.deploy.cloud.routes import Call, route
from tests.deploy.cloud.state import Cloud, Json, invalid

DATABASES = "/v1/projects/{project}/databases"
GROUPS = f"{DATABASES}/{{database}}/collectionGroups"


@route("GET", "/v1/projects/{project}/topics", api="pubsub")
def list_topics(cloud: Cloud, call: Call) -> Any:
    return {"topics": cloud.within(call.name("topics"))}


@route("PUT", "/v1/projects/{project}/topics/{topic}", api="pubsub")
def create_topic(cloud: Cloud, call: Call) -> Any:
    return cloud.create(call.name("topics", call.path["topic"]), call.body)


@route("DELETE", "/v1/projects/{project}/topics/{topic}", api="pubsub")
def delete_topic(cloud: Cloud, call: Call) -> Any:
    name = call.name("topics", call.path["topic"])
    for subscription in cloud.within(call.name("subscriptions")):
        if subscription["topic"] == name:
            subscription["topic"] = "_deleted-topic_"
    return cloud.delete(name)


@route("GET", "/v1/projects/{project}/subscriptions", api="pubsub")
def list_subscriptions(cloud: Cloud, call: Call) -> Any:
    return {"subscriptions": cloud.within(call.name("subscriptions"))}


@route("PUT", "/v1/projects/{project}/subscriptions/{subscription}", api="pubsub")
def create_subscription(cloud: Cloud, call: Call) -> Any:
    cloud.get(call.body["topic"])
    _check_subscription(cloud, call.body)
    return cloud.create(call.name("subscriptions", call.path["subscription"]), call.body)


@route("PATCH", "/v1/projects/{project}/subscriptions/{subscription}", api="pubsub")
def update_subscription(cloud: Cloud, call: Call) -> Any:
    known = cloud.get(call.name("subscriptions", call.path["subscription"]))
    wanted, fields = call.body["subscription"], call.body["updateMask"].split(",")
    _check_subscription(cloud, wanted)
    for field in fields:
        known.pop(field, None)
        if field in wanted:
            known[field] = wanted[field]
    return known


@route("DELETE", "/v1/projects/{project}/subscriptions/{subscription}", api="pubsub")
def delete_subscription(cloud: Cloud, call: Call) -> Any:
    return cloud.delete(call.name("subscriptions", call.path["subscription"]))


def _check_subscription(cloud: Cloud, wanted: Json) -> None:
    if "deadLetterPolicy" in wanted:
        cloud.get(wanted["deadLetterPolicy"]["deadLetterTopic"])
    if "pushConfig" in wanted:
        cloud.get(cloud.account(wanted["pushConfig"]["oidcToken"]["serviceAccountEmail"]))


@route("GET", DATABASES, api="firestore")
def list_databases(cloud: Cloud, call: Call) -> Any:
    return {"databases": cloud.within(call.name("databases"))}


@route("POST", DATABASES, api="firestore")
def create_database(cloud: Cloud, call: Call) -> Any:
    name = call.name("databases", call.query["databaseId"])
    return _done(cloud, cloud.create(name, call.body))


@route("PATCH", f"{DATABASES}/{{database}}", api="firestore")
def update_database(cloud: Cloud, call: Call) -> Any:
    known = cloud.get(call.name("databases", call.path["database"]))
    known.update(call.body)
    return _done(cloud, known)


@route("DELETE", f"{DATABASES}/{{database}}", api="firestore")
def delete_database(cloud: Cloud, call: Call) -> Any:
    name = call.name("databases", call.path["database"])
    if cloud.get(name)["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED":
        raise invalid("Database has delete protection enabled.")
    return _done(cloud, cloud.delete(name))


@route("GET", f"{GROUPS}/-/indexes", api="firestore")
def list_indexes(cloud: Cloud, call: Call) -> Any:
    return {"indexes": _below(cloud, call, "indexes")}


@route("POST", f"{GROUPS}/{{group}}/indexes", api="firestore")
def create_index(cloud: Cloud, call: Call) -> Any:
    group = _group(call, call.path["group"])
    number = len(list(cloud.names(f"{group}/indexes"))) + 1
    # Firestore adds the document's name to what was asked for.
    fields = [*call.body["fields"], {"fieldPath": "__name__", "order": "ASCENDING"}]
    content = {**call.body, "fields": fields, "state": "READY"}
    return _done(cloud, cloud.create(f"{group}/indexes/CICAgO{number}", content))


@route("GET", f"{GROUPS}/-/fields", api="firestore")
def list_fields(cloud: Cloud, call: Call) -> Any:
    wanted = "indexConfig" if "indexConfig" in call.query["filter"] else "ttlConfig"
    return {"fields": [field for field in _below(cloud, call, "fields") if wanted in field]}


@route("GET", f"{GROUPS}/{{group}}/fields/{{field}}", api="firestore")
def get_field(cloud: Cloud, call: Call) -> Any:
    return cloud.get(f"{_group(call, call.path['group'])}/fields/{call.path['field']}")


@route("PATCH", f"{GROUPS}/{{group}}/fields/{{field}}", api="firestore")
def update_field(cloud: Cloud, call: Call) -> Any:
    cloud.get(call.name("databases", call.path["database"]))
    name = f"{_group(call, call.path['group'])}/fields/{call.path['field']}"
    known = cloud.resources.setdefault(name, {"name": name})
    mask = call.query["updateMask"]
    known[mask] = {"state": "ACTIVE"} if mask == "ttlConfig" else call.body.get(mask, {})
    return _done(cloud, known)


@route("GET", f"{DATABASES}/{{database}}/operations/{{operation}}", api="firestore")
def get_operation(cloud: Cloud, call: Call) -> Any:
    path = call.path
    return cloud.get(call.name("databases", path["database"], "operations", path["operation"]))


def _group(call: Call, group: str) -> str:
    return call.name("databases", call.path["database"], "collectionGroups", group)


def _below(cloud: Cloud, call: Call, kind: str) -> list[Json]:
    prefix = f"{_group(call, '')}"
    return [
        resource
        for name, resource in sorted(cloud.resources.items())
        if name.startswith(prefix) and name.split("/")[-2] == kind
    ]


def _done(cloud: Cloud, response: Json) -> Json:
    number = sum("/operations/" in name for name in cloud.resources) + 1
    name = f"projects/{cloud.project}/databases/(default)/operations/o{number}"
    metadata = {
        "@type": "type.googleapis.com/google.firestore.admin.v1.IndexOperationMetadata",
        "state": "SUCCESSFUL",
    }
    done = {"name": name, "done": True, "metadata": metadata, "response": response}
    cloud.resources[name] = done
    return cloud.resources[name]

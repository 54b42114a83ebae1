"""The AsyncAPI document of the pipeline: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from collections.abc import Sequence

from local.contracts.samples import Contract, JsonObject
from local.contracts.schemas import components, summary
from shared import messages

_SCHEMAS = "#/components/schemas/{name}"
# The same in every message of a type, so that a subscription can filter on them.
_CONSTANT = ("Content-Type", "ce-specversion", "ce-source", "ce-type")

_ATTRIBUTES = {
    "Content-Type": "The data is JSON.",
    "ce-specversion": "The version of CloudEvents.",
    "ce-id": "Of the fact: the same when it is said again, so readers can tell a repetition.",
    "ce-source": "Who says it.",
    "ce-type": "The type with its version. It decides how the data is read.",
    "ce-time": "When it was published, in RFC 3339.",
    "ce-correlationid": "The order id.",
    "ce-traceparent": "The trace that it belongs to, as in W3C Trace Context.",
}

_WEB_APP_SENDS = (
    "The web app sends it. The same order said twice is harmless; the same `order_id` with other "
    "content is refused and kept with the reason."
)
_INTRODUCTION = (
    "What the web app publishes to the order pipeline, and the facts that the pipeline publishes. "
    "A message comes at least once, in no certain order. Readers ignore fields and attributes "
    f"that they do not know. Data is at most {messages.MAX_DATA_BYTES // 1024} KiB."
)


_GOOGLE_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "An OAuth 2.0 access token of a service account. Publishing needs the role "
        "`roles/pubsub.publisher` on the topic, reading `roles/pubsub.subscriber` on the "
        "subscription."
    ),
}

_SERVERS = {
    "production": {
        "host": "pubsub.googleapis.com",
        "pathname": "/v1/projects/{project}/topics",
        "protocol": "googlepubsub",
        "description": "Google Cloud Pub/Sub. A channel's address is the id of a topic.",
        "variables": {"project": {"description": "The Google Cloud project of the pipeline."}},
        "security": [{"$ref": "#/components/securitySchemes/google"}],
    },
    "emulator": {
        "host": "{address}",
        "pathname": "/v1/projects/{project}/topics",
        "protocol": "googlepubsub",
        "description": "Google's emulator, for development. It asks for no credentials.",
        "variables": {
            "address": {
                "description": "What PUBSUB_EMULATOR_HOST says.",
                "default": "127.0.0.1:8085",
            },
            "project": {"description": "The project that the local world was started with."},
        },
    },
}


def document(contracts: Sequence[Contract], version: str) -> JsonObject:
    """Return the AsyncAPI document, as the pipeline sees it: it receives what the web app sends."""
    return {
        "asyncapi": "3.0.0",
        "id": messages.SOURCE,
        "info": {
            "title": "Mentoring order pipeline",
            "version": version,
            "description": _INTRODUCTION,
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {c.kind.topic: _channel(c.kind.topic, contracts) for c in contracts},
        "operations": {f"{_action(c)}{c.kind.__name__}": _operation(c) for c in contracts},
        "components": {
            "messages": {c.name: _message(c) for c in contracts},
            "schemas": components([c.kind for c in contracts], _SCHEMAS),
            "securitySchemes": {"google": _GOOGLE_TOKEN},
        },
    }


def _channel(topic: str, contracts: Sequence[Contract]) -> JsonObject:
    # Without a Pub/Sub binding: AsyncAPI's schema of it demands the name of a Pub/Sub schema, and
    # the topics have none, since Pub/Sub checks Avro and Protocol Buffers only.
    return {
        "address": topic,
        "title": topic,
        "messages": {
            c.name: {"$ref": f"#/components/messages/{c.name}"}
            for c in contracts
            if c.kind.topic == topic
        },
    }


def _operation(contract: Contract) -> JsonObject:
    channel = f"#/channels/{contract.kind.topic}"
    return {
        "action": _action(contract),
        "title": contract.kind.topic,
        "summary": _WEB_APP_SENDS if contract.by_web_app else "The pipeline sends it.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{contract.name}"}],
    }


def _message(contract: Contract) -> JsonObject:
    return {
        "name": messages.event_type(contract.kind),
        "title": f"{contract.kind.topic}, version {contract.kind.version}",
        "summary": summary(contract.kind.__doc__ or ""),
        "contentType": "application/json",
        "payload": {"$ref": _SCHEMAS.format(name=contract.kind.__name__)},
        "correlationId": {"description": "The order id.", "location": "$message.payload#/order_id"},
        **(_attributes_read(contract) if contract.by_web_app else _attributes_sent(contract)),
    }


def _attributes_read(contract: Contract) -> JsonObject:
    """Return what the web app may say in attributes, and the example without any."""
    return {
        "headers": {
            "type": "object",
            "description": "All optional: plain JSON is enough.",
            "properties": {
                "ce-type": _attribute("ce-type", messages.event_type(contract.kind)),
                "ce-traceparent": _attribute("ce-traceparent"),
            },
        },
        "examples": [{"name": contract.name, "payload": contract.example}],
    }


def _attributes_sent(contract: Contract) -> JsonObject:
    """Return the attributes that the pipeline sets, and the example with them."""
    values = contract.attributes
    constant = {name: values[name] for name in _CONSTANT}
    return {
        "headers": {
            "type": "object",
            "properties": {name: _attribute(name, constant.get(name)) for name in values},
            "required": list(values),
        },
        "bindings": {"googlepubsub": {"attributes": constant, "bindingVersion": "0.2.0"}},
        "examples": [{"name": contract.name, "headers": values, "payload": contract.example}],
    }


def _attribute(name: str, value: str | None = None) -> JsonObject:
    rule = {"type": "string", "description": _ATTRIBUTES[name]}
    return rule if value is None else {**rule, "const": value}


def _action(contract: Contract) -> str:
    return "receive" if contract.by_web_app else "send"

"""Who may do what, and why: every grant, as docs/deploying.md shows it and deploy.sh makes it."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from deploy.functions import (
    BUILDER,
    CHOICES,
    ORDER_PUBLISHER,
    SECRETS,
    SERVICES,
    caller_name,
    email,
    functions,
    is_called,
    secret_id,
    secrets_of,
    sections,
    service_name,
)
from local.topology import DEAD_LETTER_SUFFIX, Function
from shared.domain.events import OrderCreated
from shared.settings import GoogleSettings


class Kind(StrEnum):
    """What a grant is on. Each has a policy of its own."""

    PROJECT = "project"
    TOPIC = "topic"
    SUBSCRIPTION = "subscription"
    SECRET = "secret"  # noqa: S105 - the word, not one
    SERVICE = "service"
    ACCOUNT = "account"


EVERYONE = "allUsers"
AGENT = "Pub/Sub's agent"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One role for one member on one resource. ``who`` is an account, AGENT or EVERYONE."""

    who: str
    role: str
    kind: Kind
    on: str
    why: str

    def member(self, project: str, number: str) -> str:
        """Return the member as policies write it."""
        if self.who == EVERYONE:
            return EVERYONE
        if self.who == AGENT:
            return f"serviceAccount:{agent_email(number)}"
        return f"serviceAccount:{email(self.who, project)}"


def agent_email(number: str) -> str:
    """Return the account as which Pub/Sub itself acts in the project of that number."""
    return f"service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"


def all_grants(given: Mapping[str, str]) -> tuple[Grant, ...]:
    """Return every grant of a deployment with these settings."""
    return tuple(_all(given))


def possible_grants() -> tuple[Grant, ...]:
    """Return every grant that some deployment has: where one that is not wanted may still be."""
    return tuple(grant for with_choice in _SITUATIONS for grant in all_grants(with_choice))


# Settings as they matter to grants: no choice made, and each choice. All secrets are there.
_BASE = dict.fromkeys(SECRETS, "…")
_SITUATIONS = (_BASE, *(_BASE | {name: value} for name, value in CHOICES))


def _all(given: Mapping[str, str]) -> Iterator[Grant]:
    deployed = functions(given)
    for function in deployed:
        yield from _of_function(function, given)
    for function in deployed:
        yield from _of_callers(function)
    yield from _of_agent(deployed)
    yield Grant(
        who=ORDER_PUBLISHER,
        role="roles/pubsub.publisher",
        kind=Kind.TOPIC,
        on=OrderCreated.topic,
        why="the web app's way in",
    )
    yield Grant(
        who=BUILDER,
        role="roles/run.builder",
        kind=Kind.PROJECT,
        on="",
        why="builds the images, so that the default account needs nothing",
    )


def _of_function(function: Function, given: Mapping[str, str]) -> Iterator[Grant]:
    me = service_name(function.name)
    yield Grant(
        who=me,
        role="roles/datastore.user",
        kind=Kind.PROJECT,
        on="",
        why="reads and writes orders; Firestore has no grants by collection",
    )
    yield Grant(
        who=me,
        role="roles/telemetry.tracesWriter",
        kind=Kind.PROJECT,
        on="",
        why="writes its spans to Cloud Trace",
    )
    for event in function.says:
        yield Grant(
            who=me,
            role="roles/pubsub.publisher",
            kind=Kind.TOPIC,
            on=event.topic,
            why="says what it did",
        )
    for secret in secrets_of(function.name, given):
        yield Grant(
            who=me,
            role="roles/secretmanager.secretAccessor",
            kind=Kind.SECRET,
            on=secret_id(secret),
            why=f"reads `{secret}`",
        )
    if GoogleSettings in sections(function.name, given):
        yield Grant(
            who=me,
            role="roles/iam.serviceAccountTokenCreator",
            kind=Kind.ACCOUNT,
            on=me,
            why="signs for the Workspace user without a key file",
        )


def _of_callers(function: Function) -> Iterator[Grant]:
    callers = [caller_name(function.name)] if is_called(function) else []
    if SERVICES[function.name].public:
        callers.append(EVERYONE)
    for who in callers:
        yield Grant(
            who=who,
            role="roles/run.invoker",
            kind=Kind.SERVICE,
            on=service_name(function.name),
            why=SERVICES[function.name].public if who == EVERYONE else "calls it",
        )


def _of_agent(deployed: tuple[Function, ...]) -> Iterator[Grant]:
    for function in deployed:
        if function.topics:
            yield Grant(
                who=AGENT,
                role="roles/iam.serviceAccountTokenCreator",
                kind=Kind.ACCOUNT,
                on=caller_name(function.name),
                why="makes the token that a push carries",
            )
        for subscription in function.dead_lettered():
            yield Grant(
                who=AGENT,
                role="roles/pubsub.publisher",
                kind=Kind.TOPIC,
                on=f"{subscription}{DEAD_LETTER_SUFFIX}",
                why="moves there what was given up",
            )
            yield Grant(
                who=AGENT,
                role="roles/pubsub.subscriber",
                kind=Kind.SUBSCRIPTION,
                on=subscription,
                why="takes out what was given up",
            )


def guide() -> str:
    """Return all grants as Markdown: without any choice, and what each choice changes."""
    base = all_grants(_BASE)
    parts = [table(base)]
    for (name, value), given in zip(CHOICES, _SITUATIONS[1:], strict=True):
        chosen = all_grants(given)
        more = [grant for grant in chosen if grant not in base]
        less = [grant for grant in base if grant not in chosen]
        parts.append(f"With `{name}={value}` also:\n\n{table(more)}")
        if less:
            parts.append(f"and no more:\n\n{table(less)}")
    return "\n\n".join(parts)


def table(grants: Iterable[Grant]) -> str:
    """Return the grants as a Markdown table, one line for each who, role, kind and why."""
    merged: dict[tuple[str, str, Kind, str], list[str]] = {}
    for grant in grants:
        merged.setdefault((grant.who, grant.role, grant.kind, grant.why), []).append(grant.on)
    lines = [
        f"| {who} | `{role.removeprefix('roles/')}` | {_place(kind, names)} | {why} |"
        for (who, role, kind, why), names in merged.items()
    ]
    return "\n".join(["| who | may | on | why |", "|---|---|---|---|", *lines])


def _place(kind: Kind, names: Iterable[str]) -> str:
    return " ".join([str(kind), ", ".join(f"`{name}`" for name in names if name)]).strip()

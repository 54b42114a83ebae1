"""Topics, the push subscriptions on them, and the jobs of the scheduler."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from deploy.functions import REGION, SERVICES, caller_name, email, service_name
from deploy.gcloud import Gcloud, in_parallel
from local.topology import DEAD_LETTER_SUFFIX, Function
from shared.domain.events import TOPICS

SHORTEST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(seconds=600)
# With these pauses about six hours: a burst of orders above Xendit's rate limit waits that long,
# and so does everything while a vendor is down.
MAX_ATTEMPTS = 40
RETENTION = timedelta(days=7)
# That of the schedules in local/topology.py.
_SCHEDULES_IN = "Etc/UTC"
_JOB_RETRY_PAUSE = timedelta(seconds=60)


def all_topics(functions: tuple[Function, ...]) -> tuple[str, ...]:
    """Return every topic: of the events, and of dead letters."""
    given_up = (name for f in functions for name in f.dead_lettered())
    return (*TOPICS, *(f"{name}{DEAD_LETTER_SUFFIX}" for name in given_up))


def apply_topics(gcloud: Gcloud, functions: tuple[Function, ...]) -> None:
    """Create the topics that are not there."""
    existing = {
        topic["name"].rpartition("/")[2] for topic in gcloud.read_or([], "pubsub", "topics", "list")
    }
    missing = [topic for topic in all_topics(functions) if topic not in existing]
    if missing:
        gcloud.change(f"topics {', '.join(missing)}", "pubsub", "topics", "create", *missing)


def apply_subscriptions(
    gcloud: Gcloud, functions: tuple[Function, ...], urls: Mapping[str, str]
) -> None:
    """Make each subscription push to its function as it should. ``urls``: function to URL."""
    listed = gcloud.read_or([], "pubsub", "subscriptions", "list")
    existing = {found["name"].rpartition("/")[2]: found for found in listed}
    wanted = [
        (name, _wanted(gcloud.project, function, name, topic, urls[function.name]))
        for function in functions
        for name, topic in function.subscriptions().items()
    ]
    in_parallel(lambda each: _put(gcloud, *each, existing.get(each[0])), wanted)


def _wanted(project: str, function: Function, name: str, topic: str, url: str) -> dict[str, Any]:
    """Return the subscription as the API would describe it."""
    token = {"serviceAccountEmail": email(caller_name(function.name), project), "audience": url}
    wanted: dict[str, Any] = {
        "topic": f"projects/{project}/topics/{topic}",
        "pushConfig": {"pushEndpoint": url, "oidcToken": token},
        "ackDeadlineSeconds": int(SERVICES[function.name].timeout.total_seconds()),
        "retryPolicy": {
            "minimumBackoff": _seconds(SHORTEST_PAUSE),
            "maximumBackoff": _seconds(LONGEST_PAUSE),
        },
        "messageRetentionDuration": _seconds(RETENTION),
    }
    if name in function.dead_lettered():
        wanted["deadLetterPolicy"] = {
            "deadLetterTopic": f"projects/{project}/topics/{name}{DEAD_LETTER_SUFFIX}",
            "maxDeliveryAttempts": MAX_ATTEMPTS,
        }
    return wanted


def _put(gcloud: Gcloud, name: str, wanted: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is not None and found["topic"] != wanted["topic"]:
        # Its topic was deleted once, and it would never get a message again.
        gcloud.change(f"no subscription {name}", "pubsub", "subscriptions", "delete", name)
        found = None
    if found is None:
        topic = f"--topic={wanted['topic']}"
        _change(gcloud, "create", name, topic, *_options(wanted))
    elif not _as_wanted(wanted, found) or "ttl" in found.get("expirationPolicy", {}):
        _change(gcloud, "update", name, *_options(wanted))


def _change(gcloud: Gcloud, verb: str, name: str, *options: str) -> None:
    gcloud.change(f"subscription {name}: {verb}d", "pubsub", "subscriptions", verb, name, *options)


def _options(wanted: Mapping[str, Any]) -> list[str]:
    # All of them every time: a retry flag that an update leaves out goes back to its default.
    push, retry = wanted["pushConfig"], wanted["retryPolicy"]
    options = [
        f"--push-endpoint={push['pushEndpoint']}",
        f"--push-auth-service-account={push['oidcToken']['serviceAccountEmail']}",
        f"--push-auth-token-audience={push['oidcToken']['audience']}",
        f"--ack-deadline={wanted['ackDeadlineSeconds']}",
        f"--min-retry-delay={retry['minimumBackoff']}",
        f"--max-retry-delay={retry['maximumBackoff']}",
        f"--message-retention-duration={wanted['messageRetentionDuration']}",
        "--expiration-period=never",
    ]
    if "deadLetterPolicy" in wanted:
        dead = wanted["deadLetterPolicy"]
        options.append(f"--dead-letter-topic={dead['deadLetterTopic']}")
        options.append(f"--max-delivery-attempts={dead['maxDeliveryAttempts']}")
    return options


def apply_jobs(gcloud: Gcloud, functions: tuple[Function, ...], urls: Mapping[str, str]) -> None:
    """Make each scheduled function's job call it as it should."""
    listed = gcloud.read_or([], "scheduler", "jobs", "list", f"--location={REGION}")
    existing = {found["name"].rpartition("/")[2]: found for found in listed}
    for function in functions:
        if function.schedule:
            name, url = service_name(function.name), urls[function.name]
            wanted = _job(gcloud.project, function, function.schedule, url)
            _put_job(gcloud, name, wanted, existing.get(name))


def _job(project: str, function: Function, schedule: str, url: str) -> dict[str, Any]:
    token = {"serviceAccountEmail": email(caller_name(function.name), project), "audience": url}
    return {
        "schedule": schedule,
        "timeZone": _SCHEDULES_IN,
        "attemptDeadline": _seconds(SERVICES[function.name].timeout),
        **_job_retries(SERVICES[function.name].retries),
        # The scheduler would add the slash by itself.
        "httpTarget": {"uri": f"{url}/", "httpMethod": "POST", "oidcToken": token},
    }


def _job_retries(count: int) -> dict[str, Any]:
    # The API leaves out a count of none.
    pause = _seconds(_JOB_RETRY_PAUSE)
    return {"retryConfig": {"retryCount": count, "minBackoffDuration": pause}} if count else {}


def _put_job(gcloud: Gcloud, name: str, wanted: Mapping[str, Any], found: Any) -> None:
    if found is not None and _as_wanted(wanted, found):
        return
    verb = "create" if found is None else "update"
    target, retries = wanted["httpTarget"], wanted.get("retryConfig", {})
    gcloud.change(
        f"job {name}: {verb}d",
        *("scheduler", "jobs", verb, "http", name, f"--location={REGION}"),
        f"--schedule={wanted['schedule']}",
        f"--time-zone={wanted['timeZone']}",
        f"--uri={target['uri']}",
        "--http-method=post",
        f"--oidc-service-account-email={target['oidcToken']['serviceAccountEmail']}",
        f"--oidc-token-audience={target['oidcToken']['audience']}",
        f"--attempt-deadline={wanted['attemptDeadline']}",
        f"--max-retry-attempts={retries.get('retryCount', 0)}",
        *([f"--min-backoff={retries['minBackoffDuration']}"] if retries else []),
    )


def _as_wanted(wanted: Any, found: Any) -> bool:
    """Return whether all that is wanted was found; what the service adds does not matter."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _as_wanted(value, found.get(key)) for key, value in wanted.items()
        )
    return bool(wanted == found)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f}s"

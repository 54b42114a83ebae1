"""What goes wrong at the vendors and on the way to the functions in a chaos run, and its count."""

from collections import Counter

import httpx
import msgspec

from local.config import WorldConfig
from local.postman import Disturbance
from local.simulators.faults import Fault

# As short as the machine allows, so that much can go wrong and be healed in little time.
VENDOR_TIMEOUT_S = 3.0
CLAIM_S = 12.0
# With a time scale of 20 that is 13 requests a second, which the waves of orders exceed at times;
# its windows of three seconds are soon over. Once days go by in minutes it is raised: real seconds
# are what the simulator counts.
RATE_LIMIT_PER_MINUTE = 40
_RATE_LIMIT_LATER = 600
VENDORS = ("xendit", "google", "whatsapp")
# Of all requests to them, each operation alike.
VENDOR_FAULTS = (
    Fault(operation="*", kind="error_after", probability=0.05),
    Fault(operation="*", kind="error_before", probability=0.03),
    Fault(operation="*", kind="rate_limit", probability=0.02),
    # The second is longer than the functions wait for an answer, and comes about all the same.
    Fault(operation="*", kind="stall", probability=0.01, seconds=1.0),
    Fault(operation="*", kind="stall", probability=0.003, seconds=VENDOR_TIMEOUT_S + 1.0),
)
WEBHOOKS = {"drop_probability": 0.1, "duplicate_probability": 0.2, "delay_seconds": 2.0}
DELIVERIES = Disturbance(duplicate=0.2, delay_s=0.3)
_TIMEOUT_S = 30.0


def begin(config: WorldConfig) -> None:
    """Let the vendors fail and the webhooks get lost from now on."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for vendor in VENDORS:
            for fault in VENDOR_FAULTS:
                rule = msgspec.to_builtins(fault)
                client.post(f"{config.url(vendor)}/_admin/faults", json=rule).raise_for_status()
        _set_webhooks(client, config, WEBHOOKS)


def let_time_fly(config: WorldConfig) -> None:
    """Raise Xendit's rate limit to what it is for many more seconds of the world."""
    url = f"{config.url('xendit')}/_admin/rate-limit"
    answer = httpx.post(url, json={"limit": _RATE_LIMIT_LATER}, timeout=_TIMEOUT_S, trust_env=False)
    answer.raise_for_status()


def end(config: WorldConfig) -> None:
    """Let the vendors work from now on."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for vendor in VENDORS:
            client.delete(f"{config.url(vendor)}/_admin/faults").raise_for_status()
        _set_webhooks(client, config, dict.fromkeys(WEBHOOKS, 0.0))


def count(config: WorldConfig) -> Counter[str]:
    """Return how often each kind of mishap has happened."""
    happened: Counter[str] = Counter()
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for vendor in VENDORS:
            fired = client.get(f"{config.url(vendor)}/_admin/faults").json()["fired"]
            for what, times in fired.items():
                happened[f"vendor_{what.partition(':')[2]}"] += times
        refused = client.get(f"{config.url('xendit')}/_admin/rate-limit").json()["refused"]
        happened["rate_limit_reached"] = sum(refused.values())
        for webhook in client.get(f"{config.url('xendit')}/_admin/webhooks").json()["webhooks"]:
            happened["webhook_dropped"] += webhook["outcome"] == "dropped"
            happened["webhook_duplicated"] += webhook["duplicate"]
        told = client.get(f"{config.url('postman')}/_admin/pending").json()["mishaps"]
        for what, times in told.items():
            happened[f"delivery_{what}"] += times
    return happened


def _set_webhooks(client: httpx.Client, config: WorldConfig, settings: dict[str, float]) -> None:
    url = f"{config.url('xendit')}/_admin/webhooks"
    client.post(url, json=settings).raise_for_status()

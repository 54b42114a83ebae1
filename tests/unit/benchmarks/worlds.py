"""Small setups of the model, known in every number."""

from collections.abc import Mapping

from benchmarks.model.calls import Place
from benchmarks.model.demand import ALL_KINDS, KINDS, demand
from benchmarks.model.parameters import Latency, Parameters, load
from benchmarks.model.service import Scaling
from benchmarks.model.setup import Measured, deployed
from benchmarks.model.slice import Setup

PARAMETERS: Parameters = load()
MEASURED = Measured(
    processor_s={
        "create_invoice": 0.005,
        "payment_callback": 0.004,
        "create_meeting": 0.013,
        "send_notification": 0.009,
        "send_reminder": 0.002,
        "reconcile_orders": 0.004,
        "keep_dead_letter": 0.004,
    }
)
DEPLOYED = deployed(PARAMETERS, MEASURED)


def toy(
    *, call_s: float = 0.1, limits: Mapping[str, float] | None = None, max_instances: int = 10
) -> Setup:
    """Return a pipeline in which every call takes the same time, and nothing else takes any."""
    places = {
        call: Place(
            latency=Latency(call_s),
            quotas=(("xendit_create", 1),) if call == "xendit_create" else (),
        )
        for kind in ALL_KINDS.values()
        for call in kind.calls
    }
    functions = {kind.function for kind in KINDS.values()} | {"send_reminder", "reconcile_orders"}
    return Setup(
        scaling={
            name: Scaling(concurrency=16, max_instances=max_instances, start=1.0)
            for name in functions
        },
        places=places,
        limits=limits or {"xendit_create": 1e9},
        processor_s=dict.fromkeys(ALL_KINDS, 0.0),
        push=PARAMETERS.pubsub,
        demand=demand(PARAMETERS.order),
    )

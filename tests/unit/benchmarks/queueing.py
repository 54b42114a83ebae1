"""Formulas of queueing theory that the simulation is held against. Times are in seconds."""

import math


def erlang_c(servers: int, load: float) -> float:
    """Return the chance that a customer of an M/M/c queue waits.

    ``load`` is arrivals a second times mean service time, in Erlangs; 1 from ``servers`` on.
    """
    if load >= servers:
        return 1.0
    # By the recursion of Erlang B, since factorials overflow.
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_wait(servers: int, rate: float, service: float) -> float:
    """Return the mean wait in an M/M/c queue; infinite where it is overloaded."""
    load = rate * service
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * service / (servers - load)

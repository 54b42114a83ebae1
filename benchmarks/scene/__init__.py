"""A world without its functions, and requests that each function can really handle to their end."""

from benchmarks.scene.requests import CANCELLING, NAMES, Request, Scene
from benchmarks.scene.served import CORE, await_answer, scene, set_latency

__all__ = [
    "CANCELLING",
    "CORE",
    "NAMES",
    "Request",
    "Scene",
    "await_answer",
    "scene",
    "set_latency",
]
